"""A bounded copy of a body while its bytes pass: its head and its tail, opaque to us."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

Kept = tuple[Sequence[bytes], int, int, Sequence[bytes], int, int]  # of request and answer: pieces, length, gap


class Tap:
    """Keeps a body whole up to `limit` bytes, else its first and its last half of that."""

    size = 0  # bytes that passed
    _head: bytes | None = None  # once the body is longer than the limit
    _half = 0

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []

    def renewed(self) -> Tap:
        """An empty one with the same limit."""
        return Tap(self._limit)

    def add(self, data: bytes) -> None:
        """Note the next bytes of the body; the object is kept, not copied, while the body is small."""
        self.size += len(data)
        if self._head is None and self.size <= self._limit:
            self._parts.append(data)
        else:
            self._overflow(data)

    def extend(self, parts: list[bytes]) -> None:
        """Note the next pieces of the body."""
        size = sum(map(len, parts))
        if self._head is None and self.size + size <= self._limit:
            self.size += size
            self._parts += parts
        else:
            for part in parts:
                self.add(part)

    def _overflow(self, data: bytes) -> None:
        if self._head is None:
            whole = b"".join((*self._parts, data))
            self._half = self._limit // 2
            self._head = whole[: self._half]
            data = whole[self._half :][-self._half :]
            self._parts = []
            self._tail: deque[bytes] = deque()
            self._tail_size = 0
        elif len(data) > self._half:
            data = data[-self._half :]
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail_size - len(self._tail[0]) >= self._half:
            self._tail_size -= len(self._tail.popleft())

    def kept(self) -> tuple[list[bytes], int]:
        """The kept bytes in pieces, and the gap's offset in them or -1 where the body is whole."""
        if self._head is None:
            return self._parts, -1
        return [self._head, b"".join(self._tail)[-self._half :]], len(self._head)

    def joined(self) -> bytes | None:
        """The body in one piece, where it is kept whole."""
        return b"".join(self._parts) if self._head is None else None

    def copied(self) -> tuple[Sequence[bytes], int, int]:
        """The kept pieces, the body's true length, and the gap's offset in the pieces or -1."""
        parts, cut = self.kept()
        return parts, self.size, cut


class Tally(Tap):
    """Counts the bytes that pass and keeps none."""

    def __init__(self) -> None:
        super().__init__(0)

    def add(self, data: bytes) -> None:
        """Count the next bytes."""
        self.size += len(data)

    def extend(self, parts: list[bytes]) -> None:
        """Count the next pieces."""
        self.size += sum(map(len, parts))

    def kept(self) -> tuple[list[bytes], int]:
        """Nothing, with a gap where bytes passed."""
        return [], 0 if self.size else -1
