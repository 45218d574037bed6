"""Heard: what clients' own rows say, each by itself, in a column beside the graph's accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.graph import Graph

_CHANGE = 0.5  # nats: a smaller difference is no news
_MORE, _SOME = 1.25, 4  # a row is asked for again after so many times the requests, and some more


class Heard:
    """How rare each client's row is among ordinary clients, in nats, and after how many requests that was told."""

    def __init__(self) -> None:
        self._rank: NDArray[np.float64] = np.zeros(0)  # by account; NaN: never told
        self._after: NDArray[np.float64] = np.zeros(0)
        self._wanted: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def tell(self, graph: Graph, ranks: Mapping[int, float]) -> NDArray[np.uint64]:
        """Take in what rows say; the clients for whom it is news. Who is not in the graph is nobody's member."""
        self._reach(len(graph.clients))
        clients = np.fromiter(ranks.keys(), np.uint64, len(ranks))
        told = np.fromiter(ranks.values(), np.float64, len(ranks))
        place = graph.clients.find(clients)
        clients, told, place = clients[place >= 0], told[place >= 0], place[place >= 0]
        news = ~(np.abs(self._rank[place] - told) < _CHANGE)
        self._rank[place], self._after[place] = told, graph.accounts["n"][place]
        return clients[news]

    def columns(self, graph: Graph) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """For each account its nats, NaN where nobody told; and whether they are out of date, or were never told."""
        self._reach(len(graph.clients))
        n = graph.accounts["n"][: len(graph.clients)]
        return self._rank, np.isnan(self._rank) | (n > _MORE * self._after + _SOME)

    def want(self, graph: Graph, accounts: NDArray[np.integer], *, anew: bool = False) -> None:
        """Accounts whose rows may say what a wording of theirs does not; `anew`: these and no others."""
        self._reach(len(graph.clients))
        if anew:
            self._wanted[:] = False
        self._wanted[accounts] = True

    def wanted(self, graph: Graph, most: int) -> list[int]:
        """Of these, clients of whom nobody told, or who sent much more since then."""
        _, stale = self.columns(graph)
        found: list[int] = graph.clients.known()[np.flatnonzero(self._wanted & stale)[:most]].tolist()
        return found

    def of(self, graph: Graph) -> dict[int, tuple[float, int]]:
        """By client: nats, and after how many requests."""
        known = np.flatnonzero(~np.isnan(self._rank))
        values = zip(self._rank[known].tolist(), self._after[known].astype(np.int64).tolist(), strict=True)
        return dict(zip(graph.clients.known()[known].tolist(), values, strict=True))

    def renumber(self, account: NDArray[np.int32]) -> None:
        """Follow accounts to their new numbers; -1 is gone."""
        self._reach(len(account))
        stays = account >= 0  # numbers keep their order
        self._rank, self._after, self._wanted = self._rank[stays], self._after[stays], self._wanted[stays]

    def arrays(self, graph: Graph) -> dict[str, NDArray[Any]]:
        """All that was told as plain arrays."""
        known = np.flatnonzero(~np.isnan(self._rank))
        values = np.column_stack([self._rank[known], self._after[known]])
        return {"ranked": graph.clients.known()[known], "ranks": values}

    def load_arrays(self, graph: Graph, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `arrays` gave."""
        self._reach(len(graph.clients))
        place = graph.clients.find(arrays["ranked"])
        self._rank[place[place >= 0]], self._after[place[place >= 0]] = arrays["ranks"][place >= 0].T

    def _reach(self, accounts: int) -> None:
        fresh = accounts - len(self._rank)
        if fresh > 0:
            self._rank = np.concatenate([self._rank, np.full(fresh, np.nan)])
            self._after = np.concatenate([self._after, np.zeros(fresh)])
            self._wanted = np.concatenate([self._wanted, np.zeros(fresh, np.bool_)])
