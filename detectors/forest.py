"""Forest: decision trees as plain arrays, so that a model trained elsewhere is read without its library or pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled

_EDGE = 1e-4  # how near to 0 and 1 a share may come before its log-odds


class Forest(NamedTuple):
    """Trees over named numbers; arrays of shape (trees, nodes), node 0 the root, a leaf its own child."""

    names: tuple[str, ...]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]  # a number up to it goes left
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    value: NDArray[np.float32]  # the share of harvesters among the training clients at the node

    def share(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean over the trees of the harvesters' share where each row ends: shape (len(numbers),), 0 to 1.

        `numbers` has shape (rows, len(names)); what is not a number counts as 0.
        """
        total = np.zeros(len(numbers), np.float32)
        _add(total, _plain(numbers), self.feature, self.threshold, self.left, self.right, self.value)
        return np.asarray(total / np.float32(len(self.feature)), np.float64)

    def log_odds(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same as log-odds, bounded."""
        share = np.clip(self.share(numbers), _EDGE, 1.0 - _EDGE)
        return np.asarray(np.log(share / (1.0 - share)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but the names, for an archive."""
        return {name: getattr(self, name) for name in ("feature", "threshold", "left", "right", "value")}


@compiled
def _add(
    total: NDArray[np.float32],
    numbers: NDArray[np.float32],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float32],
    left: NDArray[np.int16],
    right: NDArray[np.int16],
    value: NDArray[np.float32],
) -> None:
    """Add the value of each row's leaf in each tree to `total`, in place: a tree at a time stays in the cache."""
    for tree in range(len(feature)):
        asked, limit, below, above = feature[tree], threshold[tree], left[tree], right[tree]
        for row in range(len(numbers)):
            node, last = np.int64(0), np.int64(-1)
            while node != last:
                last = node
                node = np.int64(below[node] if numbers[row, asked[node]] <= limit[node] else above[node])
            total[row] += value[tree, node]


def from_arrays(names: tuple[str, ...], held: Mapping[str, Any]) -> Forest:
    """The forest that `arrays` came from; raises ValueError where the arrays do not fit together."""
    kinds = {"feature": np.int16, "threshold": np.float32, "left": np.int16, "right": np.int16, "value": np.float32}
    arrays = {name: np.asarray(held[name], kind) for name, kind in kinds.items()}
    shape = arrays["feature"].shape
    nodes = shape[1] if len(shape) == 2 else 0
    fits = nodes > 0 and all(array.shape == shape for array in arrays.values())
    inside = fits and all(arrays[side].min() >= 0 and arrays[side].max() < nodes for side in ("left", "right"))
    if not inside or arrays["feature"].min() < 0 or arrays["feature"].max() >= max(len(names), 1):
        raise ValueError("the arrays of a forest do not fit together")
    return Forest(names=names, **arrays)


def _plain(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    limit = float(np.finfo(np.float32).max)
    known = np.where(np.isnan(numbers), 0.0, numbers)
    return np.ascontiguousarray(np.clip(known, -limit, limit), np.float32)
