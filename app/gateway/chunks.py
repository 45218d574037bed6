"""A chunk that comes by itself, as the events of a stream do: known by its first bytes, and passed on as it is."""

from __future__ import annotations

from typing import Final

MOST_BYTES: Final = 4096  # of a chunk that is looked at; larger ones are parsed, which they cost little beside


def opening(size: int) -> bytes:
    """The line before a chunk of `size` bytes, as nearly every server writes it."""
    return b"%x\r\n" % size


OPENINGS: Final = {len(opening(size)) + size + 2: opening(size) for size in range(1, MOST_BYTES + 1)}
"""The line that opens a chunk, by the chunk's length with that line and the CR LF behind it."""
