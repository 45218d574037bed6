"""Forest: decision trees as plain arrays, so that a model trained elsewhere is read without its library or pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled

WHOLE = -1  # the kind of a tree that reads numbers of several kinds of evidence
_EDGE = 1e-4  # how near to 0 and 1 a share may come before its log-odds
_TYPES = {"start": np.int64, "kind": np.int8, "feature": np.int16, "number": np.float32, "right": np.int32}


class Forest(NamedTuple):
    """Trees over named numbers, one after the other, each with its root first and a node's left child right behind it.

    Some of the trees read the numbers of one kind of evidence alone: by themselves they say how far that kind goes.
    """

    names: tuple[str, ...]
    start: NDArray[np.int64]  # (trees + 1,): where each tree begins, and the last one ends
    kind: NDArray[np.int8]  # (trees,): the only kind of evidence that the tree reads, or WHOLE
    feature: NDArray[np.int16]  # (nodes,): which number is asked for; -1 at a leaf
    number: NDArray[np.float32]  # (nodes,): up to it a client goes left; at a leaf the share of harvesters there
    right: NDArray[np.int32]  # (nodes,): how many nodes further the right child stands; 0 at a leaf

    @property
    def trees(self) -> int:
        """How many trees there are."""
        return len(self.kind)

    def share(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean over the trees of the harvesters' share where each row ends: shape (len(numbers),), 0 to 1.

        `numbers` has shape (rows, len(names)); what is not a number counts as 0.
        """
        return self.shares(numbers, 0)[:, 0]

    def shares(self, numbers: NDArray[np.float64], kinds: int) -> NDArray[np.float64]:
        """`share`, and beside it that of each kind's own trees: shape (rows, 1 + kinds); NaN where a kind has none."""
        total = np.zeros((len(numbers), 1 + kinds), np.float32)
        _add(total, _plain(numbers), self.start, self.kind, self.feature, self.number, self.right)
        own = np.bincount(self.kind[self.kind >= 0], minlength=kinds)[:kinds].astype(np.float64)
        count = np.append(float(self.trees), np.where(own > 0, own, np.nan))
        return np.asarray(total / count, np.float64)

    def log_odds(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """`share` as log-odds, bounded."""
        return self.odds(numbers, 0)[:, 0]

    def odds(self, numbers: NDArray[np.float64], kinds: int) -> NDArray[np.float64]:
        """`shares` as log-odds, bounded."""
        share = np.clip(self.shares(numbers, kinds), _EDGE, 1.0 - _EDGE)
        return np.asarray(np.log(share / (1.0 - share)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but the names, for an archive."""
        return {name: getattr(self, name) for name in _TYPES}


@compiled
def _add(
    total: NDArray[np.float32],
    numbers: NDArray[np.float32],
    start: NDArray[np.int64],
    kind: NDArray[np.int8],
    feature: NDArray[np.int16],
    number: NDArray[np.float32],
    right: NDArray[np.int32],
) -> None:
    """Add the value of each row's leaf in each tree to `total`, in place: a tree at a time stays in the cache."""
    for tree in range(len(kind)):
        own = np.int64(kind[tree]) + 1
        for row in range(len(numbers)):
            node = np.uint64(start[tree])  # without a sign: one with a sign is looked at for counting from the end
            while feature[node] >= 0:
                left = numbers[row, np.uint64(feature[node])] <= number[node]
                node += np.uint64(1) if left else np.uint64(right[node])
            total[row, 0] += number[node]
            if 0 < own < total.shape[1]:
                total[row, own] += number[node]


def from_arrays(names: tuple[str, ...], held: Mapping[str, Any]) -> Forest:
    """The forest that `arrays` came from; raises ValueError where the arrays do not fit together."""
    arrays = {name: np.asarray(held.get(name, ()), kind) for name, kind in _TYPES.items()}
    made = Forest(names=names, **arrays)
    flat = all(array.ndim == 1 for array in arrays.values())
    if not flat or not _fits(made):
        raise ValueError("the arrays of a forest do not fit together")
    return made


def _fits(forest: Forest) -> bool:
    """Whether every way through every tree goes on to a leaf of the same tree."""
    nodes = len(forest.feature)
    alike = len(forest.number) == len(forest.right) == nodes and len(forest.start) == forest.trees + 1
    if not alike or not forest.trees or forest.start[0] != 0 or forest.start[-1] != nodes:
        return False
    if (np.diff(forest.start) < 1).any() or forest.feature.max() >= max(len(forest.names), 1):
        return False
    end = np.repeat(forest.start[1:], np.diff(forest.start))
    place = np.flatnonzero(forest.feature >= 0)
    return bool((forest.right[place] > 1).all() and (place + forest.right[place] < end[place]).all())


def _plain(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    limit = float(np.finfo(np.float32).max)
    known = np.where(np.isnan(numbers), 0.0, numbers)
    return np.ascontiguousarray(np.clip(known, -limit, limit), np.float32)
