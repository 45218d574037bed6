"""The items of a JSON array that comes as a stream, out of bytes that may be cut anywhere; memory is bounded."""

from __future__ import annotations

import re
from typing import Final

ITEM_LIMIT: Final = 1 << 20  # bytes

# A whole string, a quotation mark whose string has not ended yet, or a bracket.
_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{}]', re.DOTALL)
_OPENING: Final = frozenset(b"[{")
# Inside a JSON string a quotation mark is escaped, so these bytes begin an object of the answer wherever they stand.
_START = re.compile(
    rb'\{[ \t\r\n]{0,64}"(?:candidates|promptFeedback|usageMetadata|modelVersion|responseId|error)"[ \t\r\n]{0,64}:'
)


class Items:
    """Incremental reader of an array's objects, or of objects that follow each other without one.

    Once an object is over the limit it reads nothing more.
    """

    def __init__(self, limit: int = ITEM_LIMIT) -> None:
        self._limit = limit
        self._held = b""
        self._place = 0  # where reading goes on
        self._start = -1  # where the present object began
        self._depth = 0
        self._base = 0  # the depth at which objects stand: 1 inside an array
        self.overflowed = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The objects that `chunk` completes."""
        if self.overflowed:
            return []
        self._held += chunk
        found: list[bytes] = []
        place = len(self._held)
        for mark in _MARK.finditer(self._held, self._place):
            token = mark[0]
            if token == b'"':
                place = mark.start()
                break
            if token[0] != 34:
                self._bracket(token[0], mark.start(), found)
        self._place = place
        self._forget()
        return found

    def finish(self) -> list[bytes]:
        """Nothing: an object that has no end is none."""
        return []

    def _bracket(self, byte: int, place: int, found: list[bytes]) -> None:
        if byte in _OPENING:
            if self._depth == 0 and self._start < 0 and byte == ord("["):
                self._base = 1
            elif self._depth == self._base and byte == ord("{"):
                self._start = place
            self._depth += 1
            return
        self._depth = max(self._depth - 1, 0)
        if self._depth == 0 and self._start < 0:
            self._base = 0
        if self._depth == self._base and self._start >= 0:
            found.append(self._held[self._start : place + 1])
            self._start = -1

    def _forget(self) -> None:
        """Let go of what is read, and of everything where the present object is too large."""
        done = self._start if self._start >= 0 else self._place
        self._held = self._held[done:]
        self._place -= done
        self._start = min(self._start, 0)
        if len(self._held) > self._limit:
            self.overflowed = True
            self._held = b""


def resume(tail: bytes) -> bytes:
    """`tail` from where an object of Gemini's stream begins; empty where none does."""
    found = _START.search(tail)
    return tail[found.start() :] if found else b""
