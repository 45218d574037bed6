"""Mixed clients: their traffic as a whole and each of its parts, stepped together and told of as one client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import parts, standing
from detectors.base import Explanation, Level
from detectors.batch import Batch, order_of
from detectors.engine import FINDING, WINDOW, Engine, Told, put, taken, window_of
from detectors.sketch import mix
from detectors.standing import Before, Kept, Look

Load = Callable[[NDArray[np.uint64]], NDArray[np.void]]
"""From the sorted unique numbers of parts to their rows, fresh ones where there are none; they are stepped in place."""

MOST = 20_000  # parts of one step: their rows are held at once, about 4 KB each


class Stepped(NamedTuple):
    """Findings, sorted by client and each client's in the order in which they came, and the rows of the parts."""

    findings: NDArray[np.void]
    seen: NDArray[np.void]  # (findings,): the row of the finding's client as it stood then
    because: NDArray[np.intp]  # (findings,): the row in `apart` of the part that a finding is about, -1: of the whole
    apart: NDArray[np.void]  # as they stood then
    rows: NDArray[np.void]  # of the parts that were stepped
    left_out: int = 0  # parts that were not stepped, for there were too many


class _Sent(NamedTuple):
    """What a batch sends apart: copies of events under the numbers of their parts, sorted by these."""

    events: NDArray[np.void]
    places: NDArray[np.intp]  # of the events in the batch
    numbers: NDArray[np.uint64]  # each once
    starts: NDArray[np.intp]  # where each part's events begin
    owner: NDArray[np.intp]  # the place of each part's client
    part: NDArray[np.uint8]  # which part of it that is, from 1
    left_out: int


def step(engine: Engine, rows: NDArray[np.void], events: NDArray[np.void], now: float, load: Load) -> Stepped:
    """Fold `events` into `rows` as `engine.step` does, and what mixed clients send apart into the rows that `load` has.

    A client is at the level of its whole traffic or of the part that scores highest, whichever is higher. Each change
    of that is told, however many a batch has: it does not depend on where the stream was cut.
    """
    if not len(events):
        return _plain(Told(np.zeros(0, FINDING), rows[:0]))
    batch = engine.batch(events)
    window = _windows(batch)
    first = parts.until(rows["parts"], batch, window)
    if first is None:
        return _turn(engine, rows, events, batch, window, now, load)
    return _in_turns(engine, rows, events, batch, first, now, load)


def _in_turns(
    engine: Engine, rows: NDArray[np.void], events: NDArray[np.void], batch: Batch, first: NDArray[np.intp], now: float,
    load: Load,
) -> Stepped:  # fmt: skip
    """`step` where parts may be forgotten within the batch: with `first` events of each client, then with the rest."""
    shelf, told, place = _Shelf(load, rows[:0]), [], np.arange(len(rows))
    while True:
        head = np.arange(len(batch)) - batch.spread(batch.starts) < batch.spread(first)
        some, rest = (
            taken(np.ascontiguousarray(events), batch.order[np.flatnonzero(which)]) for which in (head, ~head)
        )
        mine, batch = taken(rows, place), engine.batch(some)
        one = _turn(engine, mine, some, batch, _windows(batch), now, shelf.load)
        put(rows, place, mine)
        shelf.keep(one.rows)
        told.append(one)
        if not len(rest):
            return _together(told, shelf.rows)
        events, batch = rest, engine.batch(rest)
        place = np.searchsorted(rows["client"], batch.clients)
        due = parts.until(rows["parts"][place], batch, _windows(batch))
        first = batch.counts if due is None else due


def _turn(
    engine: Engine, rows: NDArray[np.void], events: NDArray[np.void], batch: Batch, window: NDArray[np.int32],
    now: float, load: Load,
) -> Stepped:  # fmt: skip
    """`step` where no part is forgotten but at the end."""
    before = Before(rows)
    sent = _sent(events, batch, parts.route(rows["parts"], batch, window))
    found = engine.tell(rows, batch, now)
    parts.fade(rows["parts"])
    if sent is None and not before.part_level.any():
        return _plain(found)
    looks = [Look(finding, row) for finding, row in zip(*found, strict=True)]
    if sent is None:
        nobody = Kept(rows[:0], np.zeros(0, np.intp))
        return _stepped(standing.told(rows, before, nobody, looks), nobody.rows, 0)
    kept = Kept(load(sent.numbers), sent.owner)
    kept.rows["part"] = sent.part
    apart = engine.tell(kept.rows, sent.events, now)
    parts.say(rows["parts"], sent.owner, kept.rows)
    then = _Then(rows, before.last, events, batch, window)
    looks += [_look(sent, kept, then, *one) for one in zip(*apart, strict=True)]
    return _stepped(standing.told(rows, before, kept, looks), kept.rows, sent.left_out)


class _Shelf:
    """The rows of parts between the turns of a batch, by number; `none` is an array of such rows without any."""

    def __init__(self, load: Load, none: NDArray[np.void]) -> None:
        self.rows = none
        self._load = load

    def load(self, numbers: NDArray[np.uint64]) -> NDArray[np.void]:
        """As `Load`: those that were kept, and else what it gives."""
        rows = self._load(numbers).copy()  # which may be gone with its next call
        place, known = self._find(numbers)
        put(rows, np.flatnonzero(known), taken(self.rows, place[known]))
        return rows

    def keep(self, rows: NDArray[np.void]) -> None:
        """Take rows up as they stand now."""
        if not len(self.rows):
            self.rows = rows
            return
        place, known = self._find(rows["client"])
        put(self.rows, place[known], taken(rows, np.flatnonzero(known)))
        if not known.all():
            both = (self.rows, taken(rows, np.flatnonzero(~known)))
            joined = np.concatenate([one.view(f"V{one.itemsize}") for one in both]).view(rows.dtype)
            self.rows = taken(joined, np.argsort(joined["client"]))

    def _find(self, numbers: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Where each number stands, and whether it is there."""
        if not len(self.rows):
            return np.zeros(len(numbers), np.intp), np.zeros(len(numbers), np.bool_)
        place = np.minimum(np.searchsorted(self.rows["client"], numbers), len(self.rows) - 1)
        return place, self.rows["client"][place] == numbers


def explain(engine: Engine, row: np.void, part: np.void | None, now: float, level: int | None = None) -> Explanation:
    """All that is known for and against a client: of its whole traffic, or of the part that it stands there for.

    `level` is what it was told to be at, where the row is one of then; else it is at what its row says.
    """
    level = Level(max(int(row["level"]), int(row["parts"]["level"])) if level is None else level)
    if part is None:
        return replace(engine.explain(row, now), level=level)
    told = engine.explain(part, now)
    size = int(part["counted"])
    # Of the week before, where the part has not come since: the row tells only of this week.
    total = f" of {int(row['counted']):,}" if part["window"] == row["window"] else ""
    text = f"In a part of its traffic, {size:,}{total} answered requests that are sent in a manner of their own: "
    return replace(
        told,
        client=int(row["client"]),
        level=level,
        requests=int(row["events"]),
        sentence=text + told.sentence[0].lower() + told.sentence[1:],
        part_requests=size,
    )


def ids(clients: NDArray[np.uint64], places: NDArray[np.integer]) -> NDArray[np.uint64]:
    """The number under which the row of a client's part is kept; `places` from 1, broadcast against the clients.

    A part's windows are those of its client, which go by the number (`engine.window_of`): one would else be looked at
    anew while the other goes on.
    """
    number, window = mix(clients ^ mix(np.atleast_1d(places).astype(np.uint64))), np.uint64(int(WINDOW))
    return np.asarray(number - number % window + clients % window, np.uint64)


def chief(row: np.void) -> int:
    """The number under which the row of the part is kept that the client stands where it does for; 0: it is none."""
    one = np.array([row])
    if not parts.said(one["parts"], one["level"], one["score"])[0]:
        return 0
    return int(ids(one["client"], one["parts"]["part"])[0])


def _windows(batch: Batch) -> NDArray[np.int32]:
    """The window of each event."""
    last = window_of(batch.clients, batch.last)
    if np.array_equal(window_of(batch.clients, batch.first), last):
        return batch.spread(last)
    return window_of(batch.spread(batch.clients), batch["at"])


def _sent(events: NDArray[np.void], batch: Batch, place: NDArray[np.uint8]) -> _Sent | None:
    """The events that are kept apart, by the part of each event of the batch; None where there are none."""
    marked = np.flatnonzero(place)
    if not len(marked):
        return None
    every = ids(batch.clients[batch.index[marked]], place[marked])
    order = order_of(every)
    every = every[order]
    starts = np.flatnonzero(np.append(True, every[1:] != every[:-1]))
    numbers = every[starts]
    left_out = max(len(numbers) - MOST, 0)
    if left_out:
        end = starts[MOST]
        order, every, numbers, starts = order[:end], every[:end], numbers[:MOST], starts[:MOST]
    marked = marked[order]
    chosen = taken(np.ascontiguousarray(events), batch.order[marked])
    chosen["client"] = every
    return _Sent(chosen, marked, numbers, starts, batch.index[marked[starts]], place[marked[starts]], left_out)


class _Then:
    """The rows of a batch's clients as they stood at its events, for what stands in no copy of its own."""

    def __init__(
        self,
        rows: NDArray[np.void],
        last: NDArray[np.float64],
        events: NDArray[np.void],
        batch: Batch,
        window: NDArray[np.int32],
    ) -> None:
        self._rows, self._last, self._events = rows, last, events
        self._order, self._window, self._counted = batch.order, window, batch.counted_mask
        self._ends, self._starts = batch.starts + batch.counts, batch.starts

    def row(self, client: int, place: int) -> np.void:
        """The row of the client at `client`, of whose events that at `place` in the batch's order was the last."""
        row: np.void = self._rows[client].copy()
        later = slice(place + 1, int(self._ends[client]))
        gone = self._order[later]
        row["events"] -= len(gone)
        for name in ("in_tokens", "out_tokens"):
            row[name] -= self._events[name][gone].sum(dtype=np.uint64)
        row["counted"] -= int((self._counted[later] & (self._window[later] == row["window"])).sum())
        known = self._order[int(self._starts[client]) : place + 1]
        row["last"] = max(float(self._last[client]), float(self._events["at"][known].max()))
        return row


def _look(sent: _Sent, kept: Kept, then: _Then, finding: np.void, part: np.void) -> Look:
    """What was found of a part, as told of its client: a finding of then, when it had sent so many requests."""
    one = int(np.searchsorted(sent.numbers, finding["client"]))
    nth = int(finding["requests"]) - int(kept.events[one])
    row = then.row(int(sent.owner[one]), int(sent.places[sent.starts[one] + nth - 1]))
    finding = finding.copy()
    finding["client"], finding["requests"], finding["at"] = row["client"], row["events"], row["last"]
    return Look(finding, row, part)


def _plain(told: Told) -> Stepped:
    """Where no client is mixed."""
    none = told.seen[:0]
    return Stepped(told.findings, told.seen, np.full(len(told.findings), -1), none, none)


def _together(turns: Sequence[Stepped], kept: NDArray[np.void]) -> Stepped:
    """What several turns told, as told by one."""
    findings = np.concatenate([one.findings for one in turns])
    before = np.cumsum([0, *(len(one.apart) for one in turns)])
    because = [np.where(one.because >= 0, one.because + more, -1) for one, more in zip(turns, before, strict=False)]
    order = np.argsort(findings["client"], kind="stable")
    seen, apart = (np.concatenate([one[place] for one in turns]) for place in (1, 3))
    left_out = sum(one.left_out for one in turns)
    return Stepped(findings[order], taken(seen, order), np.concatenate(because)[order], apart, kept, left_out)


def _stepped(told: Sequence[Look], kept: NDArray[np.void], left_out: int) -> Stepped:
    apart = [look.part for look in told if look.part is not None]
    about = np.array([look.part is not None for look in told], np.bool_)
    because = np.where(about, np.cumsum(about) - 1, -1)
    findings = np.array([look.finding for look in told], FINDING)
    return Stepped(
        findings, _stacked([look.row for look in told], kept), because, _stacked(apart, kept), kept, left_out
    )


def _stacked(rows: Sequence[np.void], like: NDArray[np.void]) -> NDArray[np.void]:
    """Rows as one array of their kind, `like` another of it; whole records at once."""
    return np.frombuffer(bytearray(b"".join(row.tobytes() for row in rows)), like.dtype)
