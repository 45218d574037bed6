"""Documents one a line, out of bytes that may be cut anywhere; memory is bounded whatever comes."""

from __future__ import annotations

from typing import Final

LINE_LIMIT: Final = 1 << 20  # bytes


class Lines:
    """Incremental reader of lines that are not blank; once a line is over the limit it reads nothing more."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._pending: list[bytes] = []
        self._held = 0
        self.overflowed = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, white space around them left out."""
        if self.overflowed:
            return []
        *whole, rest = chunk.split(b"\n")
        if whole:
            whole[0] = b"".join((*self._pending, whole[0]))
            self._pending, self._held = [], 0
        self._pending.append(rest)
        self._held += len(rest)
        found: list[bytes] = []
        for line in whole:
            if len(line) > self._limit:
                self._overflow()
                return found
            if stripped := line.strip():
                found.append(stripped)
        if self._held > self._limit:
            self._overflow()
        return found

    def finish(self) -> list[bytes]:
        """A last line without an end; none where there is none."""
        last = b"".join(self._pending).strip()
        self._pending, self._held = [], 0
        return [last] if last and not self.overflowed else []

    def _overflow(self) -> None:
        self.overflowed = True
        self._pending, self._held = [], 0
