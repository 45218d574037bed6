"""Server-sent events out of bytes that may be cut anywhere; memory is bounded whatever comes."""

from __future__ import annotations

from typing import Final

EVENT_LIMIT: Final = 1 << 20  # bytes of one event's data, and of one line
_BOM: Final = b"\xef\xbb\xbf"


class Events:
    """Incremental reader of the `data` of each event; once an event is over the limit it reads nothing more."""

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._limit = limit
        self._pending: list[bytes] = []  # the pieces of a line that has not ended
        self._held = 0
        self._data: list[bytes] = []
        self._size = 0
        self._begun = False
        self._after_cr = False
        self.overflowed = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of each event that `chunk` completes, lines joined by a line feed."""
        if self.overflowed or not chunk:
            return []
        if self._after_cr:
            self._after_cr = False
            if chunk[0] == 10:  # the second half of CR LF
                chunk = chunk[1:]
        self._pending.append(chunk)
        self._held += len(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:
            self._overflow(self._held)
            return []
        return self._lines(b"".join(self._pending))

    def finish(self) -> list[bytes]:
        """The data of a last event that no blank line closed; none where there is none."""
        found = self._lines(b"".join(self._pending) + b"\n") if self._held and not self.overflowed else []
        return found + self._dispatch()

    def _lines(self, buffer: bytes) -> list[bytes]:
        if not self._begun:
            self._begun = True
            buffer = buffer.removeprefix(_BOM)
        found: list[bytes] = []
        if not self._data and b"\r" not in buffer:
            found, buffer = self._plain_events(buffer)
        lines = buffer.splitlines(keepends=True)
        rest = b""
        if lines and lines[-1][-1] not in b"\r\n":
            rest = lines.pop()
        self._after_cr = not rest and buffer.endswith(b"\r")
        self._pending, self._held = ([rest], len(rest)) if rest else ([], 0)
        for line in lines:
            line = line.rstrip(b"\r\n")
            if not line:
                found += self._dispatch()
            elif line.startswith(b"data:"):
                self._add(line[6:] if line[5:6] == b" " else line[5:])
            elif line == b"data":
                self._add(b"")
            if self.overflowed:
                return found
        self._overflow(self._held)
        return found

    def _plain_events(self, buffer: bytes) -> tuple[list[bytes], bytes]:
        """The fast way: leading events of one data line each, as nearly all are; and what follows them."""
        if buffer.startswith(b"data: ") and buffer.endswith(b"\n\n"):
            whole = buffer[6:-2].split(b"\n\ndata: ")
            is_plain = buffer.count(b"\n") == 2 * len(whole)  # none but those between them
            if is_plain and max(map(len, whole)) + 6 <= self._limit:
                return whole, b""
        parts = buffer.split(b"\n\n")
        found: list[bytes] = []
        for place in range(len(parts) - 1):
            part = parts[place]
            if part.startswith(b"data: ") and b"\n" not in part and len(part) <= self._limit:
                found.append(part[6:])
            elif part[:1] != b":" or b"\n" in part or len(part) > self._limit:
                return found, b"\n\n".join(parts[place:])
        return found, parts[-1]

    def _add(self, value: bytes) -> None:
        self._data.append(value)
        self._size += len(value) + 1
        self._overflow(self._size)

    def _overflow(self, size: int) -> None:
        if size > self._limit:
            self.overflowed = True
            self._pending, self._data, self._held, self._size = [], [], 0, 0

    def _dispatch(self) -> list[bytes]:
        if not self._data:
            return []
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data, self._size = [], 0
        return [data]
