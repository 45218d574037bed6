"""The clients' rows of a partition: load them, and commit rows, offset and acknowledgement at once.

The offset and the fence are watched from before the blocks are read until EXEC. So a batch is
committed by the holder of the newest fencing token or by nobody, and a commit of our own that was
given up for lost and arrives late changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import LeaseLost, Unavailable
from app.store.redis import Argument, Link, pack
from app.store.stream import POISON_BLOCKS, START, Blocks, Keys, keys, parse, read_command

DAY_MILLISECONDS = 86_400_000
NULL_BYTES = 5  # "$-1\r\n", the reply for a key that is not there
_MINUS = ord("-")
_MULTI, _EXEC, _UNWATCH = pack("MULTI"), pack("EXEC"), pack("UNWATCH")

Empty = Callable[[NDArray[np.uint64]], NDArray[np.void]]


@dataclass(slots=True)
class Claim:
    """A partition that this process owns: its fencing token and the last offset that it knows."""

    partition: int
    token: int
    offset: bytes = START
    attempts: int = 0  # first batches that earlier owners began and neither committed nor gave up
    tried: bool = False  # whether this owner has begun a batch

    @property
    def keys(self) -> Keys:
        """The names of the partition's keys."""
        return keys(self.partition)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rows of a batch's clients, writable; `fresh` had none, `reset` had one that we cannot read."""

    rows: NDArray[np.void]
    fresh: int
    reset: int


class Rows:
    """Reads blocks and rows, and commits them, over one connection.

    `row` is the engine's row and `schema` its number; `empty` makes fresh rows of clients.
    """

    def __init__(self, link: Link, row: np.dtype[np.void], schema: int, empty: Empty, row_days: float) -> None:
        self._link = link
        self._row = row
        self._schema = schema
        self._empty = empty
        self._header = b"$%d\r\n" % row.itemsize
        self._expiry = b"%d" % max(1, round(row_days * DAY_MILLISECONDS))
        self._received = bytearray()
        self._set: NDArray[np.void] = np.empty(0, self._record(0))
        self._set_partition = -1

    def fetch(self, claim: Claim, partitions: int, count: int, most_events: int) -> Blocks | None:
        """The next blocks of an owned partition, its fence and offset watched; None when nothing waits.

        Raises LeaseLost when the claim is no longer the newest.
        """
        names = claim.keys
        commands: list[tuple[Argument, ...]] = [
            ("WATCH", names.fence, names.offset),
            ("GET", names.fence),
            ("GET", names.offset),
            read_command(claim.partition, claim.offset, count),
        ]
        _, fence, offset, reply = self._link.pipeline(commands)
        if fence is None or int(fence) != claim.token:
            self.release()
            raise LeaseLost(f"partition {claim.partition}")
        if (offset or START) != claim.offset:  # a new claim, or a commit whose reply never came
            claim.offset = offset or START
            reply = self._link.call(*read_command(claim.partition, claim.offset, count))
        blocks = parse(reply, claim.partition, partitions, count, most_events)
        if blocks is None:
            self.release()
        return blocks

    def load(self, claim: Claim, clients: NDArray[np.uint64]) -> Loaded:
        """The rows of sorted unique clients, in their order; fresh ones where there is none that we can read."""
        if not len(clients):
            return Loaded(np.empty(0, self._row), 0, 0)
        names = self._key_records(claim.keys, clients)
        self._link.send(b"*%d\r\n$4\r\nMGET\r\n" % (len(clients) + 1), names.view(np.uint8).data)
        starts, foreign = self._receive(len(clients))
        return self._assemble(clients, starts, foreign)

    def commit(self, claim: Claim, blocks: Blocks, rows: NDArray[np.void]) -> None:
        """Write rows, offset and acknowledgement in one transaction; raises LeaseLost when nothing was written."""
        names = claim.keys
        closing = self._closing(names, blocks.last)
        self._transact(claim, self._set_records(claim, rows), len(rows), closing)
        claim.offset = blocks.last

    def quarantine(self, claim: Claim, blocks: Blocks) -> None:
        """Move blocks that break the engine aside, in one transaction; raises LeaseLost when nothing was moved."""
        names = claim.keys
        moved: list[tuple[Argument, ...]] = [
            ("XADD", names.poison, "MAXLEN", "~", POISON_BLOCKS, "*", b"id", entry, *fields)
            for entry, fields in blocks.entries
            if fields
        ]
        self._transact(claim, b"", 0, [*moved, *self._closing(names, blocks.last)])
        claim.offset = blocks.last

    def release(self) -> None:
        """Give up a fetched batch without committing anything."""
        if self._link.connected:
            self._link.send(_UNWATCH)
            self._link.read(1)

    def _closing(self, names: Keys, last: bytes) -> list[tuple[Argument, ...]]:
        milliseconds, _, sequence = last.partition(b"-")
        return [
            ("SET", names.offset, last),
            ("XTRIM", names.events, "MINID", b"%b-%d" % (milliseconds, int(sequence) + 1)),
            ("DEL", names.attempts),
        ]

    def _transact(
        self, claim: Claim, sets: bytes | memoryview, count: int, commands: Sequence[tuple[Argument, ...]]
    ) -> None:
        tail = b"".join(pack(*command) for command in commands) + _EXEC
        self._link.send(_MULTI, sets, tail)
        queued = count + len(commands)
        replies = self._link.read(queued + 2)
        outcome: list[Any] | None = replies[-1]
        if outcome is None:
            raise LeaseLost(f"partition {claim.partition}")
        for reply in outcome:
            if isinstance(reply, Exception):  # such as a key that holds another type; the rest was applied
                self._link.close()
                raise Unavailable(f"Redis: {reply}")

    def _record(self, partition: int) -> np.dtype[np.void]:
        return _record_dtype(*self._frame(keys(partition)), self._row.itemsize)

    def _frame(self, names: Keys) -> tuple[bytes, bytes, bytes]:
        before = b"*5\r\n$3\r\nSET\r\n$%d\r\n%b" % (len(names.row) + 8, names.row)
        after = b"\r\n$2\r\nPX\r\n$%d\r\n%b\r\n" % (len(self._expiry), self._expiry)
        return before, b"\r\n" + self._header, after

    def _set_records(self, claim: Claim, rows: NDArray[np.void]) -> memoryview:
        """One SET with expiry for each row, as fixed-width records: no Python object for a row."""
        frame = self._frame(claim.keys)
        if len(self._set) < len(rows) or self._set_partition != claim.partition:
            size = max(len(rows), len(self._set))
            dtype = _record_dtype(*frame, self._row.itemsize)
            if len(self._set) < size or self._set.dtype != dtype:
                self._set = np.empty(size, dtype)
            for name, constant in zip(("before", "between", "after"), frame, strict=True):
                self._set[name] = np.void(constant)
            self._set_partition = claim.partition
        records = self._set[: len(rows)]
        records["client"] = rows["client"]
        records["row"] = rows.view(f"V{self._row.itemsize}")
        return memoryview(records.view(np.uint8).data)

    @staticmethod
    def _key_records(names: Keys, clients: NDArray[np.uint64]) -> NDArray[np.void]:
        before = b"$%d\r\n%b" % (len(names.row) + 8, names.row)
        records = np.empty(len(clients), [("before", f"V{len(before)}"), ("client", "<u8"), ("after", "V2")])
        records["before"] = np.void(before)
        records["client"] = clients
        records["after"] = np.void(b"\r\n")
        return records

    def _receive(self, count: int) -> tuple[list[int], int]:
        """Where each row begins in the receive buffer, -1 for none; and how many had another size."""
        step = len(self._header) + self._row.itemsize + 2
        wanted = 32 + count * step
        if len(self._received) < wanted:
            self._received = bytearray(wanted)
        reply = _Reply(self._link, self._received)
        reply.array(count)
        starts: list[int] = []
        header, buffer, position, foreign = self._header, self._received, reply.position, 0
        width = len(header)
        for _ in range(count):
            if position + NULL_BYTES > reply.end:
                reply.fill(position + NULL_BYTES)
                buffer = reply.buffer
            if buffer[position + 1] == _MINUS:
                starts.append(-1)
                position += NULL_BYTES
                continue
            if position + width > reply.end:
                reply.fill(position + width)
                buffer = reply.buffer
            if buffer[position : position + width] == header:
                starts.append(position + width)
                position += step
            else:
                position = reply.skip(position)
                buffer = reply.buffer
                starts.append(-1)
                foreign += 1
        reply.fill(position)
        self._received = reply.buffer
        return starts, foreign

    def _assemble(self, clients: NDArray[np.uint64], starts: list[int], foreign: int) -> Loaded:
        width = self._row.itemsize
        where = np.array(starts, np.int64)
        raw = f"V{width}"
        # A window of one row's width at every byte: taking from it copies whole rows.
        windows: NDArray[np.void] = np.ndarray(
            (max(1, len(self._received) - width + 1),), raw, buffer=self._received, strides=(1,)
        )
        rows: NDArray[np.void] = windows[np.maximum(where, 0)].view(self._row)
        missing = where < 0
        unreadable = ~missing & ((rows["schema"] != self._schema) | (rows["client"] != clients))
        reset = foreign + int(unreadable.sum())
        fresh = int(missing.sum()) - foreign
        missing |= unreadable
        if missing.any():
            # As plain bytes: an assignment of records would go field by field.
            rows.view(raw)[missing] = self._empty(clients[missing]).view(raw)
        return Loaded(rows, fresh, reset)


def _record_dtype(before: bytes, between: bytes, after: bytes, width: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("before", f"V{len(before)}"),
            ("client", "<u8"),
            ("between", f"V{len(between)}"),
            ("row", f"V{width}"),
            ("after", f"V{len(after)}"),
        ]
    )


class _Reply:
    """A bulk reply as it arrives: `buffer` holds what came, up to `end`."""

    def __init__(self, link: Link, buffer: bytearray) -> None:
        self.buffer = buffer
        self.end = 0
        self.position = 0
        self._link = link

    def fill(self, wanted: int) -> None:
        """Receive until `wanted` bytes are here."""
        if wanted > len(self.buffer):
            self.buffer = self.buffer + bytearray(wanted - len(self.buffer) + len(self.buffer) // 2)
        view = memoryview(self.buffer)
        while self.end < wanted:
            self.end += self._link.receive_into(view[self.end :])

    def line(self, position: int) -> tuple[bytes, int]:
        """The line at `position` and where the next one begins."""
        while True:
            found = self.buffer.find(b"\r\n", position, self.end)
            if found >= 0:
                return bytes(self.buffer[position:found]), found + 2
            self.fill(self.end + 1)

    def array(self, count: int) -> None:
        """Read the head of an array of `count`; raises Unavailable for an error reply."""
        head, self.position = self.line(0)
        if head != b"*%d" % count:
            self._link.close()
            raise Unavailable(f"Redis: {head.decode(errors='replace')}")

    def skip(self, position: int) -> int:
        """Pass over a bulk string of any length; returns where the next reply begins."""
        head, after = self.line(position)
        after += int(head[1:]) + 2
        self.fill(after)
        return after
