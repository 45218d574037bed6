"""Batch: events grouped by client, with segmented reductions over the groups."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from detectors.event import Flag
from detectors.exchange import Operation, Outcome

T = TypeVar("T")

COUNTED_READS = ("flags", "operation", "outcome", "status")
"""The EVENT fields that `Batch.counted` reads."""


class Batch:
    """Events of many clients, sorted by client; every array in it follows that order.

    `clients` are the sorted unique clients, `index[i]` the client's position for event i, `starts` and
    `counts` each client's segment. A restricted batch (`only`, `counted`) keeps all clients, so that
    row i stays client i; its segments may be empty.
    """

    def __init__(self, events: NDArray[np.void]) -> None:
        order = np.argsort(events["client"], kind="stable")
        self.ev = events.take(order)
        column = np.ascontiguousarray(self.ev["client"])
        heads = np.empty(len(column), np.bool_)
        heads[:1] = True
        np.not_equal(column[1:], column[:-1], out=heads[1:])
        self.starts: NDArray[np.intp] = np.flatnonzero(heads)
        self.clients: NDArray[np.uint64] = column[self.starts]
        self.counts: NDArray[np.intp] = np.diff(self.starts, append=len(column))
        self.index: NDArray[np.intp] = np.repeat(np.arange(len(self.clients)), self.counts)
        self._columns: dict[str, NDArray[Any]] = {}
        self._once: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.ev)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The EVENT field `name` as a contiguous column."""
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = np.ascontiguousarray(self.ev[name])
        return column

    @property
    def fields_read(self) -> frozenset[str]:
        """The EVENT fields asked for so far, restricted batches included."""
        counted = self.__dict__.get("counted")
        inner = counted.fields_read if counted is not None and counted is not self else frozenset()
        return frozenset(self._columns) | inner

    def once(self, name: str, compute: Callable[[Batch], T]) -> T:
        """`compute(self)`, worked out at most once for each name: what several detectors share."""
        if name not in self._once:
            self._once[name] = compute(self)
        return cast(T, self._once[name])

    def only(self, keep: NDArray[np.bool_]) -> Batch:
        """The events where `keep` is true, over the same clients."""
        part = object.__new__(Batch)
        part.ev = self.ev.take(np.flatnonzero(keep))
        part.clients = self.clients
        part.index = self.index[keep]
        part.counts = np.bincount(part.index, minlength=len(self.clients))
        part.starts = np.cumsum(part.counts) - part.counts
        part._columns = {}
        part._once = {}
        return part

    def compact(self, keep: NDArray[np.bool_]) -> Batch:
        """The events where `keep` is true, over their own clients alone."""
        part = self.only(keep)
        filled = part.counts > 0
        place = np.cumsum(filled) - 1
        part.clients = part.clients[filled]
        part.starts, part.counts = part.starts[filled], part.counts[filled]
        part.index = place[part.index]
        return part

    @cached_property
    def counted(self) -> Batch:
        """The exchanges that say something of the client's use: answered text requests, retries left out.

        A client library's retry repeats a prompt that the client sent once, and a refused or failed call
        is sent again; both would pass for repetition.
        """
        return self if self.counted_mask.all() else self.only(self.counted_mask)

    @cached_property
    def counted_mask(self) -> NDArray[np.bool_]:
        """Which events `counted` keeps."""
        operation = self["operation"]
        text = (operation == Operation.CHAT) | (operation == Operation.COMPLETION) | (operation == Operation.RESPONSE)
        answered = (self["outcome"] <= Outcome.CLIENT_ABORTED) & (self["status"] < 400)
        return np.asarray(text & answered & ~self.flag(Flag.RETRY), np.bool_)

    def flag(self, flag: Flag) -> NDArray[np.bool_]:
        """Which events carry any bit of `flag`."""
        return np.asarray((self["flags"] & np.uint32(flag)) != 0, np.bool_)

    def sum(self, values: NDArray[Any]) -> NDArray[Any]:
        """Each client's sum of `values` (one per event, or one row per event); exact for integers."""
        wide = np.zeros((len(values) + 1, *values.shape[1:]), np.float64 if values.dtype.kind == "f" else np.int64)
        np.cumsum(values, axis=0, dtype=wide.dtype, out=wide[1:])
        return np.asarray(wide[self.starts + self.counts] - wide[self.starts])

    def max(self, values: NDArray[Any], empty: float = 0) -> NDArray[Any]:
        """Each client's largest value; `empty` where it has no event in this batch."""
        return self._reduce(np.maximum, values, empty)

    def min(self, values: NDArray[Any], empty: float = 0) -> NDArray[Any]:
        """Each client's smallest value; `empty` where it has no event in this batch."""
        return self._reduce(np.minimum, values, empty)

    @cached_property
    def last(self) -> NDArray[np.float64]:
        """Each client's latest event time in this batch; 0 where it has none."""
        return self.max(self["at"])

    def spread(self, per_client: NDArray[Any]) -> NDArray[Any]:
        """A value of each client, repeated for each of its events."""
        return per_client[self.index]

    def _reduce(self, ufunc: np.ufunc, values: NDArray[Any], empty: float) -> NDArray[Any]:
        out = np.full(len(self.clients), empty, values.dtype)
        filled = self.counts > 0
        if filled.any():
            out[filled] = ufunc.reduceat(values, self.starts[filled])
        return out
