"""Table: client to row, in memory; what replay, benchmarks and tests use in place of a store."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors import mixed
from detectors.base import Explanation
from detectors.engine import Engine, put, taken


class Table:
    """Rows of all clients seen so far, and of the parts of mixed ones."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._clients, self._parts = _Shelf(engine), _Shelf(engine)

    def __len__(self) -> int:
        return len(self._clients.place)

    def __contains__(self, client: int) -> bool:
        return client in self._clients.place

    def __getitem__(self, client: int) -> np.void:
        """The row of one client; raises KeyError where it was never seen."""
        return self._clients.row(client)

    def __iter__(self) -> Iterator[int]:
        return iter(self._clients.place)

    def rows(self) -> NDArray[np.void]:
        """All clients' rows, in order of first sight; a view, valid until the next step."""
        return self._clients.rows()

    def parts(self) -> NDArray[np.void]:
        """The rows of what mixed clients' traffic is kept apart in; a view, valid until the next step."""
        return self._parts.rows()

    def step(self, events: NDArray[np.void], now: float) -> NDArray[np.void]:
        """Fold events into their clients' rows and return the findings."""
        places = self._clients.places(np.unique(events["client"]))
        rows = taken(self._clients.held, places)
        stepped = mixed.step(self.engine, rows, events, now, self._parts.taken)
        put(self._clients.held, places, rows)
        if len(stepped.rows):
            put(self._parts.held, self._parts.places(stepped.rows["client"]), stepped.rows)
        return stepped.findings

    def explain(self, client: int, now: float) -> Explanation:
        """All that is known for and against one client, of its whole traffic or of the part that it is told for."""
        number = mixed.chief(self[client])
        part = self._parts.row(number) if number else None
        return mixed.explain(self.engine, self[client], part, now)


class _Shelf:
    """Rows by number, in one structured array that grows by doubling."""

    def __init__(self, engine: Engine) -> None:
        self.held = np.zeros(64, engine.row)
        self.place: dict[int, int] = {}
        self._empty = engine.empty

    def row(self, number: int) -> np.void:
        row: np.void = self.held[self.place[number]]
        return row

    def rows(self) -> NDArray[np.void]:
        return self.held[: len(self.place)]

    def taken(self, numbers: NDArray[np.uint64]) -> NDArray[np.void]:
        """Copies of some rows, fresh ones where there was none."""
        places = self.places(numbers)  # before `held`, which may grow
        return taken(self.held, places)

    def places(self, numbers: NDArray[np.uint64]) -> NDArray[np.intp]:
        place = self.place
        fresh = [number for number in numbers.tolist() if number not in place]
        if fresh:
            start = len(place)
            place.update(zip(fresh, range(start, start + len(fresh)), strict=True))
            while len(place) > len(self.held):
                self.held = np.concatenate([self.held, np.zeros_like(self.held)])
            self.held[start : len(place)] = self._empty(np.array(fresh, np.uint64))
        return np.array([place[number] for number in numbers.tolist()], np.intp)
