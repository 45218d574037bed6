"""The blocks of an XREAD reply, put together while it arrives: an event is moved once, from what was just received.

A loop walks the entries; Redis's client library would make an object of each block and of its fields, and keep all of
the reply beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.store.reply import RECEIVE_BYTES, Reply
from detectors.compiled import compiled
from detectors.event import EVENT, SCHEMA

USUAL_BYTES = 24 << 20  # of a large batch: memory for more is taken when it comes
DONE, MORE, BROKEN, FULL = 0, 1, 2, 3  # how `take` ended: all read, more bytes needed, no such reply, no room left
_AT, _SEEN, _TAKEN, _FILLED, _WANTED = range(5)  # what is where in its state
_RETURN, _LINE, _DOLLAR, _STAR, _MINUS, _ZERO, _NINE = (ord(sign) for sign in "\r\n$*-09")
_BLOCK, _SCHEMA_NAME = ord("b"), ord("s")
_SCHEMA = np.frombuffer(str(SCHEMA).encode(), np.uint8)
_LARGEST = 1 << 29  # bytes of a text: the server has no larger ones
_SHORT, _OTHER = -2, -3  # in the place of a length: it has not come whole, it is none
_NOTHING = -1
_HEAD_BYTES = 5  # of "*-1\r\n", the shortest head there is beside a number of one digit
_EVENT_BYTES = EVENT.itemsize


@dataclass(frozen=True, slots=True)
class Taken:
    """The entries taken of a reply: ids as shape (entries, 2), the bytes of events of each, and all of those bytes."""

    ids: NDArray[np.uint64]
    sizes: NDArray[np.int64]  # 0 where the entry is no block of ours
    data: NDArray[np.uint8]
    seen: int  # entries of the reply, those included that were not taken


class Memory:
    """Where replies and events are put, batch after batch: anew for each it would cost more than the copying."""

    def __init__(self) -> None:
        self.received = bytearray(RECEIVE_BYTES)
        self.data = np.empty(0, np.uint8)

    def grow(self, size: int, kept: int) -> None:
        """Have room for `size` bytes, and keep the first `kept`."""
        if len(self.data) < size:
            grown = np.empty(size, np.uint8)
            grown[:kept] = self.data[:kept]
            self.data = grown


def read(reply: Reply, most_bytes: int, memory: Memory) -> Taken | None:
    """The next reply, one to XREAD of one stream: entries up to the one that reaches `most_bytes`, at least one.

    None where there are none. What they hold is valid until the memory is used again. Raises Unavailable.
    """
    head = reply.line()
    if head == b"*-1":
        return None
    if head != b"*1":
        raise reply.broken()
    reply.array(2)
    reply.text()
    head = reply.line()
    if not head.startswith(b"*") or not head[1:].isdigit():
        raise reply.broken()
    count = int(head[1:])
    ids, sizes = np.empty((count, 2), np.uint64), np.empty(count, np.int64)
    memory.grow(min(most_bytes, USUAL_BYTES) + RECEIVE_BYTES, 0)
    state = np.array([reply.position, 0, 0, 0, 0], np.int64)
    ended = MORE
    while ended != DONE:
        plain = np.frombuffer(reply.buffer, np.uint8)
        ended = take(plain, reply.end, most_bytes, _SCHEMA, memory.data, ids, sizes, state)
        reply.position = int(state[_AT])
        if ended == MORE:
            reply.need(int(state[_WANTED]))
            state[_AT] = reply.position
        elif ended == FULL:
            memory.grow(2 * int(state[_WANTED]), int(state[_FILLED]))
        elif ended == BROKEN:
            raise reply.broken()
    memory.received = reply.buffer
    taken, filled = int(state[_TAKEN]), int(state[_FILLED])
    return Taken(ids[:taken], sizes[:taken], memory.data[:filled], count) if taken else None


def warm() -> None:
    """Load the loops by reading a reply of no entry, so that no batch has to."""
    some = np.zeros(8, np.uint8)
    take(some, 0, 0, _SCHEMA, some, np.empty((0, 2), np.uint64), np.empty(0, np.int64), np.zeros(5, np.int64))


@compiled
def take(
    buffer: NDArray[np.uint8],
    end: int,
    most: int,
    schema: NDArray[np.uint8],
    data: NDArray[np.uint8],
    ids: NDArray[np.uint64],
    sizes: NDArray[np.int64],
    state: NDArray[np.int64],
) -> int:
    """Walk the entries that lie whole in `buffer` up to `end`, and move the events of those that are taken to `data`.

    `state` is where it stands: place in the buffer, entries seen and taken, bytes moved; and, where it could not go
    on, how many bytes must lie from that place on, or how large `data` must be.
    """
    found = np.empty(5, np.int64)
    while state[_SEEN] < len(sizes):
        ended = _entry(buffer, state[_AT], end, schema, found)
        if ended != DONE:
            state[_WANTED] = found[4]
            return ended
        size, filled, taken = found[2], state[_FILLED], state[_TAKEN]
        if filled < most or taken == 0:
            if filled + size > len(data):
                state[_WANTED] = filled + size
                return FULL
            if not _read_id(buffer, found[0], ids, taken):
                return BROKEN
            begin = found[1]
            for byte in range(size):
                data[np.uint64(filled + byte)] = buffer[np.uint64(begin + byte)]
            sizes[taken] = size
            state[_TAKEN], state[_FILLED] = taken + 1, filled + size
        state[_AT] = found[3]
        state[_SEEN] += 1
    return DONE


@compiled
def _entry(buffer: NDArray[np.uint8], at: int, end: int, schema: NDArray[np.uint8], found: NDArray[np.int64]) -> int:
    """One entry: where its id and its events begin, their bytes, where it ends; or how many bytes it takes to go on."""
    begin = at
    found[2], found[4] = 0, end - begin + 1
    parts, at = _length(buffer, at, end, _STAR)
    if parts != 2:
        return MORE if parts == _SHORT else BROKEN
    size, at = _length(buffer, at, end, _DOLLAR)
    if size < 0:
        return MORE if size == _SHORT else BROKEN
    found[0] = at
    fields, at = _length(buffer, at + size + 2, end, _STAR)
    if fields < _NOTHING:  # nothing at all is what an entry that was deleted meanwhile has
        return MORE if fields == _SHORT else BROKEN
    ours, block, name = False, 0, 0
    for field in range(fields):
        size, at = _length(buffer, at, end, _DOLLAR)
        if size < 0:
            return MORE if size == _SHORT else BROKEN
        if at + size + 2 > end:
            found[4] = at + size + 2 - begin
            return MORE
        if field % 2 == 0:
            name = int(buffer[at]) if size == 1 else 0
        elif name == _BLOCK:
            found[1], block = at, size
        elif name == _SCHEMA_NAME:
            ours = _same(buffer, at, size, schema)
        at += size + 2
    found[2] = block if ours and fields % 2 == 0 and block % _EVENT_BYTES == 0 else 0
    found[3] = at
    return DONE


@compiled
def _length(buffer: NDArray[np.uint8], at: int, end: int, sign: int) -> tuple[int, int]:
    """The number behind `sign` at `at`, _NOTHING, _SHORT or _OTHER; and where what it counts begins."""
    if at >= end:
        return _SHORT, at
    if buffer[at] != sign:
        return _OTHER, at
    if at + 1 < end and buffer[at + 1] == _MINUS:
        return (_NOTHING, at + _HEAD_BYTES) if at + _HEAD_BYTES <= end else (_SHORT, at)
    size = 0
    for place in range(at + 1, end):
        digit = int(buffer[place])
        if digit == _RETURN and place > at + 1:
            return (size, place + 2) if place + 2 <= end else (_SHORT, at)
        if digit < _ZERO or digit > _NINE or size > _LARGEST:
            return _OTHER, at
        size = size * 10 + (digit - _ZERO)
    return _SHORT, at


@compiled
def _same(buffer: NDArray[np.uint8], at: int, size: int, text: NDArray[np.uint8]) -> bool:
    same = size == len(text)
    for place in range(size if same else 0):
        same &= buffer[at + place] == text[place]
    return same


@compiled
def _read_id(buffer: NDArray[np.uint8], at: int, ids: NDArray[np.uint64], row: int) -> bool:
    """Read an id, two numbers with a dash between them; whether it is one."""
    for part in range(2):
        number, digits = np.uint64(0), 0
        while _ZERO <= buffer[at] <= _NINE:
            number = number * np.uint64(10) + np.uint64(buffer[at] - _ZERO)
            digits += 1
            at += 1
        if digits == 0 or buffer[at] != (_RETURN if part else _MINUS):
            return False
        ids[row, part] = number
        at += 1
    return True
