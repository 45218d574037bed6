"""Table: client to row, in memory; what replay, benchmarks and tests use in place of a store."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors.engine import Engine, put, taken


class Table:
    """Rows of all clients seen so far, in one structured array that grows by doubling."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._rows = np.zeros(64, engine.row)
        self._place: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._place)

    def __contains__(self, client: int) -> bool:
        return client in self._place

    def __getitem__(self, client: int) -> np.void:
        """The row of one client; raises KeyError where it was never seen."""
        row: np.void = self._rows[self._place[client]]
        return row

    def __iter__(self) -> Iterator[int]:
        return iter(self._place)

    def rows(self) -> NDArray[np.void]:
        """All rows, in order of first sight; a view, valid until the next step."""
        return self._rows[: len(self._place)]

    def step(self, events: NDArray[np.void], now: float) -> NDArray[np.void]:
        """Fold events into their clients' rows and return the engine's findings."""
        clients = np.unique(events["client"])
        places = self._places(clients)
        rows = taken(self._rows, places)
        findings = self.engine.step(rows, events, now)
        put(self._rows, places, rows)
        return findings

    def _places(self, clients: NDArray[np.uint64]) -> NDArray[np.intp]:
        place = self._place
        fresh = [client for client in clients.tolist() if client not in place]
        if fresh:
            start = len(place)
            place.update(zip(fresh, range(start, start + len(fresh)), strict=True))
            while len(place) > len(self._rows):
                self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
            self._rows[start : len(place)] = self.engine.empty(np.array(fresh, np.uint64))
        return np.array([place[client] for client in clients.tolist()], np.intp)
