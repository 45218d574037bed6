"""Batch: events grouped by client, with segmented reductions over the groups."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from detectors.event import EVENT, Flag
from detectors.exchange import Operation, Outcome

T = TypeVar("T")

COUNTED_READS = ("flags", "operation", "outcome", "prompts", "status")
"""The EVENT fields that `Batch.counted` reads."""

_NOWHERE = np.zeros(0, np.intp)
_LANE = (1 << 16) - 1
_BLOCK = 256
_FIELDS = EVENT.fields or cast("MappingProxyType[str, Any]", {})
_WORDS = EVENT.itemsize // 8


class Batch:
    """Events of many clients, sorted by client; every array in it follows that order.

    `clients` are the sorted unique clients, `index[i]` the client's position for event i, `starts` and
    `counts` each client's segment. A restricted batch (`only`, `counted`) keeps all clients, so that
    row i stays client i; its segments may be empty. In a batch of beginnings (`prefixes`) a client may
    stand several times, each time with more of its events and with a row of its own.
    """

    def __init__(self, events: NDArray[np.void]) -> None:
        column = np.ascontiguousarray(events["client"])
        order = order_of(column)
        self._words = _transposed(events, order)
        column = column.take(order)
        heads = np.empty(len(column), np.bool_)
        heads[:1] = True
        np.not_equal(column[1:], column[:-1], out=heads[1:])
        starts = np.flatnonzero(heads)
        self._fill(None, _NOWHERE, column[starts], np.diff(starts, append=len(column)))

    def _fill(
        self,
        whole: Batch | None,
        places: NDArray[np.intp],
        clients: NDArray[np.uint64],
        counts: NDArray[np.intp],
        index: NDArray[np.intp] | None = None,
    ) -> None:
        self._whole = whole  # the batch that this one is a part of, and where its events are there
        self._places = places
        self.clients: NDArray[np.uint64] = clients
        self.counts: NDArray[np.intp] = counts
        self.starts: NDArray[np.intp] = np.cumsum(counts) - counts
        self.index: NDArray[np.intp] = np.repeat(np.arange(len(clients)), counts) if index is None else index
        self._columns: dict[str, NDArray[Any]] = {}
        self._once: dict[str, Any] = {}

    def _part(
        self,
        places: NDArray[np.intp],
        clients: NDArray[np.uint64],
        counts: NDArray[np.intp],
        index: NDArray[np.intp] | None = None,
    ) -> Batch:
        part = object.__new__(Batch)
        inner = places if self._whole is None else self._places[places]
        part._fill(self._whole or self, inner, clients, counts, index)
        return part

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The EVENT field `name` as a contiguous column."""
        column = self._columns.get(name)
        if column is None:
            whole = self._whole
            column = _field(self._words, name) if whole is None else whole[name].take(self._places, axis=0)
            self._columns[name] = column
        return column

    @property
    def whole(self) -> Batch:
        """The batch that this one is a part of, or itself; its columns and `places` spare a part columns of its own."""
        return self if self._whole is None else self._whole

    @property
    def places(self) -> NDArray[np.intp]:
        """Where each event stands in the columns of `whole`."""
        if self._whole is None and len(self._places) != len(self):
            self._places = np.arange(len(self))
        return self._places

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
        places = np.flatnonzero(keep)
        index = self.index[places]
        return self._part(places, self.clients, np.bincount(index, minlength=len(self.clients)), index)

    def compact(self, keep: NDArray[np.bool_]) -> Batch:
        """The events where `keep` is true, over their own clients alone."""
        places = np.flatnonzero(keep)
        counts = np.bincount(self.index[places], minlength=len(self.clients))
        filled = counts > 0
        return self._part(places, self.clients[filled], counts[filled])

    def prefixes(self, who: NDArray[np.intp], length: NDArray[np.intp]) -> Batch:
        """The first `length[k]` events of the client at position `who[k]`, for each k: a client may occur again."""
        first = np.cumsum(length) - length
        place = np.arange(int(length.sum())) + np.repeat(self.starts[who] - first, length)
        return self._part(place, self.clients[who], length)

    @cached_property
    def counted(self) -> Batch:
        """The exchanges that say something of the client's use: answered text requests and batches of them.

        Retries are left out: a client library repeats a prompt that the client sent once, and a refused or failed call
        is sent again; both would pass for repetition.
        """
        return self if self.counted_mask.all() else self.only(self.counted_mask)

    @cached_property
    def counted_mask(self) -> NDArray[np.bool_]:
        """Which events `counted` keeps."""
        operation = self["operation"]
        text = (operation == Operation.CHAT) | (operation == Operation.COMPLETION) | (operation == Operation.RESPONSE)
        text |= (operation == Operation.BATCH) & (self["prompts"] > 0)  # else it names a file that was counted
        answered = (self["outcome"] <= Outcome.CLIENT_ABORTED) & (self["status"] < 400)
        return np.asarray(text & answered & ~self.flag(Flag.RETRY), np.bool_)

    def flag(self, flag: Flag) -> NDArray[np.bool_]:
        """Which events carry any bit of `flag`."""
        return np.asarray((self["flags"] & np.uint32(flag)) != 0, np.bool_)

    def sum(self, values: NDArray[Any]) -> NDArray[Any]:
        """Each client's sum of `values` (one per event, or one row per event); exact for integers."""
        wide = values.astype(np.float64 if values.dtype.kind == "f" else np.int64, copy=False)
        return self._reduce(np.add, wide, 0)

    def count(self, *masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Each client's number of events where a mask holds: shape (clients, len(masks))."""
        if int(self.counts.max(initial=0)) > _LANE:
            return self.sum(np.column_stack(masks))
        # Four counts of sixteen bits are added up as one number of sixty-four.
        lanes = np.zeros((len(self), -(-len(masks) // 4) * 4), np.uint16)
        for place, mask in enumerate(masks):
            lanes[:, place] = mask
        packed = lanes.view(np.uint64)
        sums = np.empty((len(self.clients), packed.shape[1]), np.uint64)
        for place in range(packed.shape[1]):
            sums[:, place] = self._reduce(np.add, packed[:, place], 0)
        return sums.view(np.uint16)[:, : len(masks)].astype(np.int64)

    def max(self, values: NDArray[Any], empty: float = 0) -> NDArray[Any]:
        """Each client's largest value; `empty` where it has no event in this batch."""
        return self._reduce(np.maximum, values, empty)

    def min(self, values: NDArray[Any], empty: float = 0) -> NDArray[Any]:
        """Each client's smallest value; `empty` where it has no event in this batch."""
        return self._reduce(np.minimum, values, empty)

    @cached_property
    def first(self) -> NDArray[np.float64]:
        """Each client's earliest event time in this batch; infinity where it has none."""
        return self.min(self["at"], np.inf)

    @cached_property
    def last(self) -> NDArray[np.float64]:
        """Each client's latest event time in this batch; 0 where it has none."""
        return self.max(self["at"])

    def spread(self, per_client: NDArray[Any]) -> NDArray[Any]:
        """A value of each client, repeated for each of its events."""
        return per_client[self.index]

    @cached_property
    def _filled(self) -> NDArray[np.bool_] | None:
        """Which clients have events; None where all have."""
        return None if self.counts.all() else self.counts > 0

    def _reduce(self, ufunc: np.ufunc, values: NDArray[Any], empty: float) -> NDArray[Any]:
        filled = self._filled
        if filled is None:
            return np.asarray(ufunc.reduceat(values, self.starts, axis=0)) if len(self.clients) else values[:0]
        out = np.full((len(self.clients), *values.shape[1:]), empty, values.dtype)
        if len(values):
            out[filled] = ufunc.reduceat(values, self.starts[filled], axis=0)
        return out


def _transposed(events: NDArray[np.void], order: NDArray[np.intp]) -> NDArray[np.uint64]:
    """The events in another order, as columns of eight bytes: shape (words, events).

    By some hundred events at a time: reading field by field would fetch all of their memory for each field.
    """
    records = np.ascontiguousarray(events).view(np.uint64).reshape(len(events), _WORDS)
    words = np.empty((_WORDS, len(events)), np.uint64)
    for start in range(0, len(events), _BLOCK):
        words[:, start : start + _BLOCK] = records.take(order[start : start + _BLOCK], axis=0).T
    return words


def _field(words: NDArray[np.uint64], name: str) -> NDArray[Any]:
    """A field of EVENT as a contiguous column; each lies within one word, or begins with one."""
    kind, offset = _FIELDS[name][:2]
    word, inside = divmod(offset, 8)
    if kind.subdtype is None:
        return np.ascontiguousarray(words[word].view(kind)[inside // kind.itemsize :: 8 // kind.itemsize])
    base, shape = kind.subdtype
    some = np.ascontiguousarray(words[word : word + kind.itemsize // 8].T)
    return some.view(base).reshape(-1, *shape)


def order_of(clients: NDArray[np.uint64]) -> NDArray[np.intp]:
    """The positions that sort `clients`, equal ones in the order in which they stand."""
    low = np.uint64((1 << len(clients).bit_length()) - 1)
    # The position in the place of an id's low bits: sorting plain numbers is many times faster than their positions.
    keyed = (clients & ~low) | np.arange(len(clients), dtype=np.uint64)
    keyed.sort()
    order = (keyed & low).astype(np.intp)
    ordered = clients.take(order)
    if (ordered[1:] < ordered[:-1]).any():  # two ids that differ in their low bits alone
        return np.argsort(clients, kind="stable")
    return order


def distinct(clients: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The sorted unique clients."""
    ordered = np.sort(clients)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
