"""Heard: what clients' own rows say, each by itself, in columns beside the graph's accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.graph import Graph
from detectors.campaign.rows import Own

_CHANGE = 0.5  # nats, or of log-odds: a smaller difference is no news
_MORE, _SOME = 1.25, 4  # a row is asked for again after so many times the requests, and some more


class Columns(NamedTuple):
    """For each account what its row says, NaN where nobody told; and whether that is out of date, or was never told."""

    rank: NDArray[np.float64]  # nats among ordinary clients
    lead: NDArray[np.float64]  # log-odds above most ordinary clients
    stale: NDArray[np.bool_]


class Turn:
    """Names so many of sorted numbers at a time, and goes on where it stopped.

    Of some clients nothing can be told for long, as of who sends a request a day: they keep nobody else waiting.
    """

    def __init__(self) -> None:
        self._last: int | None = None  # that was named where not all could be

    def take(self, some: NDArray[Any], most: int) -> NDArray[Any]:
        """At most so many of them, all in order where they are no more than that."""
        if 0 < most < len(some):
            if self._last is not None:
                some = np.roll(some, -int(np.searchsorted(some, some.dtype.type(self._last), side="right")))
            self._last = int(some[most - 1])
        return some[:most]


class Heard:
    """What each client's row says, and after how many requests that was told."""

    def __init__(self) -> None:
        self._rank: NDArray[np.float64] = np.zeros(0)  # by account; NaN: never told
        self._lead: NDArray[np.float64] = np.zeros(0)
        self._after: NDArray[np.float64] = np.zeros(0)
        self._wanted: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._asked: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._turn = Turn()

    def tell(self, graph: Graph, ranks: Mapping[int, Own]) -> NDArray[np.uint64]:
        """Take in what rows say; the clients for whom it is news. Who is not in the graph is nobody's member."""
        self._reach(len(graph.clients))
        clients = np.fromiter(ranks.keys(), np.uint64, len(ranks))
        told = np.array([*ranks.values()], np.float64).reshape(len(ranks), 2)
        place = graph.clients.find(clients)
        clients, told, place = clients[place >= 0], told[place >= 0], place[place >= 0]
        before = np.column_stack([self._rank[place], self._lead[place]])
        news = ~(np.abs(before - told) < _CHANGE).all(axis=1)
        self._rank[place], self._lead[place] = told.T
        self._after[place] = graph.accounts["n"][place]
        self._asked[place] = False
        return clients[news]

    def columns(self, graph: Graph) -> Columns:
        """All that is known, by account."""
        self._reach(len(graph.clients))
        n = graph.accounts["n"][: len(graph.clients)]
        return Columns(self._rank, self._lead, np.isnan(self._rank) | (n > _MORE * self._after + _SOME))

    def ask(self, graph: Graph, accounts: NDArray[np.integer], *, anew: bool = False) -> None:
        """Accounts whose rows a group waits for, until they are told; `anew`: these and no others."""
        self._reach(len(graph.clients))
        if anew:
            self._asked[:] = False
        self._asked[accounts] = True

    def asked(self, graph: Graph) -> NDArray[np.uint64]:
        """The clients of whose rows groups would like to hear."""
        self._reach(len(graph.clients))
        return np.asarray(graph.clients.known()[np.flatnonzero(self._asked)], np.uint64)

    def want(self, graph: Graph, accounts: NDArray[np.integer], *, anew: bool = False) -> None:
        """Accounts whose rows may say what a wording of theirs does not; `anew`: these and no others."""
        self._reach(len(graph.clients))
        if anew:
            self._wanted[:] = False
        self._wanted[accounts] = True

    def wanted(self, graph: Graph, most: int) -> list[int]:
        """Of these, clients of whom nobody told, or who sent much more since then; in turn, where there are more."""
        stale = self.columns(graph).stale  # which makes room for accounts that are new: before the rest is read
        some = self._turn.take(np.flatnonzero(self._wanted & stale), most)
        found: list[int] = graph.clients.known()[some].tolist()
        return found

    def of(self, graph: Graph) -> dict[int, tuple[Own, int]]:
        """By client: what was told, and after how many requests."""
        known = np.flatnonzero(~np.isnan(self._rank))
        told = map(Own, self._rank[known].tolist(), self._lead[known].tolist())
        values = zip(told, self._after[known].astype(np.int64).tolist(), strict=True)
        return dict(zip(graph.clients.known()[known].tolist(), values, strict=True))

    def renumber(self, account: NDArray[np.int32]) -> None:
        """Follow accounts to their new numbers; -1 is gone."""
        self._reach(len(account))
        stays = account >= 0  # numbers keep their order
        self._rank, self._lead = self._rank[stays], self._lead[stays]
        self._after, self._wanted, self._asked = self._after[stays], self._wanted[stays], self._asked[stays]

    def arrays(self, graph: Graph) -> dict[str, NDArray[Any]]:
        """All that was told as plain arrays."""
        known = np.flatnonzero(~np.isnan(self._rank))
        values = np.column_stack([self._rank[known], self._lead[known], self._after[known]])
        return {"ranked": graph.clients.known()[known], "ranks": values}

    def load_arrays(self, graph: Graph, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `arrays` gave; nothing of an earlier version's, which had no lead: all is asked for again."""
        self._reach(len(graph.clients))
        if arrays["ranks"].shape[1] != 3:
            return
        place = graph.clients.find(arrays["ranked"])
        place, told = place[place >= 0], arrays["ranks"][place >= 0]
        self._rank[place], self._lead[place], self._after[place] = told.T

    def _reach(self, accounts: int) -> None:
        fresh = accounts - len(self._rank)
        if fresh > 0:
            unknown = np.full(fresh, np.nan)
            self._rank, self._lead = np.append(self._rank, unknown), np.append(self._lead, unknown)
            self._after = np.concatenate([self._after, np.zeros(fresh)])
            self._wanted = np.concatenate([self._wanted, np.zeros(fresh, np.bool_)])
            self._asked = np.concatenate([self._asked, np.zeros(fresh, np.bool_)])
