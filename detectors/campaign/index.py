"""Index: 64-bit keys to small numbers, whole arrays at once; open addressing in two numpy arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.sketch import mix

_LEAST = 1 << 10


class Index:
    """Numbers keys in the order in which they come: the first gets 0. A key of 0 has no number."""

    def __init__(self, room: int = 0) -> None:
        self.keys: NDArray[np.uint64] = np.zeros(max(room, 64), np.uint64)  # by number
        self.size = 0
        self._allot(max(_LEAST, 1 << (2 * room).bit_length()))

    def __len__(self) -> int:
        return self.size

    def known(self) -> NDArray[np.uint64]:
        """All keys in the order of their numbers."""
        return self.keys[: self.size]

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Each key's number; -1 where it has none."""
        found = np.full(len(keys), -1, np.int32)
        mask = np.uint64(len(self._slots) - 1)
        slot = mix(keys) & mask
        left = np.flatnonzero(keys != 0)
        slot = slot[left]
        while len(left):
            there = self._slots[slot]
            hit = there == keys[left]
            found[left[hit]] = self._numbers[slot[hit]]
            on = ~hit & (there != 0)
            left, slot = left[on], (slot[on] + np.uint64(1)) & mask
        return found

    def put(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Each key's number, new ones given where it had none; keys may occur several times."""
        found = self.find(keys)
        fresh = np.flatnonzero((found < 0) & (keys != 0))
        if not len(fresh):
            return found
        distinct, first, back = np.unique(keys[fresh], return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")  # numbers follow the order in which keys came
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        self._add(distinct[order])
        found[fresh] = (self.size - len(order) + rank)[back]
        return found

    def _add(self, keys: NDArray[np.uint64]) -> None:
        start, end = self.size, self.size + len(keys)
        if end > len(self.keys):
            self.keys.resize(end + end // 4, refcheck=False)
        self.keys[start:end] = keys
        self.size = end
        if 2 * end > len(self._slots):
            self._allot(1 << (3 * end).bit_length())
            self._fill(self.keys[:end], np.arange(end, dtype=np.int32))
        else:
            self._fill(keys, np.arange(start, end, dtype=np.int32))

    def _allot(self, slots: int) -> None:
        self._slots: NDArray[np.uint64] = np.zeros(slots, np.uint64)
        self._numbers: NDArray[np.int32] = np.zeros(slots, np.int32)

    def _fill(self, keys: NDArray[np.uint64], numbers: NDArray[np.int32]) -> None:
        """Place distinct keys that are not there yet: each round, of those that want one free slot, one gets it."""
        mask = np.uint64(len(self._slots) - 1)
        slot = mix(keys) & mask
        left = np.arange(len(keys))
        while len(left):
            free = self._slots[slot] == 0
            self._slots[slot[free]] = keys[left[free]]
            placed = self._slots[slot] == keys[left]
            self._numbers[slot[placed]] = numbers[left[placed]]
            left, slot = left[~placed], (slot[~placed] + np.uint64(1)) & mask


def joined(left: NDArray[np.integer], right: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Two numbers as one key, never 0."""
    return ((left.astype(np.uint64) + np.uint64(1)) << np.uint64(32)) | right.astype(np.uint64)
