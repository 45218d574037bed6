"""Harvest: how much the requests behind a wording look like taking answers for training; many wordings at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.tells import COUNTS
from detectors.sketch import hll_count

_PLACE = {name: place for place, name in enumerate(COUNTS)}
ASKS: dict[str, float] = {
    "asks_plain": 0.3, "asks_all": 0.8, "samples": 0.6, "logprobs": 0.6, "listed": 0.7, "grading": 0.4, "blank": 0.7,
}  # fmt: skip
"""What is asked for, and how much it says when all requests ask it."""
TWINS: dict[str, float] = {
    "multi_turn": 0.95, "closed_answers": 0.95, "greedy": 0.5, "structured": 0.85, "end_users": 0.95,
    "streamed": 0.7, "no_longer": 0.7,
}  # fmt: skip
"""What points to an ordinary use, and what it takes away when all requests have it."""
_SIZE = 0.8


def shares(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Each count's share of the requests; shape (wordings, len(COUNTS))."""
    return np.asarray(sums / np.maximum(sums[:, :1], 1), np.float64)


def doublings(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean binary logarithm of an answer's characters."""
    return np.asarray(share[:, _PLACE["log_answer"]] / 8.0, np.float64)


def value(share: NDArray[np.float64], fresh: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 to 1: what is taken or asked for, as far as no ordinary habit and no repetition speaks against it."""
    size = np.clip((doublings(share) - 6.0) / 4.0, 0.0, 1.0)
    left = 1.0 - _SIZE * size
    for name, weight in ASKS.items():
        left *= 1.0 - weight * share[:, _PLACE[name]]
    return np.asarray((1.0 - left) * ordinary(share) * novelty(fresh), np.float64)


def ordinary(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the ordinary habits leave of it."""
    left = np.ones(len(share))
    for name, weight in TWINS.items():
        left *= 1.0 - weight * share[:, _PLACE[name]]
    return left


def novelty(fresh: NDArray[np.float64]) -> NDArray[np.float64]:
    """What repetition leaves of it: `fresh` is distinct items for each request, with an error of a fifth."""
    return np.asarray(np.clip((fresh - 0.3) / 0.4, 0.0, 1.0), np.float64)


def of_groups(sums: NDArray[Any], payloads: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The value of each wording from its counts and its items' registers."""
    fresh = hll_count(payloads) / np.maximum(sums[:, 0], 1)
    return value(shares(sums), fresh)
