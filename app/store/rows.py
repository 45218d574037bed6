"""The clients' rows of a partition: load them, and commit rows, offset and acknowledgement at once.

The offset and the fence are watched from before the blocks are read until EXEC. So a batch is
committed by the holder of the newest fencing token or by nobody, and a commit of our own that was
given up for lost and arrives late changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import LeaseLost, Unavailable
from app.store import blocks, packed
from app.store.blocks import Memory
from app.store.redis import Argument, Link, pack
from app.store.reply import Reply
from app.store.stream import POISON_BLOCKS, START, Blocks, Keys, keys, partition_of, read, read_command, row_key

DAY_MILLISECONDS = 86_400_000
_ABSENT = 1  # the mark of a value that is not there
_FOREIGN = 2  # the mark of a value that is no row of ours
_SENT_ROWS = 256  # written and sent at once: what was just written is still in the processor's cache
_MULTI, _EXEC, _UNWATCH = pack("MULTI"), pack("EXEC"), pack("UNWATCH")

LOOKED_UP = 500  # rows of one round trip for who only reads: about 2 MB

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
    """The rows of a batch's clients, writable; `fresh` had none, `reset` had one that we cannot read.

    `absent` marks those that had none.
    """

    rows: NDArray[np.void]
    fresh: int
    reset: int
    absent: NDArray[np.bool_]


def stored(
    link: Link, row: np.dtype[np.void], schema: int, clients: Sequence[int], partitions: int
) -> Iterator[tuple[NDArray[np.void], int]]:
    """The rows of `clients` that are there, some at a time, in their order, and how many of them are not ours.

    Whoever owns their partitions goes on writing them. Raises Unavailable.
    """
    names = partition_of(np.array(clients, np.uint64), partitions).tolist()
    for start in range(0, len(names), LOOKED_UP):
        some = slice(start, start + LOOKED_UP)
        replies = link.pipeline([("GET", row_key(*one)) for one in zip(names[some], clients[some], strict=True)])
        there = [one for one in replies if one is not None]
        rows = packed.unpack(there, row)
        ours = rows[rows["schema"] == schema]
        yield ours, len(there) - len(ours)


class Rows:
    """Reads blocks and rows, and commits them, over one connection.

    `row` is the engine's row and `schema` its number; `empty` makes fresh rows of clients.
    """

    def __init__(self, link: Link, row: np.dtype[np.void], schema: int, empty: Empty, row_days: float) -> None:
        self._link = link
        self._row = row
        self._schema = schema
        self._empty = empty
        self._expiry = b"%d" % max(1, round(row_days * DAY_MILLISECONDS))
        self._raw = np.dtype(f"V{row.itemsize}")  # whole rows at once, where numpy would go field by field
        self._loaded: dict[str, NDArray[np.void]] = {}
        self._set = np.empty(0, np.uint8)
        self._memory = Memory()

    def fetch(
        self, claim: Claim, partitions: int, count: int, most_events: int, most_clients: int = 1 << 62
    ) -> Blocks | None:
        """The next blocks of an owned partition, its fence and offset watched; None when nothing waits.

        Their events are valid until the next fetch. Raises LeaseLost when the claim is no longer the newest.
        """
        names = claim.keys
        commands: list[tuple[Argument, ...]] = [
            ("WATCH", names.fence, names.offset),
            ("GET", names.fence),
            ("GET", names.offset),
            read_command(claim.partition, claim.offset, count),
        ]
        reply = self._ask(*commands)
        reply.line()
        fence, offset = reply.text(), reply.text()
        if (offset or START) != claim.offset or fence is None or int(fence) != claim.token:
            blocks.read(reply, 0, self._memory)  # what was asked for in vain
        if fence is None or int(fence) != claim.token:
            self.release()
            raise LeaseLost(f"partition {claim.partition}")
        if (offset or START) != claim.offset:  # a new claim, or a commit whose reply never came
            claim.offset = offset or START
            reply = self._ask(read_command(claim.partition, claim.offset, count))
        found = read(reply, claim.partition, partitions, count, most_events, most_clients, self._memory)
        if found is None:
            self.release()
        return found

    def _ask(self, *commands: tuple[Argument, ...]) -> Reply:
        self._link.send(b"".join(pack(*command) for command in commands))
        return Reply(self._link, self._memory.received)

    def load(self, claim: Claim, clients: NDArray[np.uint64], what: str = "clients") -> Loaded:
        """The rows of sorted unique clients, in their order; fresh ones where there is none that we can read.

        They are valid until the next load of the same `what`.
        """
        count = len(clients)
        if not count:
            return Loaded(np.empty(0, self._row), 0, 0, np.zeros(0, np.bool_))
        names = self._key_records(claim.keys, clients)
        self._link.send(b"*%d\r\n$4\r\nMGET\r\n" % (count + 1), names.view(np.uint8).data)
        held = self._loaded.get(what)
        if held is None or len(held) < count:
            held = self._loaded[what] = np.zeros(count, self._raw)
        rows = held[:count]
        missing, foreign = self._receive(rows)
        return self._checked(rows.view(self._row), clients, missing, foreign)

    def commit(self, claim: Claim, batch: Blocks, *rows: NDArray[np.void]) -> None:
        """Write rows, offset and acknowledgement in one transaction; raises LeaseLost when nothing was written."""
        self._transact(claim, rows, self._closing(claim.keys, batch.last))
        claim.offset = batch.last

    def quarantine(self, claim: Claim, batch: Blocks) -> None:
        """Move blocks that break the engine aside, in one transaction; raises LeaseLost when nothing was moved."""
        names = claim.keys
        entries = self._link.call("XRANGE", names.events, batch.first, batch.last, "COUNT", batch.entries)
        moved: list[tuple[Argument, ...]] = [
            ("XADD", names.poison, "MAXLEN", "~", POISON_BLOCKS, "*", b"id", entry, *fields)
            for entry, fields in entries
            if fields
        ]
        self._transact(claim, (), [*moved, *self._closing(names, batch.last)])
        claim.offset = batch.last

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
        self, claim: Claim, rows: Sequence[NDArray[np.void]], commands: Sequence[tuple[Argument, ...]]
    ) -> None:
        self._link.send(_MULTI)
        for some in rows:
            for start in range(0, len(some), _SENT_ROWS):
                self._link.send(self._set_commands(claim, some[start : start + _SENT_ROWS]))
        self._link.send(b"".join(pack(*command) for command in commands) + _EXEC)
        written = sum(map(len, rows))
        queued = written + len(commands)
        usual = b"+OK\r\n" + b"+QUEUED\r\n" * queued + b"*%d\r\n" % queued + b"+OK\r\n" * written
        outcome: list[Any] | None
        if self._link.expect(usual):
            outcome = self._link.read_with_errors(len(commands))
        else:
            outcome = self._link.read(queued + 2)[-1]
        if outcome is None:
            raise LeaseLost(f"partition {claim.partition}")
        for reply in outcome:
            if isinstance(reply, Exception):  # such as a key that holds another type; the rest was applied
                self._link.close()
                raise Unavailable(f"Redis: {reply}")

    def _set_commands(self, claim: Claim, rows: NDArray[np.void]) -> memoryview:
        """A SET with expiry for each row, written in one pass: no Python object for a row."""
        prefix = claim.keys.row
        before = b"*5\r\n$3\r\nSET\r\n$%d\r\n%b" % (len(prefix) + packed.WORD, prefix)
        after = b"\r\n$2\r\nPX\r\n$%d\r\n%b\r\n" % (len(self._expiry), self._expiry)
        room = len(rows) * (len(before) + packed.WORD + 2 + packed.FRAME_BYTES + rows.itemsize + len(after))
        if len(self._set) < room:
            self._set = np.empty(room, np.uint8)
        first, middle, last = (np.frombuffer(bytearray(part), np.uint8) for part in (before, b"\r\n", after))
        size = packed.put(packed.words_of(rows), first, middle, last, self._set)
        return memoryview(self._set[:size].data)

    @staticmethod
    def _key_records(names: Keys, clients: NDArray[np.uint64]) -> NDArray[np.void]:
        before = b"$%d\r\n%b" % (len(names.row) + 8, names.row)
        records = np.empty(len(clients), [("before", f"V{len(before)}"), ("client", "<u8"), ("after", "V2")])
        records["before"] = np.void(before)
        records["client"] = clients
        records["after"] = np.void(b"\r\n")
        return records

    def _receive(self, rows: NDArray[np.void]) -> tuple[NDArray[np.uint8], int]:
        """Fill `rows` from the reply: 1 where one is not there, 2 where it is no row of ours; how many are not."""
        reply = Reply(self._link, self._memory.received)
        reply.array(len(rows))
        words, missing = packed.words_of(rows), np.zeros(len(rows), np.uint8)
        done, ended, wanted = 0, packed.MORE, 0
        while ended == packed.MORE:
            reply.need(max(wanted, packed.LEAST_BYTES * (len(rows) - done)))  # as much comes in any case
            plain = np.frombuffer(reply.buffer, np.uint8)
            ended, reply.position, done, wanted = packed.take(plain, reply.position, reply.end, words, done, missing)
        if ended == packed.BROKEN:
            raise reply.broken()
        self._memory.received = reply.buffer
        return missing, int((missing == _FOREIGN).sum())

    def _checked(
        self, rows: NDArray[np.void], clients: NDArray[np.uint64], left_out: NDArray[np.uint8], foreign: int
    ) -> Loaded:
        """The rows as loaded, with fresh ones in the place of those that are missing or not ours."""
        missing = left_out != 0
        unreadable = ~missing & ((rows["schema"] != self._schema) | (rows["client"] != clients))
        reset = foreign + int(unreadable.sum())
        fresh = int(missing.sum()) - foreign
        missing |= unreadable
        if missing.any():
            # As plain bytes: an assignment of records would go field by field.
            rows.view(self._raw)[missing] = self._empty(clients[missing]).view(self._raw)
        return Loaded(rows, fresh, reset, left_out == _ABSENT)
