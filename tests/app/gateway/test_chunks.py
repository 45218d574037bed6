"""A chunk is known by its length and the line that opens it."""

from __future__ import annotations

from app.gateway.chunks import MOST_BYTES, OPENINGS


def test_an_opening_is_known_by_the_length_of_its_chunk():
    for size in (1, 9, 15, 16, 255, 256, 4095, MOST_BYTES):
        chunk = b"%x\r\n%b\r\n" % (size, b"x" * size)
        assert chunk.startswith(OPENINGS[len(chunk)])
        assert chunk[len(OPENINGS[len(chunk)]) : -2] == b"x" * size


def test_what_no_chunk_has_the_length_of_begins_like_none():
    lengths = {len(b"%x\r\n" % size) + size + 2 for size in range(1, MOST_BYTES + 1)}
    assert max(lengths) == len(OPENINGS) - 1
    for length in set(range(len(OPENINGS))) - lengths:
        assert not bytes(length).startswith(OPENINGS[length])
        assert not b"0\r\n\r\n"[:length].startswith(OPENINGS[length])
