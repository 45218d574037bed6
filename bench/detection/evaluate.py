"""Evaluation: every client's row as it stood at each look, and what any reference makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.detection.compose import Account
from detectors import calibrate, fitting, fuse, mixed, parts, reference
from detectors.base import Detector, Level
from detectors.engine import FINDING, Engine
from detectors.exchange import Outcome
from detectors.judge import TRIP
from detectors.table import Table

CLIENT = np.dtype(
    [
        ("client", "<u8"),
        ("harvest", "?"),
        ("kind", "U64"),  # the harvest's family, or the ordinary persona
        ("source", "U64"),
        ("campaign", "U64"),
        ("pair", "<i8"),
        ("arrival", "U32"),
        ("grey", "?"),
        ("calibration", "?"),  # composed to fit a reference and to set levels, not to be tested
        ("cover", "<f4"),
        ("requests", "<i8"),
        ("answers", "<i8"),
        ("days", "<f8"),
    ]
)
_TOP = 4.0 * calibrate.CAP  # more than all families together can say
_CHUNK = 40_000  # events folded at a time


@dataclass(frozen=True, slots=True)
class Observed:
    """Clients, and their looks in order of client and time: arrays of one length each."""

    clients: NDArray[np.void]  # of CLIENT
    who: NDArray[np.intp]  # (looks,): place in `clients`
    rows: NDArray[np.void]  # (looks,): the engine's row as it stood; where `part` is set, of that part of the client
    answers: NDArray[np.float64]  # (looks,): answers received up to then
    extra: dict[str, NDArray[Any]]  # what baselines keep, by name: one entry a look
    kept: dict[str, NDArray[Any]]  # and one entry a client

    @property
    def look(self) -> NDArray[np.intp]:
        """Which look each is, from 0."""
        return self.rows["look"].astype(np.intp) - 1

    @property
    def requests(self) -> NDArray[np.float64]:
        """Requests of the client up to each look."""
        return self.rows["events"].astype(np.float64)

    @property
    def whole(self) -> Observed:
        """The looks at whole clients alone."""
        keep = self.rows["part"] == 0
        extra = {name: values[keep] for name, values in self.extra.items()}
        return replace(self, who=self.who[keep], rows=self.rows[keep], answers=self.answers[keep], extra=extra)

    @property
    def last(self) -> NDArray[np.bool_]:
        """Which looks are their client's last, of all of its traffic."""
        whole = np.flatnonzero(self.rows["part"] == 0)
        who = self.who[whole]
        out = np.zeros(len(self.who), np.bool_)
        out[whole[np.append(who[1:] != who[:-1], True)[: len(who)]]] = True
        return out

    def of(self, clients: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The looks of some of the clients."""
        return np.asarray(clients[self.who], np.bool_)


class Watcher(NamedTuple):
    """What a baseline keeps: by look from the events up to it, or by client from all of them."""

    name: str
    by_look: Callable[[NDArray[np.void], NDArray[np.intp]], NDArray[Any]] | None
    by_client: Callable[[NDArray[np.void]], NDArray[Any]] | None = None


class _Observer(Engine):
    """An engine that keeps every row as it stands at a look, and judges none."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        super().__init__(detectors, reference.empty())
        self.seen: list[NDArray[np.void]] = []

    def _look(
        self,
        rows: NDArray[np.void],
        seen: NDArray[np.void],
        who: NDArray[np.intp],
        nth: NDArray[np.intp],  # noqa: ARG002 (the engine's own signature)
        look: NDArray[np.uint8],
    ) -> NDArray[np.void]:
        seen["look"] = look
        self.seen.append(seen.copy())
        np.maximum.at(rows["look"], who, look)
        return np.zeros(0, FINDING)


def join(first: Observed, second: Observed) -> Observed:
    """Two observations of different clients as one."""
    return Observed(
        clients=np.concatenate([first.clients, second.clients]),
        who=np.concatenate([first.who, second.who + len(first.clients)]),
        rows=np.concatenate([first.rows, second.rows]),
        answers=np.concatenate([first.answers, second.answers]),
        extra={name: np.concatenate([first.extra[name], second.extra[name]]) for name in second.extra},
        kept={name: np.concatenate([first.kept[name], second.kept[name]]) for name in second.kept},
    )


def observe(detectors: Sequence[Detector], accounts: Iterable[Account], watchers: Sequence[Watcher] = ()) -> Observed:
    """Fold the accounts as the service would, a part at a time; needs no reference."""
    engine = _Observer(detectors)
    parts: list[_Part] = []
    held: list[Account] = []
    events = 0
    for one in accounts:
        held.append(one)
        events += len(one.events)
        if events >= _CHUNK:
            parts.append(_fold(engine, held, watchers))
            held, events = [], 0
    if held:
        parts.append(_fold(engine, held, watchers))
    base = np.cumsum([0, *(len(part.clients) for part in parts)])
    return Observed(
        clients=np.concatenate([part.clients for part in parts]),
        who=np.concatenate([part.who + base[place] for place, part in enumerate(parts)]),
        rows=np.concatenate([part.rows for part in parts]),
        answers=np.concatenate([part.answers for part in parts]),
        extra={one.name: np.concatenate([p.extra[one.name] for p in parts]) for one in watchers if one.by_look},
        kept={one.name: np.concatenate([p.kept[one.name] for p in parts]) for one in watchers if one.by_client},
    )


class _Part(NamedTuple):
    clients: NDArray[np.void]
    who: NDArray[np.intp]
    rows: NDArray[np.void]
    answers: NDArray[np.float64]
    extra: dict[str, NDArray[Any]]
    kept: dict[str, NDArray[Any]]


def _fold(engine: _Observer, accounts: Sequence[Account], watchers: Sequence[Watcher]) -> _Part:
    engine.seen.clear()
    Table(engine).step(np.concatenate([one.events for one in accounts]), 0.0)
    rows = np.concatenate(engine.seen) if engine.seen else np.zeros(0, engine.row)
    who = _owners(np.array([one.client for one in accounts], np.uint64), rows)
    place = np.lexsort((rows["look"], rows["window"], rows["part"], who))
    rows, who = rows[place], who[place]
    answers = np.zeros(len(rows))
    extra: dict[str, list[NDArray[Any]]] = {one.name: [] for one in watchers if one.by_look}
    kept: dict[str, list[NDArray[Any]]] = {one.name: [] for one in watchers if one.by_client}
    for number, account in enumerate(accounts):
        events = account.events[np.argsort(account.events["at"], kind="stable")]
        here = np.flatnonzero(who == number)
        apart = here[rows["part"][here] > 0]  # a look at a part comes when so much of the client is known
        rows["events"][apart] = np.searchsorted(events["at"], rows["last"][apart], side="right")
        until = np.minimum(rows["events"][here].astype(np.intp), len(events))
        answers[here] = np.concatenate([[0], np.cumsum(answers_of(events))])[until]
        for one in watchers:
            if one.by_look:
                extra[one.name].append(one.by_look(events, until))
            if one.by_client:
                kept[one.name].append(one.by_client(events)[None])
    return _Part(
        np.array([_described(one) for one in accounts], CLIENT), who, rows, answers,
        {name: np.concatenate(values) for name, values in extra.items()},
        {name: np.concatenate(values) for name, values in kept.items()},
    )  # fmt: skip


def _owners(clients: NDArray[np.uint64], rows: NDArray[np.void]) -> NDArray[np.intp]:
    """Whose each row is, by place in `clients`: a part's row goes by a number of its own."""
    numbers = np.concatenate([clients, *(mixed.ids(clients, np.array([part])) for part in range(1, parts.COUNT + 1))])
    order = np.argsort(numbers)
    return np.asarray(order[np.searchsorted(numbers[order], rows["client"])] % len(clients), np.intp)


def answers_of(events: NDArray[np.void]) -> NDArray[np.int64]:
    """How many answers each exchange brought: choices times prompts, none where it failed."""
    got = (events["outcome"] == Outcome.OK) & (events["status"] < 400)
    count = events["choices"].astype(np.int64) * events["prompts"]
    return np.where(got, count, 0)


def _described(one: Account) -> tuple[Any, ...]:
    at = one.events["at"]
    days = max(float(np.ptp(at)) / 86_400.0, 1.0) if len(at) else 1.0
    return (
        one.client, bool(one.family), one.family or one.persona, one.source, one.campaign, one.pair, one.arrival,
        one.grey, False, one.cover, len(one.events), int(answers_of(one.events).sum()), days,
    )  # fmt: skip


class Evidence(NamedTuple):
    """What a reference makes of each look, detector by detector: arrays of shape (looks, detectors)."""

    engine: Engine
    raw: NDArray[np.float32]
    p: NDArray[np.float64]
    floors: NDArray[np.float64]
    tripped: NDArray[np.bool_]
    rank: NDArray[np.float64]  # (looks,): the joint score's log-odds
    kinds: NDArray[np.float64]  # (looks, families): those of each family's own trees


class Decided(NamedTuple):
    """What fusion makes of it: one entry a look."""

    score: NDArray[np.float64]  # nats, a touched tripwire above all
    both: NDArray[np.float64]  # the same where two kinds of evidence speak, one of them leading; else 0
    level: NDArray[np.uint8]  # the tier that the service would show after the look


def evidence(engine: Engine, seen: Observed) -> Evidence:
    """Compare all looks with the engine's reference."""
    rows = seen.rows.copy()
    rows["group"] = engine.judge.group(rows)
    found = engine.judge.judge(rows, float(rows["last"].max()) if len(rows) else 0.0)
    tripped = (found.scores >= TRIP) & engine.judge.wires
    return Evidence(engine, found.scores, found.p, found.floors, tripped, found.rank, found.kinds)


def decide(told: Evidence, seen: Observed, only: NDArray[np.bool_] | None = None) -> Decided:
    """Fuse the evidence and take each client's levels in order.

    `only` marks the detectors, by place, whose evidence counts; the others are taken to be silent.
    """
    p, floors, tripped = told.p, told.floors, told.tripped
    if only is not None:
        p, floors, tripped = np.where(only, p, 1.0), np.where(only, floors, 1.0), tripped & only
    judge = told.engine.judge
    joint = (told.rank, told.kinds) if only is None else ()
    fused = judge.fused(p, floors, judge.group(seen.rows), seen.rows["look"], tripped, *joint)
    fused = fuse.marked_down(fused, seen.rows["part"] > 0, parts.MARGIN)
    looks = seen.rows["look"].astype(np.int64)
    level = np.zeros(len(looks), np.uint8)
    stream = seen.who * (parts.COUNT + 1) + seen.rows["part"]  # the whole and each part have a level of their own
    previous = np.zeros(len(seen.clients) * (parts.COUNT + 1), np.uint8)
    nth = np.arange(len(looks)) - np.searchsorted(stream, stream, side="left")
    for turn in range(int(nth.max(initial=-1)) + 1):
        now_at = np.flatnonzero(nth == turn)
        client = stream[now_at]
        level[now_at] = fuse.levels(told.engine.reference, fused.take(now_at), looks[now_at], previous[client])
        previous[client] = level[now_at]
    score = np.where(fused.tripped, np.maximum(fused.score, _TOP), fused.score)
    both = np.where(fuse.two_kinds(fused) | fused.tripped, score, 0.0)
    return Decided(score, both, level)


def snapshots(seen: Observed, clients: NDArray[np.bool_]) -> list[fitting.Snapshot]:
    """The looks of some clients as the fit of a reference wants them; of each client its first window alone."""
    inside = seen.of(clients) & (seen.rows["part"] == 0)
    window = seen.rows["window"]
    first = np.full(len(seen.clients), np.iinfo(np.int32).max, np.int64)
    np.minimum.at(first, seen.who, window)
    inside &= window == first[seen.who]
    out = []
    for look in range(len(reference.LOOKS)):
        rows = seen.rows[inside & (seen.look == look)]
        if not len(rows):
            break
        order = np.argsort(rows["client"])
        out.append(fitting.Snapshot(rows["client"][order].copy(), rows[order].copy()))
    return out


def reached(seen: Observed, level: NDArray[np.uint8], least: Level) -> NDArray[np.bool_]:
    """Which clients ever reached a level."""
    out = np.zeros(len(seen.clients), np.bool_)
    out[seen.who[level >= least]] = True
    return out
