"""Leaning: what a fit of few clients takes over from the reference that it starts from.

A few hundred clients say well what is common among them and badly what is rare, and levels are about the rare. So
clients of the present reference stay beside the new ones: their joint scores are among those that a client's is
compared with, and the levels are the present ones, moved together by one distance (detectors/levels.py). Thousands of
clients of one's own outweigh them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.calibrate import SHRINK
from detectors.reference import RANKS, Reference

BESIDE = 3_000  # of the present reference's clients at a look stay at most: who refits often forgets the first ones


def can(prior: Reference | None) -> bool:
    """Whether a reference has what others can lean on: a joint score with tails, and levels."""
    if prior is None or prior.forest is None or not len(prior.detectors):
        return False
    return bool((prior.joint_sizes >= SHRINK).any() and np.isfinite([prior.watch, prior.review]).all())


def joint_tail(
    prior: Reference | None,
    look: int,
    odds: NDArray[np.float32],
    weight: NDArray[np.int64],
    family: int | None = None,
) -> tuple[int, NDArray[np.float32]]:
    """Size and tail (RANKS) of own clients' log-odds at a look (0, 1, ...), the prior's clients among them.

    `odds` and `weight`, how many clients each counts for, have one entry a client. The log-odds are those of all
    trees, or of a family's own.
    """
    values, counts = _known(prior, look, family)
    values = np.concatenate([odds, values])
    counts = np.concatenate([weight.astype(np.float64), counts])
    order = np.argsort(-values, kind="stable")
    reached = np.cumsum(counts[order])
    tail = np.full(len(RANKS), -np.inf, np.float32)
    size = round(float(reached[-1])) if len(reached) else 0
    kept = RANKS[np.less_equal(RANKS, size)]
    place = np.minimum(np.searchsorted(reached, kept - 1e-6), len(order) - 1)
    tail[: len(kept)] = values[order][place]
    return size, tail


def as_high(
    prior: Reference | None, look: int, odds: NDArray[np.float32], family: int | None = None
) -> tuple[NDArray[np.float64], float]:
    """How many of the prior's clients go as far as each of `odds`; and how many they are."""
    values, counts = _known(prior, look, family)
    reached = np.concatenate([[0.0], np.cumsum(counts)])
    return np.asarray(reached[np.searchsorted(-values, -odds, side="right")], np.float64), float(reached[-1])


def _known(
    prior: Reference | None, look: int, family: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The prior's log-odds at a look, falling, and for how many clients each stands; none where few got so far."""
    size = int(prior.joint_sizes[look]) if prior is not None else 0
    if prior is None or size < SHRINK:
        return np.zeros(0, np.float32), np.zeros(0)
    tail = prior.joint_tails[look] if family is None else prior.kind_tails[family, look]
    values = tail[np.isfinite(tail)]
    # Who lies between two ranks that are kept stands at the higher of them, so that nothing is called too rare.
    counts = np.diff(RANKS[: len(values)], append=size + 1)
    return values, counts * min(BESIDE / size, 1.0)
