"""Packed rows: what is written is read back, whatever the row, and what is no such row is told from one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store import packed

WORDS = 21  # no multiple of eight: the bitmap's last byte has room to spare
ROW = np.dtype([("client", "<u8"), ("state", "<u8", (WORDS - 1,))])
ROWS = st.lists(st.lists(st.just(0) | st.integers(0, 2**64 - 1), min_size=WORDS, max_size=WORDS), max_size=8)


def rows_of(words: list[list[int]]) -> np.ndarray:
    return np.array(words, np.uint64).reshape(-1).view(ROW)


def reply(values: list[bytes | None]) -> bytes:
    return b"".join(b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value) for value in values)


def take(data: bytes, count: int, end: int | None = None, done: int = 0, rows: np.ndarray | None = None):
    buffer = np.frombuffer(bytearray(data + b"\0" * 32), np.uint8)
    words = packed.words_of(np.zeros(count, ROW) if rows is None else rows)
    missing = np.zeros(count, np.uint8)
    found = packed.take(buffer, 0, len(data) if end is None else end, words, done, missing)
    return found, words, missing


@given(ROWS)
def test_what_is_packed_is_unpacked(words) -> None:
    rows = rows_of(words)
    values = packed.pack(rows)
    assert packed.unpack(values, ROW).tobytes() == rows.tobytes()
    for value, row in zip(values, words, strict=True):
        assert len(value) == min(3 + 8 * sum(word != 0 for word in row), 8 * WORDS)


def test_a_row_as_it_is_can_be_read_too() -> None:
    rows = rows_of([[5, *[0] * (WORDS - 1)]])
    assert packed.unpack([rows.tobytes()], ROW).tobytes() == rows.tobytes()


def test_an_empty_row_and_a_full_one() -> None:
    empty, full = packed.pack(rows_of([[0] * WORDS, [7] * WORDS]))
    assert empty == b"\0\0\0"
    assert full == (7).to_bytes(8, "little") * WORDS


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\0\0",
        b"\1\0\0",  # a word that is not there
        b"\1\0\0" + b"x" * 7,
        b"\1\0\0" + b"x" * 9,
        b"\0\0\x20" + b"x" * 8,  # a word behind the row's last
        b"x" * (8 * WORDS + 1),
        b"x" * (8 * WORDS - 1),
    ],
)
def test_what_is_no_such_row_is_left_out(value) -> None:
    good = rows_of([[1, 2, *[0] * (WORDS - 2)]])
    assert packed.unpack([value, *packed.pack(good), None], ROW).tobytes() == good.tobytes()
    found, words, missing = take(reply([value, *packed.pack(good)]), 2)
    assert found[:1] == (packed.DONE,)
    assert missing.tolist() == [2, 0]
    assert words.tolist() == [[0] * WORDS, packed.words_of(good)[0].tolist()]


@given(ROWS, st.data())
def test_a_reply_is_read_wherever_it_is_cut(words, data) -> None:
    rows = rows_of(words)
    values: list[bytes | None] = [
        data.draw(st.sampled_from([value, row.tobytes(), None, b"", b"y" * 500]))
        for value, row in zip(packed.pack(rows), rows, strict=True)
    ]
    whole = reply(values)
    expected = take(whole, len(values))
    assert expected[0][:2] == (packed.DONE, len(whole))
    cut = data.draw(st.integers(0, len(whole)))
    out = np.zeros(len(values), ROW)
    (ended, at, done, wanted), _, one = take(whole, len(values), end=cut, rows=out)
    if ended == packed.DONE:
        assert cut == len(whole)
        return
    assert ended == packed.MORE
    assert cut - at < wanted <= len(whole) - at  # it asks for more than there is, and for no more than will come
    (ended, at_last, _, _), second, two = take(whole[at:], len(values), done=done, rows=out)
    assert (ended, at + at_last) == (packed.DONE, len(whole))
    assert second.tolist() == expected[1].tolist()
    assert (one | two).tolist() == expected[2].tolist()


@pytest.mark.parametrize(
    "data", [b"+OK\r\n", b"$x\r\n12", b"$-", b"$12345678901\r\n", b"$\r\n\r\n\r\n", b":1\r\n$-1\r\n"]
)
def test_another_kind_of_reply_is_told(data) -> None:
    (ended, at, done, _), _, missing = take(data + b"$-1\r\n", 3)
    assert ended == packed.BROKEN or data == b"$-"  # the sign alone says that there is no value
    assert data == b"$-" or (at, done, missing.tolist()) == (0, 0, [0, 0, 0])


@given(ROWS)
def test_commands_are_written_as_redis_reads_them(words) -> None:
    rows = rows_of(words)
    before, between, after = b"before", b"\r\n", b"\r\nafter"
    out = np.zeros(len(rows) * (30 + 8 * WORDS + packed.FRAME_BYTES) + 1, np.uint8)
    frame = [np.frombuffer(bytearray(part), np.uint8) for part in (before, between, after)]
    size = packed.put(packed.words_of(rows), *frame, out)
    expected = b"".join(
        before + row.tobytes()[:8] + between + b"$%d\r\n%b" % (len(value), value) + after
        for row, value in zip(rows, packed.pack(rows), strict=True)
    )
    assert out[:size].tobytes() == expected


@pytest.mark.parametrize("words", [1, 7, 8, 9, 16, 23])
def test_rows_of_any_number_of_words_keep_to_their_place(words) -> None:
    kind = np.dtype([("state", "<u8", (words,))])
    held = np.arange(words) % 3 == 0
    rows = np.where([held, ~held, held | True, held & False], np.uint64(2**64 - 1), np.uint64(0)).view(kind)[:, 0]
    values = packed.pack(rows)
    assert packed.unpack(values, kind).tobytes() == rows.tobytes()
    for value in values:  # what follows is no part of it
        beyond = np.frombuffer(bytearray(value + b"\xff" * 8), np.uint8)
        out = np.zeros(words, np.uint64)
        assert packed.read(beyond, 0, len(value), out)
        assert np.array_equal(out, packed.words_of(packed.unpack([value], kind))[0])


def test_a_row_of_no_whole_words_is_refused() -> None:
    with pytest.raises(ValueError, match="no multiple of 8"):
        packed.words_of(np.zeros(1, "V61"))
