"""Index: 64-bit keys to small numbers, whole arrays at once; open addressing in two numpy arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.cells import mix64
from detectors.compiled import compiled

_LEAST = 1 << 10


class Index:
    """Numbers keys in the order in which they come: the first gets 0. A key of 0 has no number."""

    def __init__(self, room: int = 0) -> None:
        self.keys: NDArray[np.uint64] = np.zeros(max(room, 64), np.uint64)  # by number
        self.size = 0
        self._allot(max(_LEAST, 1 << max(2 * room - 1, 1).bit_length()))

    def __len__(self) -> int:
        return self.size

    def known(self) -> NDArray[np.uint64]:
        """All keys in the order of their numbers."""
        return self.keys[: self.size]

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Each key's number; -1 where it has none."""
        found = np.empty(len(keys), np.int32)
        _find(np.ascontiguousarray(keys, np.uint64), self._slots, self._numbers, found)
        return found

    def put(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Each key's number, new ones given where it had none; keys may occur several times."""
        found = np.empty(len(keys), np.int32)
        keys, place = np.ascontiguousarray(keys, np.uint64), 0
        while place < len(keys):
            place, self.size = _put(keys, place, self._slots, self._numbers, self.keys, self.size, found)
            if place < len(keys):
                self._grow()
        return found

    def _grow(self) -> None:
        """Room for more keys, or for more slots; at most half of the slots are taken."""
        if self.size == len(self.keys):
            self.keys.resize(self.size + self.size // 4, refcheck=False)
        if 2 * self.size >= len(self._slots):
            self._allot(2 * len(self._slots))
            _fill(self.keys, self.size, self._slots, self._numbers)

    def _allot(self, slots: int) -> None:
        self._slots: NDArray[np.uint64] = np.zeros(slots, np.uint64)
        self._numbers: NDArray[np.int32] = np.zeros(slots, np.int32)


@compiled
def _slot(key: np.uint64, slots: NDArray[np.uint64]) -> np.uint64:
    """Where a key is, or the free slot where it would be."""
    mask = np.uint64(len(slots) - 1)
    slot = mix64(key) & mask
    while slots[slot] != np.uint64(0) and slots[slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@compiled
def _find(
    keys: NDArray[np.uint64], slots: NDArray[np.uint64], numbers: NDArray[np.int32], found: NDArray[np.int32]
) -> None:
    for place in range(len(keys)):
        key = keys[place]
        found[place] = -1
        if key != np.uint64(0):
            slot = _slot(key, slots)
            if slots[slot] == key:
                found[place] = numbers[slot]


@compiled
def _put(
    keys: NDArray[np.uint64],
    place: int,
    slots: NDArray[np.uint64],
    numbers: NDArray[np.int32],
    known: NDArray[np.uint64],
    size: int,
    found: NDArray[np.int32],
) -> tuple[int, int]:
    """Number keys from `place` on until there is no more room: the place of the first that is left, and the size."""
    most = min(len(known), len(slots) // 2)
    while place < len(keys):
        key = keys[place]
        if key == np.uint64(0):
            found[place] = -1
        else:
            slot = _slot(key, slots)
            if slots[slot] != key:
                if size == most:
                    return place, size
                slots[slot], numbers[slot], known[size] = key, size, key
                size += 1
            found[place] = numbers[slot]
        place += 1
    return place, size


@compiled
def _fill(keys: NDArray[np.uint64], size: int, slots: NDArray[np.uint64], numbers: NDArray[np.int32]) -> None:
    """Place distinct keys in free slots."""
    for number in range(size):
        slot = _slot(keys[number], slots)
        slots[slot], numbers[slot] = keys[number], number


def joined(left: NDArray[np.integer], right: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Two numbers as one key, never 0."""
    return ((left.astype(np.uint64) + np.uint64(1)) << np.uint64(32)) | right.astype(np.uint64)
