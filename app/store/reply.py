"""Replies of many megabytes, read as they arrive and without an object for each of their parts."""

from __future__ import annotations

from app.errors import Unavailable
from app.store.redis import Link

RECEIVE_BYTES = 1 << 19
_ROOM = 1 << 18  # left free behind what is awaited, so that much comes at once


class Reply:
    """Replies as they arrive: what came and is not yet read is `buffer` from `position` up to `end`."""

    def __init__(self, link: Link, buffer: bytearray) -> None:
        self.buffer = buffer
        self.end = 0
        self.position = 0
        self._link = link

    def need(self, wanted: int) -> None:
        """Receive until `wanted` bytes are there to be read."""
        if self.end - self.position >= wanted:
            return
        if self.position + wanted > len(self.buffer) - _ROOM:
            rest = self.buffer[self.position : self.end]
            if wanted > len(self.buffer) - _ROOM:
                self.buffer = bytearray(2 * wanted + _ROOM)
            self.position, self.end = 0, len(rest)
            self.buffer[: self.end] = rest
        view = memoryview(self.buffer)
        while self.end - self.position < wanted:
            self.end += self._link.receive_into(view[self.end :])

    def line(self) -> bytes:
        """The next line, without its end; raises Unavailable for an error reply."""
        while True:
            found = self.buffer.find(b"\r\n", self.position, self.end)
            if found >= 0:
                line = bytes(self.buffer[self.position : found])
                self.position = found + 2
                if line.startswith(b"-"):
                    self._link.close()
                    raise Unavailable(f"Redis: {line[1:].decode(errors='replace')}")
                return line
            self.need(self.end - self.position + 1)

    def array(self, count: int) -> None:
        """Read the head of an array of `count`; raises Unavailable where something else comes."""
        if self.line() != b"*%d" % count:
            raise self.broken()

    def text(self) -> bytes | None:
        """The next reply, a text or nothing; raises Unavailable where something else comes."""
        head = self.line()
        if head == b"$-1":
            return None
        if not head.startswith(b"$") or not head[1:].isdigit():
            raise self.broken()
        size = int(head[1:])
        self.need(size + 2)
        text = bytes(self.buffer[self.position : self.position + size])
        self.position += size + 2
        return text

    def broken(self) -> Unavailable:
        """Close the connection: what came is no reply to what was asked."""
        self._link.close()
        return Unavailable("Redis: the reply is not the one that was asked for")
