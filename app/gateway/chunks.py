"""A chunk that comes by itself, as the events of a stream do: known by its first bytes, and passed on as it is."""

from __future__ import annotations

from typing import Final

MOST_BYTES: Final = 4096  # of a chunk that is looked at; larger ones are parsed, which they cost little beside


def opening(size: int) -> bytes:
    """The line before a chunk of `size` bytes, as nearly every server writes it."""
    return b"%x\r\n" % size


def _openings() -> tuple[bytes, ...]:
    found = {len(opening(size)) + size + 2: opening(size) for size in range(1, MOST_BYTES + 1)}
    longest = max(found)
    never = bytes(longest + 1)  # nothing that is looked at can begin with as much
    return tuple(found.get(length, never) for length in range(longest + 1))


OPENINGS: Final = _openings()
"""The line that opens a chunk, by the chunk's length with that line and the CR LF behind it.

A tuple, as a look into a dictionary of this size takes a microsecond where its lines are not in the cache.
"""
