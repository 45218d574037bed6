"""Rows as they lie in Redis: without their empty words, since most of a client's row is empty for most of its life.

A value is a bitmap of the row's words of eight bytes, the first word's bit the lowest of the first byte, and then those
words that are not zero; or the row as it is, where that is no longer. The length tells which.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled

WORD = 8
SPAN = 64  # words whose bits are one number: those set are gone through, so that a row costs what it holds
FRAME_BYTES = 24  # that a value's length and line ends take at most, with room to spare
LEAST_BYTES = 5  # of a value in a reply: "$-1\r\n", where there is none
LARGEST = 1 << 29  # bytes of a value: the server has no larger ones
_MINUS, _RETURN, _DOLLAR, _ZERO, _NINE = (ord(sign) for sign in "-\r$09")

_ONE = np.uint64(1)
_PAIRS, _FOURS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_EIGHTS, _EACH = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)

DONE, MORE, BROKEN = 0, 1, 2  # how `take` ended: all values read, more bytes needed, no such reply


def words_of(rows: NDArray[np.void]) -> NDArray[np.uint64]:
    """Contiguous rows as words, shape (rows, words); raises ValueError where a row is no whole number of them."""
    if rows.itemsize % WORD:
        raise ValueError(f"a row of {rows.itemsize} bytes is no multiple of {WORD}")
    return rows.view(np.uint64).reshape(len(rows), rows.itemsize // WORD)


def unpack(values: Iterable[bytes | None], row: np.dtype[np.void]) -> NDArray[np.void]:
    """The rows of stored values, in their order, writable; values that are none of such a row are left out."""
    known = [value for value in values if value is not None]
    rows = np.zeros(len(known), row)
    words = words_of(rows)
    kept = np.zeros(len(known), np.bool_)
    for place, value in enumerate(known):
        kept[place] = read(np.frombuffer(bytearray(value), np.uint8), 0, len(value), words[place])
    return rows.view(f"V{row.itemsize}")[kept].view(row)


def pack(rows: NDArray[np.void]) -> list[bytes]:
    """The value of each row."""
    out = np.empty(rows.itemsize + WORD, np.uint8)
    return [out[: write(row, out, 0)].tobytes() for row in words_of(np.ascontiguousarray(rows))]


def warm(rows: NDArray[np.void]) -> None:
    """Load every loop by writing a row and reading it again, so that no batch has to."""
    values = pack(rows[:1])
    unpack(values, rows.dtype)
    reply = np.frombuffer(bytearray(b"$%d\r\n%b\r\n" % (len(values[0]), values[0])), np.uint8)
    take(reply, 0, len(reply), words_of(rows[:1].copy()), 0, np.zeros(1, np.uint8))
    frame = np.zeros(1, np.uint8)
    put(words_of(rows[:1].copy()), frame, frame, frame, np.zeros(2 * rows.itemsize, np.uint8))


@compiled
def write(row: NDArray[np.uint64], out: NDArray[np.uint8], at: int) -> int:
    """Write the value of `row` into `out` from `at` on, which has room for a word more than the whole row; its end."""
    spans = np.empty((len(row) + SPAN - 1) // SPAN, np.uint64)
    return _write(row, _mark(row, spans), spans, out, at)


@compiled
def _mark(row: NDArray[np.uint64], spans: NDArray[np.uint64]) -> int:
    """Fill in the bits of each span of the row's words; gives the bytes of the row's value."""
    held = 0
    for span in range(len(spans)):
        bits, first = np.uint64(0), np.uint64(span * SPAN)
        if len(row) - span * SPAN >= SPAN:
            for word in range(np.uint64(SPAN)):  # of a known number: some at once
                bits |= np.uint64(row[first + word] != 0) << word
        else:
            for word in range(np.uint64(len(row)) - first):
                bits |= np.uint64(row[first + word] != 0) << word
        spans[span] = bits
        held += int(_ones(bits))
    return min((len(row) + 7) // 8 + held * WORD, len(row) * WORD)


@compiled
def _write(row: NDArray[np.uint64], size: int, spans: NDArray[np.uint64], out: NDArray[np.uint8], at: int) -> int:
    """Write the value, of so many bytes, of a row whose words that are not zero are known."""
    if size == len(row) * WORD:
        for word in range(len(row)):
            _put_word(row[word], out, at + word * WORD)
        return at + size
    head = (len(row) + 7) // 8
    for byte in range(head // WORD * WORD, head):
        out[at + byte] = np.uint8((spans[byte >> 3] >> np.uint64(8 * (byte & 7))) & np.uint64(0xFF))
    for span in range(head // WORD):
        _put_word(spans[span], out, at + span * WORD)
    place = np.uint64(at + head)
    for span in range(len(spans)):
        bits, first = spans[span], np.uint64(span * SPAN)
        while bits != 0:
            _put_word(row[first + _lowest(bits)], out, int(place))
            place += np.uint64(WORD)
            bits &= bits - _ONE
    return at + size


@compiled
def _ones(bits: np.uint64) -> np.uint64:
    """How many bits are set; one instruction, where the processor has it for this."""
    bits -= (bits >> np.uint64(1)) & _PAIRS
    bits = (bits & _FOURS) + ((bits >> np.uint64(2)) & _FOURS)
    bits = (bits + (bits >> np.uint64(4))) & _EIGHTS
    return np.uint64((bits * _EACH) >> np.uint64(56))


@compiled
def _lowest(bits: np.uint64) -> np.uint64:
    """The place of the lowest bit that is set."""
    return _ones(~bits & (bits - _ONE))


@compiled
def _put_word(value: np.uint64, out: NDArray[np.uint8], at: int) -> None:
    begin = np.uint64(at)  # without a sign: one with a sign is looked at for counting from the end, each time
    for byte in range(np.uint64(WORD)):
        out[begin + byte] = np.uint8((value >> (np.uint64(8) * byte)) & np.uint64(0xFF))


@compiled
def _word_at(buffer: NDArray[np.uint8], at: int) -> np.uint64:
    begin, value = np.uint64(at), np.uint64(0)
    for byte in range(np.uint64(WORD)):
        value |= np.uint64(buffer[begin + byte]) << (np.uint64(8) * byte)
    return value


@compiled
def read(buffer: NDArray[np.uint8], at: int, size: int, row: NDArray[np.uint64]) -> bool:
    """Fill `row` from the value of `size` bytes at `at`; False, and nothing filled, where it is none of such a row."""
    if size == len(row) * WORD:
        for word in range(len(row)):
            row[word] = _word_at(buffer, at + word * WORD)
        return True
    head = (len(row) + 7) // 8
    if size > len(row) * WORD or size < head:
        return False
    held = np.uint64(0)
    for first in range(0, len(row), SPAN):
        held += _ones(_span_at(buffer, at, first, len(row)))
    if size != head + np.int64(held) * WORD or buffer[at + head - 1] >> ((len(row) - 1) % 8 + 1):
        return False
    for word in range(len(row)):
        row[word] = 0
    place = np.uint64(at + head)
    for first in range(0, len(row), SPAN):
        bits = _span_at(buffer, at, first, len(row))
        while bits != 0:
            row[np.uint64(first) + _lowest(bits)] = _word_at(buffer, int(place))
            place += np.uint64(WORD)
            bits &= bits - _ONE
    return True


@compiled
def _span_at(buffer: NDArray[np.uint8], at: int, first: int, words: int) -> np.uint64:
    """The bits of the words from `first` on, of a row of `words` whose bitmap begins at `at`."""
    begin = at + (first >> 3)
    if words - first >= SPAN:
        return _word_at(buffer, begin)
    bits = np.uint64(0)
    for byte in range((words - first + 7) >> 3):
        bits |= np.uint64(buffer[begin + byte]) << np.uint64(8 * byte)
    return bits


@compiled
def _length(buffer: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """The number at `at`, and where its line's end begins; -1 where there is none, -2 where it has not come whole."""
    size = np.int64(0)
    for place in range(at, end):
        sign = np.int64(buffer[place])
        if sign == _RETURN and place > at:
            return int(size), place
        if sign < _ZERO or sign > _NINE or size > LARGEST:
            return -1, place
        size = size * 10 + (sign - _ZERO)
    return -2, end


@compiled
def take(
    buffer: NDArray[np.uint8], at: int, end: int, rows: NDArray[np.uint64], done: int, missing: NDArray[np.uint8]
) -> tuple[int, int, int, int]:
    """Fill `rows` from `done` on with the values of an array reply that lie whole in `buffer[at:end]`.

    Where there is no value 1 is set in `missing`, where it is none of such a row 2. Returns how it ended, where in the
    buffer and where in the rows, and how many bytes must lie from there on to go on.
    """
    while done < len(rows):
        if end - at < LEAST_BYTES:
            return MORE, at, done, LEAST_BYTES
        if buffer[at] != _DOLLAR:
            return BROKEN, at, done, 0
        if buffer[at + 1] == _MINUS:
            missing[done] = 1
            at += LEAST_BYTES
            done += 1
            continue
        size, line = _length(buffer, at + 1, end)
        if size == -1:
            return BROKEN, at, done, 0
        if size == -2:
            return MORE, at, done, end - at + 1
        whole = line + 2 + size + 2 - at
        if at + whole > end:
            return MORE, at, done, whole
        if not read(buffer, line + 2, size, rows[done]):
            missing[done] = 2
        at += whole
        done += 1
    return DONE, at, done, 0


@compiled
def put(
    rows: NDArray[np.uint64],
    before: NDArray[np.uint8],
    between: NDArray[np.uint8],
    after: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> int:
    """Write a command for each row into `out`: `before`, its first word, `between`, its value with its length, `after`.

    `out` has room for all of it, FRAME_BYTES a row included. Returns the bytes written.
    """
    at, spans = 0, np.empty((rows.shape[1] + SPAN - 1) // SPAN, np.uint64)
    for place in range(len(rows)):
        at = _copy(before, out, at)
        _put_word(rows[place, 0], out, at)
        at = _copy(between, out, at + WORD)
        out[at] = _DOLLAR
        size = _mark(rows[place], spans)
        digits, rest, left = 1, size, size
        while rest >= 10:
            rest //= 10
            digits += 1
        for digit in range(digits):
            out[at + digits - digit] = _ZERO + left % 10
            left //= 10
        at += digits + 1
        out[at], out[at + 1] = 13, 10
        at = _copy(after, out, _write(rows[place], size, spans, out, at + 2))
    return at


@compiled
def _copy(some: NDArray[np.uint8], out: NDArray[np.uint8], at: int) -> int:
    begin = np.uint64(at)
    for byte in range(np.uint64(len(some))):
        out[begin + byte] = some[byte]
    return at + len(some)
