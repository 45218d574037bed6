"""The event stream: partition by client, publish a block, read blocks, tell the lag."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.store import blocks
from app.store.blocks import Memory
from app.store.redis import Argument
from app.store.reply import Reply
from detectors.batch import distinct, reach
from detectors.cells import mix64
from detectors.compiled import compiled, fold
from detectors.event import EVENT, SCHEMA
from detectors.sketch import mix

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # splitmix64's step
START = b"0-0"
POISON_BLOCKS = 1000  # how many blocks that broke the engine are kept for a look
LATEST_PLAUSIBLE = 2.0**35  # seconds since the epoch: the year 3058; beyond it a time is garbage
_SCHEMA = str(SCHEMA).encode()


@dataclass(frozen=True, slots=True)
class Keys:
    """The names of one partition's keys; the braces keep them in one slot of a cluster."""

    events: bytes
    offset: bytes
    fence: bytes
    lease: bytes
    attempts: bytes
    poison: bytes
    row: bytes  # a prefix; the client's 8 little-endian bytes follow


@lru_cache(maxsize=8192)
def keys(partition: int) -> Keys:
    """The names of a partition's keys."""
    tag = b"{p%d}:" % partition
    parts = (b"events", b"offset", b"fence", b"lease", b"attempts", b"poison", b"state:")
    return Keys(*(tag + part for part in parts))


def row_key(partition: int, client: int) -> bytes:
    """The name of a client's row."""
    return keys(partition).row + client.to_bytes(8, "little")


def partition_of(clients: NDArray[np.uint64], partitions: int) -> NDArray[np.uint16]:
    """The partition of each client: splitmix64, so that any spread of ids is even."""
    with np.errstate(over="ignore"):
        return (mix(clients + _GOLDEN) % np.uint64(partitions)).astype(np.uint16)


def publish_command(partition: int, block: bytes, count: int) -> tuple[Argument, ...]:
    """The command that appends a block of `count` packed events to a partition's stream."""
    return ("XADD", keys(partition).events, "*", "b", block, "s", _SCHEMA, "n", count)


def lag_command(partition: int) -> tuple[Argument, ...]:
    """The command that tells how many blocks wait: what is applied is trimmed, so the length is the lag."""
    return ("XLEN", keys(partition).events)


def read_command(partition: int, offset: bytes, count: int) -> tuple[Argument, ...]:
    """The command that reads up to `count` blocks after `offset`."""
    return ("XREAD", "COUNT", count, "STREAMS", keys(partition).events, offset)


def written_at(entry: bytes) -> float:
    """When a stream entry was written, epoch seconds by the server's clock."""
    return int(entry.partition(b"-")[0]) / 1000


@dataclass(frozen=True, slots=True)
class Blocks:
    """A run of stream entries and the events in them, in one contiguous array of EVENT."""

    entries: int
    first: bytes  # the ids of the first entry and of the last, which is the offset once this is applied
    last: bytes
    events: NDArray[np.void]
    rejected: int  # entries that are not blocks of this schema, skipped
    misplaced: int  # events that belong to another partition or to no time, skipped
    more: bool  # the stream had more than was asked for, or than was taken
    clients: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))  # of the events, sorted, once


def read(
    reply: Reply,
    partition: int,
    partitions: int,
    count: int,
    most_events: int,
    most_clients: int = 1 << 62,
    memory: Memory | None = None,
) -> Blocks | None:
    """The blocks of an XREAD reply for `count` entries: up to `most_events` events and about `most_clients` clients.

    At least one block is taken. None when nothing waits. What is no block of ours is counted and skipped, never
    an error. With a `memory` the events are valid until it is used again.
    """
    taken = blocks.read(reply, most_events * EVENT.itemsize, memory or Memory())
    if taken is None:
        return None
    events = taken.data.view(EVENT)
    used, whole = len(taken.sizes), len(events)
    clients = distinct(events["client"])
    if len(clients) > most_clients:
        used = _fitting(taken.sizes // EVENT.itemsize, events["client"], most_clients)
        events = events[: int(taken.sizes[:used].sum()) // EVENT.itemsize]
    rejected = int((taken.sizes[:used] == 0).sum())
    kept = _plausible(events, partition, partitions)
    misplaced = len(events) - int(kept.sum())
    if misplaced:
        events = events[kept]
    if len(events) < whole:
        clients = distinct(events["client"])
    more = used < taken.seen or taken.seen >= count
    first, last = (b"%d-%d" % tuple(taken.ids[place].tolist()) for place in (0, used - 1))
    return Blocks(used, first, last, events, rejected, misplaced, more, clients)


def _fitting(sizes: NDArray[np.int64], clients: NDArray[np.uint64], most_clients: int) -> int:
    """How many of the first blocks, of so many events each, hold no more than `most_clients`; one at least."""
    over = reach(clients, most_clients)  # up to the event that brings one client too many
    if over == len(clients):
        return len(sizes)
    return max(1, int(np.searchsorted(np.cumsum(sizes), over, side="right")))


def _plausible(events: NDArray[np.void], partition: int, partitions: int) -> NDArray[np.bool_]:
    kept = np.empty(len(events), np.bool_)
    fold(_mark_plausible, (events["client"], events["at"]), (kept, np.uint64(partition), np.uint64(partitions)))
    return kept


def warm() -> None:
    """Load the loop by looking at no event, so that no batch has to."""
    _plausible(np.empty(0, EVENT), 0, 1)


@compiled
def _mark_plausible(
    clients: NDArray[np.uint64],
    at: NDArray[np.float64],
    kept: NDArray[np.bool_],
    partition: np.uint64,
    partitions: np.uint64,
) -> None:
    """Which events are of a time that can be, and of this partition: `partition_of` in the same pass."""
    for place in range(len(kept)):
        timely = 0.0 < at[place] < LATEST_PLAUSIBLE  # NaN is neither
        kept[place] = timely and mix64(clients[place] + _GOLDEN) % partitions == partition
