"""Paces: a client that is refused in the middle of its work falls silent, and another goes on seconds later."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.graph import Graph
from detectors.campaign.moves import REFUSED, WITHIN, between
from detectors.campaign.tells import TELL, Kind, token, wordings

QUIET = 60.0  # seconds: who was silent so long begins anew
BESIDE = (20.0, 60.0)  # seconds after a refusal: who begins then does so by chance
SHARE = WITHIN / (WITHIN + BESIDE[1] - BESIDE[0])  # of those who begin by chance, how many do it at once
_STEADY = 20.0  # seconds that a client must have worked when it is refused, its last answer QUIET ago at most
_KEYS = (Kind.FRAMED, Kind.FRAMED_TAIL, Kind.FRAMED_SYSTEM, Kind.LISTED)
_MOST = 4_096  # refusals that are watched at once


class _Watch:
    """One refusal, and who began within a minute after it."""

    __slots__ = ("at", "body", "client", "keys", "network", "over", "seen")

    def __init__(self, one: _Seen) -> None:
        self.at, self.client, self.network, self.body, self.keys = one.at, one.client, one.network, one.body, one.keys
        self.over = False  # it was answered again: nobody took its place
        self.seen: dict[int, float] = {}  # client: when it began


class _Seen(NamedTuple):
    """What is looked at of one event."""

    at: float
    client: int
    network: int
    body: int
    refused: bool
    begins: bool
    keys: tuple[int, ...]


class Paces:
    """When each account sent and was answered last, and the refusals of the last minute."""

    def __init__(self) -> None:
        self._of = {name: np.zeros(0) for name in ("last", "since", "answered", "times")}
        self._open: dict[int, _Watch] = {}  # by wording
        self._queue: deque[_Watch] = deque()

    def follow(self, graph: Graph, events: NDArray[np.void]) -> NDArray[np.void]:
        """Tells for both clients where one began, under the same wording and from elsewhere, after the other's refusal.

        FOLLOWED within ten seconds, BESIDE some time later, which tells how often that happens by chance; once the
        minute after the refusal is over, if the refused one was not answered again in it.
        """
        self._reach(len(graph.clients))
        steady, begins, good = self._stretches(graph.clients.find(events["client"]), events)
        if not steady.any() and not self._queue:
            return np.zeros(0, TELL)
        watched = np.union1d(np.unique(events["client"][steady]), [one.client for one in self._queue])
        some = np.flatnonzero(steady | begins | (good & np.isin(events["client"], watched.astype(np.uint64))))
        done: list[_Watch] = []
        for one in _seen(events[some], steady[some], begins[some]):
            done += self._due(one.at)
            self._look(one)
        return self._told(graph, done + self._due(float(events["at"].max())))

    def settle(self, graph: Graph, now: float) -> NDArray[np.void]:
        """The tells of refusals whose minute is over by now."""
        return self._told(graph, self._due(now))

    def times(self, graph: Graph) -> NDArray[np.float64]:
        """How often each account began after another was refused, or another after it: what is news of a group."""
        self._reach(len(graph.clients))
        return self._of["times"]

    def _told(self, graph: Graph, done: list[_Watch]) -> NDArray[np.void]:
        rows = _tells(done)
        np.add.at(self._of["times"], graph.clients.find(rows["client"]), rows["n"])
        return rows

    def _look(self, one: _Seen) -> None:
        near = {id(held): held for key in one.keys if (held := self._open.get(key)) is not None}
        if one.refused:
            if all(held.over for held in near.values()) and one.keys and len(self._queue) < _MOST:
                fresh = _Watch(one)
                self._open.update(dict.fromkeys(one.keys, fresh))
                self._queue.append(fresh)
            return
        for held in near.values():
            if held.client == one.client:
                held.over |= one.at > held.at
            elif one.begins and one.network != held.network and one.body != held.body and one.at > held.at:
                held.seen.setdefault(one.client, one.at)

    def _due(self, now: float) -> list[_Watch]:
        """Refusals whose minute is over."""
        out = []
        while self._queue and self._queue[0].at + BESIDE[1] < now:
            one = self._queue.popleft()
            for key in one.keys:
                if self._open.get(key) is one:
                    del self._open[key]
            if not one.over:
                out.append(one)
        return out

    def _stretches(
        self, account: NDArray[np.int32], events: NDArray[np.void]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Which events refuse a client in the middle of its work, which are answered after a silence, which at all."""
        order = np.lexsort((events["at"], account))
        who, at, status = account[order], events["at"][order], events["status"][order]
        place = np.arange(len(who))
        head = np.diff(who, prepend=-1) != 0
        first = np.maximum.accumulate(np.where(head, place, 0))
        before = np.where(head, self._of["last"][who], np.append(0.0, at[:-1]))
        idle, good = at - before >= QUIET, (status >= 200) & (status < 300)
        since = _latest(idle, first, at, self._of["since"][who])
        answered = _latest(good, first, at, self._of["answered"][who])
        earlier = np.where(head, self._of["answered"][who], np.append(0.0, answered[:-1]))
        steady = np.isin(status, REFUSED) & (at - since >= _STEADY) & (at - earlier <= QUIET)
        tail = np.append(head[1:], np.ones(min(len(head), 1), np.bool_))
        for name, column in (("last", at), ("since", since), ("answered", answered)):
            self._of[name][who[tail]] = np.maximum(column[tail], self._of[name][who[tail]])
        out = np.zeros((3, len(who)), np.bool_)
        out[:, order] = steady, good & idle, good
        return out[0], out[1], out[2]

    def renumber(self, account: NDArray[np.int32]) -> None:
        """Follow accounts to their new numbers; -1 is gone."""
        self._reach(len(account))
        self._of = {name: column[: len(account)][account >= 0] for name, column in self._of.items()}

    def _reach(self, accounts: int) -> None:
        fresh = accounts - len(self._of["last"])
        if fresh > 0:
            self._of = {name: np.append(column, np.zeros(fresh + accounts // 4)) for name, column in self._of.items()}


def _latest(
    which: NDArray[np.bool_], first: NDArray[np.intp], at: NDArray[np.float64], held: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The time of the latest of some events up to each one, of the same client; what is held where there is none."""
    place = np.maximum.accumulate(np.where(which, np.arange(len(at)), -1))
    return np.where(place >= first, at[np.maximum(place, 0)], held)


def _seen(events: NDArray[np.void], refused: NDArray[np.bool_], begins: NDArray[np.bool_]) -> Iterator[_Seen]:
    """Events in order of time, with the wordings under which one client may go on for another."""
    keys = [token(kind, values) for kind, values in islice(wordings(events), 7) if kind in _KEYS]
    named = np.column_stack(keys).tolist()
    for place in np.argsort(events["at"], kind="stable").tolist():
        one: Any = events[place]
        yield _Seen(
            float(one["at"]), int(one["client"]), int(one["network"]), int(one["body"]), bool(refused[place]),
            bool(begins[place]), tuple(key for key in named[place] if key),
        )  # fmt: skip


def _tells(done: list[_Watch]) -> NDArray[np.void]:
    """What came of refusals, as tells of both clients."""
    parts = []
    for kind, low, high in ((Kind.FOLLOWED, 0.0, WITHIN), (Kind.BESIDE, *BESIDE)):
        found = [(one.client, other, at) for one in done for other, at in one.seen.items() if low < at - one.at <= high]
        if found:
            source, other, at = zip(*found, strict=True)
            parts.append(between(kind, np.array(source, np.uint64), np.array(other, np.uint64), np.array(at)))
    return np.concatenate(parts) if parts else np.zeros(0, TELL)
