"""Batch: events grouped by client, with segmented reductions over the groups."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.event import EVENT, Flag
from detectors.exchange import Operation, Outcome

T = TypeVar("T")

COUNTED_READS = ("operation", "outcome", "prompts", "status")
"""The EVENT fields that `Batch.counted` reads."""

RARE = ("head12", "schema", "context", "issued", "topic", "ja4", "script", "ttfb", "top_p", "messages", "tool_calls",
        "dialect", "finish", "channel", "indicator", "pad")  # fmt: skip
"""The EVENT fields that no detector reads: they are fetched where they are asked for, the others all at once."""

_LANE = (1 << 16) - 1
_BLOCK = 64  # events: their records fit the nearest cache
_LINE = 8  # words that are fetched from memory together
_FOUR = 4  # words of an array in a record that are copied at once
_FIELDS = EVENT.fields or cast("MappingProxyType[str, Any]", {})
_SIZES = (8, 4, 2, 1)
_CHAT, _COMPLETION, _RESPONSE, _BATCH = (
    int(kind) for kind in (Operation.CHAT, Operation.COMPLETION, Operation.RESPONSE, Operation.BATCH)
)
_ABORTED = int(Outcome.CLIENT_ABORTED)


class Room:
    """Memory for one batch after the other: made anew for each it would cost more than the loops take."""

    def __init__(self) -> None:
        self._bytes = np.empty(0, np.uint8)

    def take(self, size: int) -> NDArray[np.uint8]:
        """So many bytes of anything; valid until the next call."""
        self._bytes = self._bytes if len(self._bytes) >= size else np.empty(size, np.uint8)
        return self._bytes[:size]


class Batch:
    """Events of many clients, sorted by client; every array in it follows that order.

    `clients` are the sorted unique clients, `index[i]` the client's position for event i, `starts` and
    `counts` each client's segment. A restricted batch (`only`, `counted`) keeps all clients, so that
    row i stays client i; its segments may be empty. In a batch of beginnings (`prefixes`) a client may
    stand several times, each time with more of its events and with a row of its own. With a `room` its columns are
    valid until that is used again. `order` of a batch that is no part: where in the given events each event stood.
    """

    def __init__(self, events: NDArray[np.void], room: Room | None = None) -> None:
        column = np.ascontiguousarray(events["client"])
        order = order_of(column)
        self._events, self.order = events, order
        self._memory, self._apart = _gathered(events, order, room or Room())
        column = column.take(order)
        heads = np.empty(len(column), np.bool_)
        heads[:1] = True
        np.not_equal(column[1:], column[:-1], out=heads[1:])
        starts = np.flatnonzero(heads)
        self._fill(None, None, column[starts], np.diff(starts, append=len(column)))

    def _fill(
        self,
        whole: Batch | None,
        places: NDArray[np.intp] | None,
        clients: NDArray[np.uint64],
        counts: NDArray[np.intp],
    ) -> None:
        self._whole = whole  # the batch that this one is a part of, and where its events are there
        self._places = places
        self.clients: NDArray[np.uint64] = clients
        self.counts: NDArray[np.intp] = counts
        ends = np.cumsum(counts)
        self.starts: NDArray[np.intp] = ends - counts
        self._length = int(ends[-1]) if len(ends) else 0
        self._columns: dict[str, NDArray[Any]] = {}
        self._once: dict[str, Any] = {}

    def _part(self, places: NDArray[np.intp], clients: NDArray[np.uint64], counts: NDArray[np.intp]) -> Batch:
        part = object.__new__(Batch)
        inner = places if self._whole is None else self.places.take(places)
        part._fill(self.whole, inner, clients, counts)
        return part

    def __len__(self) -> int:
        return self._length

    @cached_property
    def index(self) -> NDArray[np.intp]:
        """The position of each event's client in `clients`."""
        return np.repeat(np.arange(len(self.clients)), self.counts)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The EVENT field `name` as a contiguous column."""
        column = self._columns.get(name)
        if column is None:
            whole = self._whole
            column = self._own(name) if whole is None else whole[name].take(self.places, axis=0)
            self._columns[name] = column
        return column

    def _own(self, name: str) -> NDArray[Any]:
        if name not in _BEGINS:
            return np.ascontiguousarray(self._events[name].take(self.order, axis=0))
        kind = _FIELDS[name][0]
        begin = _BEGINS[name] * self._apart
        column = self._memory[begin : begin + len(self) * kind.itemsize]
        return column.view(kind.base).reshape(len(self), *kind.shape)

    @property
    def whole(self) -> Batch:
        """The batch that this one is a part of, or itself; its columns and `places` spare a part columns of its own."""
        return self if self._whole is None else self._whole

    @property
    def places(self) -> NDArray[np.intp]:
        """Where each event stands in the columns of `whole`."""
        if self._places is None:
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
        places, counts = self._kept(keep)
        return self._part(places, self.clients, counts)

    def compact(self, keep: NDArray[np.bool_]) -> Batch:
        """The events where `keep` is true, over their own clients alone."""
        places, counts = self._kept(keep)
        filled = counts > 0
        return self._part(places, self.clients[filled], counts[filled])

    def _kept(self, keep: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        counts = np.empty(len(self.clients), np.intp)
        _count_kept(self.starts, self.counts, np.ascontiguousarray(keep), counts)
        return np.flatnonzero(keep), counts

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
        keep = np.empty(len(self), np.bool_)
        counted = (self["operation"], self["prompts"], self["outcome"], self["status"])
        _mark_counted(*counted, keep)
        return keep

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


@compiled
def _count_kept(
    starts: NDArray[np.int64], counts: NDArray[np.int64], keep: NDArray[np.bool_], out: NDArray[np.int64]
) -> None:
    for row in range(len(counts)):
        kept = 0
        for place in range(starts[row], starts[row] + counts[row]):
            kept += keep[place]
        out[row] = kept


@compiled
def _mark_counted(
    operation: NDArray[np.uint8],
    prompts: NDArray[np.uint16],
    outcome: NDArray[np.uint8],
    status: NDArray[np.uint16],
    keep: NDArray[np.bool_],
) -> None:
    for place in range(len(keep)):
        kind = operation[place]
        text = kind in (_CHAT, _COMPLETION, _RESPONSE)
        text |= kind == _BATCH and prompts[place] > 0  # else it names a file that was counted
        answered = outcome[place] <= _ABORTED and status[place] < 400
        keep[place] = text and answered


def _layout() -> tuple[dict[str, int], tuple[NDArray[np.int64], ...]]:
    """Where each column begins in a batch's memory, in bytes an event, the widest first; and, for each of _SIZES,
    what to gather: the place in the record, the place of the column and how many, all in units of the size.
    """
    begins: dict[str, int] = {}
    tasks: dict[int, list[tuple[int, int, int]]] = {size: [] for size in _SIZES}
    begin = 0
    for name in sorted(_FIELDS.keys() - {*RARE}, key=lambda name: -_FIELDS[name][0].itemsize):
        kind, offset = _FIELDS[name][:2]
        size = min(kind.itemsize, 8)
        width = kind.itemsize // size
        if width > 1 and width % _FOUR:
            raise ValueError(f"{name} is neither a number nor a multiple of {_FOUR * size} bytes: put it into RARE")
        tasks[size].append((offset // size, begin // size, width))
        begins[name] = begin
        begin += kind.itemsize
    return begins, tuple(np.array(tasks[size], np.int64) for size in _SIZES)


_BEGINS, _TASKS = _layout()
_WIDTH = max(begin + _FIELDS[name][0].itemsize for name, begin in _BEGINS.items())


def _gathered(events: NDArray[np.void], order: NDArray[np.intp], room: Room) -> tuple[NDArray[np.uint8], int]:
    """The events in another order, as columns in one run of memory, and the steps of it: a column begins at a step
    times its place an event. In one pass: field by field would fetch all of the events' memory for each.
    """
    apart = -(-len(events) // 8) * 8  # so that every column is aligned
    memory = room.take(_WIDTH * apart)
    records = np.ascontiguousarray(events)
    sources = [records.view(f"u{size}").reshape(len(events), EVENT.itemsize // size) for size in _SIZES]
    for source in sources:
        source.flags.writeable = False  # as those of packed blocks are
    _gather_all(order, apart, *sources, *(memory.view(f"u{size}") for size in _SIZES), *_TASKS)
    return memory, apart


@compiled
def _gather_all(
    order: NDArray[np.int64], apart: int,
    from8: NDArray[np.uint64], from4: NDArray[np.uint32], from2: NDArray[np.uint16], from1: NDArray[np.uint8],
    to8: NDArray[np.uint64], to4: NDArray[np.uint32], to2: NDArray[np.uint16], to1: NDArray[np.uint8],
    tasks8: NDArray[np.int64], tasks4: NDArray[np.int64], tasks2: NDArray[np.int64], tasks1: NDArray[np.int64],
) -> int:  # fmt: skip
    """Fill in the columns, some events at a time; a number without a meaning, so that reading ahead is not left out."""
    read = np.uint64(0)
    for first in range(0, len(order), _BLOCK):
        some = order[first : first + _BLOCK]
        for nth in range(len(some)):  # record by record, which the processor foresees: half of the time, or less
            for word in range(0, from8.shape[1], _LINE):
                read ^= from8[np.uint64(some[nth]), word]
        _gather(some, first, apart, from8, to8, tasks8)
        _gather(some, first, apart, from4, to4, tasks4)
        _gather(some, first, apart, from2, to2, tasks2)
        _gather(some, first, apart, from1, to1, tasks1)
    return int(read)


@compiled
def _gather(
    some: NDArray[np.int64],
    first: int,
    apart: int,
    source: NDArray[Any],
    target: NDArray[Any],
    tasks: NDArray[np.int64],
) -> None:
    for task in range(len(tasks)):
        # Places without a sign: one with a sign is looked at for counting from the end, each time.
        inside, width = np.uint64(tasks[task, 0]), tasks[task, 2]
        begin = np.uint64(tasks[task, 1] * apart + first * width)
        if width == 1:
            for nth in range(len(some)):
                target[begin + np.uint64(nth)] = source[np.uint64(some[nth]), inside]
        else:
            for nth in range(len(some)):
                record, to = np.uint64(some[nth]), begin + np.uint64(nth * width)
                for four in range(0, width, _FOUR):  # of a known number, which are copied at once
                    for word in range(four, four + _FOUR):
                        target[to + np.uint64(word)] = source[record, inside + np.uint64(word)]


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


def reach(clients: NDArray[np.uint64], most: int) -> int:
    """How many of the first events hold no more than `most` distinct clients."""
    if len(clients) <= most:
        return len(clients)
    bits = max(int(4 * most).bit_length(), 4)
    return int(_reach(np.ascontiguousarray(clients), most, np.zeros(1 << bits, np.uint64), np.uint64(64 - bits)))


@compiled
def _reach(clients: NDArray[np.uint64], most: int, slots: NDArray[np.uint64], shift: np.uint64) -> int:
    """`reach`, with a table of two to eight times as many empty slots as clients to be held."""
    found, nought = 0, False
    mask = np.uint64(len(slots) - 1)
    for place in range(len(clients)):
        client = clients[place]
        if client == 0:
            found += not nought
            nought = True
        else:
            slot = (client * np.uint64(0x9E3779B97F4A7C15)) >> shift
            while slots[slot] != 0 and slots[slot] != client:
                slot = (slot + np.uint64(1)) & mask
            if slots[slot] == 0:
                slots[slot] = client
                found += 1
        if found > most:
            return place
    return len(clients)


def distinct(clients: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The sorted unique clients."""
    ordered = np.sort(clients)
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered
