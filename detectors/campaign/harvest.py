"""Harvest: how much the requests behind a wording look like taking answers for training; many wordings at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.tells import COUNTS

_PLACE = {name: place for place, name in enumerate(COUNTS)}
ASKS: dict[str, float] = {
    "asks_plain": 0.3, "asks_all": 0.8, "samples": 0.6, "logprobs": 0.6, "listed": 0.7, "grading": 0.6, "blank": 0.7,
}  # fmt: skip
"""What is asked for, and how much it says when all requests ask it."""
TWINS: dict[str, float] = {
    "multi_turn": 0.95, "closed_answers": 0.95, "greedy": 0.15, "structured": 0.85, "streamed": 0.3,
    "no_longer": 0.4,
}  # fmt: skip
"""What points to an ordinary use, and what it takes away when all requests have it. End users are what anyone names."""


class _Counts(NamedTuple):
    """Some of COUNTS, and how much each says."""

    places: NDArray[np.intp]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, said: Mapping[str, float]) -> _Counts:
        return cls(np.array([_PLACE[name] for name in said], np.intp), np.array([*said.values()], np.float64))


_ASKED, _HABITS = _Counts.of(ASKS), _Counts.of(TWINS)
_SIZE = 0.8
_SLACK, _PAIRS = 0.02, 20.0
UNIT = 127.0 / 16.0  # the length of one request's topic in a load


def shares(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Each count's share of the requests; shape (wordings, len(COUNTS))."""
    return np.asarray(sums / np.maximum(sums[:, :1], 1), np.float64)


def doublings(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean binary logarithm of an answer's characters."""
    return np.asarray(share[:, _PLACE["log_answer"]] / 8.0, np.float64)


def value(share: NDArray[np.float64], fresh: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 to 1: what is taken or asked for, as far as no ordinary habit and no repetition speaks against it."""
    size = np.clip((doublings(share) - 6.0) / 4.0, 0.0, 1.0)
    left = _left(1.0 - _SIZE * size, share, _ASKED)
    return np.asarray((1.0 - left) * ordinary(share) * novelty(fresh), np.float64)


def ordinary(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the ordinary habits leave of it."""
    return _left(np.ones(len(share)), share, _HABITS)


def _left(first: NDArray[np.float64], share: NDArray[np.float64], counts: _Counts) -> NDArray[np.float64]:
    """What is left of each wording's `first` when every count takes its part of it away, in that order."""
    parts = np.empty((len(share), 1 + len(counts.weights)))
    parts[:, 0] = first
    parts[:, 1:] = 1.0 - counts.weights * share[:, counts.places]
    return np.asarray(parts.prod(axis=1), np.float64)


def novelty(fresh: NDArray[np.float64]) -> NDArray[np.float64]:
    """What repetition leaves of it: `fresh` is distinct items for each request, with an error of a fifth."""
    return np.asarray(np.clip((fresh - 0.3) / 0.4, 0.0, 1.0), np.float64)


def alike(topic: NDArray[np.float64], n: NDArray[np.float64], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """For each group of members: two requests' likeness between members over that within one; NaN where unknown.

    Shards of one list are as alike between members as within one; businesses have a domain each. `topic`
    is each member's sum of unit vectors, `n` its requests; `starts` is where each group's members begin.
    """
    own = (topic**2).sum(axis=1)
    total = np.add.reduceat(n, starts)
    pairs = np.add.reduceat(n * (n - 1.0), starts)
    crossed = total**2 - np.add.reduceat(n**2, starts)
    within = np.add.reduceat(own - n, starts) / np.maximum(pairs, 1.0)
    whole = (np.add.reduceat(topic, starts, axis=0) ** 2).sum(axis=1)
    between = (whole - np.add.reduceat(own, starts)) / np.maximum(crossed, 1.0)
    ratio = np.clip((between + _SLACK) / np.maximum(within + _SLACK, 1e-3), 0.0, 1.0)
    return np.asarray(np.where((pairs < _PAIRS) | (crossed < _PAIRS), np.nan, ratio), np.float64)


def topics(loads: NDArray[np.void]) -> NDArray[np.float64]:
    """The sums of unit topic vectors behind loads."""
    return np.asarray(loads["topic"].astype(np.float64) / UNIT, np.float64)


def nats_taken(taken: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the value says of a group."""
    return np.asarray(6.0 * np.log(np.maximum(taken, 0.02) / 0.25), np.float64)


def nats_alike(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the likeness of topics says of a group; unknown is taken for fairly alike."""
    return np.asarray(4.0 * np.log(np.maximum(np.where(np.isnan(ratio), 0.8, ratio), 0.1)), np.float64)
