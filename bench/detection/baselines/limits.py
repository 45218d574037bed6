"""Limits on rate and volume, and the weighted heuristics of honeypotllm 0.1.3 at the limits it ships.

honeypotllm (PyPI, Apache-2.0) keeps one score a key: each request adds 0.35 of a rate signal, 0.30 of a
likeness to the last prompt, 0.20 of a missing pause and 0.15 of a volume signal; the score decays by 0.05 an
hour, and 0.75 is suspicious. Its limits: 30 a minute, 500 an hour, 5,000 a day, pauses under half a second,
likeness (Jaccard of word pairs in the first 120 characters) from 0.4. There is no text here, so likeness is
the share of equal MinHash values, or 0.45 where the first twelve words are the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
_LIMITS = ((MINUTE, 30), (HOUR, 500), (DAY, 5_000))
HONEYPOT = 0.75
_DECAY = 0.05  # an hour


def within(at: NDArray[np.float64], span: float) -> NDArray[np.int64]:
    """How many requests lie in the `span` seconds up to each, itself included; `at` ascends."""
    return np.arange(1, len(at) + 1) - np.searchsorted(at, at - span, side="left")


def hourly(events: NDArray[np.void], until: NDArray[np.intp]) -> NDArray[np.float64]:
    """The most requests in any hour so far, at each look."""
    return _running(within(events["at"], HOUR), until)


def daily(events: NDArray[np.void], until: NDArray[np.intp]) -> NDArray[np.float64]:
    """The most requests in any day so far, at each look."""
    return _running(within(events["at"], DAY), until)


def honeypot(events: NDArray[np.void], until: NDArray[np.intp]) -> NDArray[np.float64]:
    """The highest score so far, at each look."""
    at = events["at"]
    added = _added(events)
    idle = np.diff(at, prepend=at[:1]) / HOUR * _DECAY
    score, scores = 0.0, np.zeros(len(at))
    for place in range(len(at)):
        score = min(max(score - idle[place], 0.0) + added[place], 1.0)
        scores[place] = score
    return _running(scores, until)


def _added(events: NDArray[np.void]) -> NDArray[np.float64]:
    at = events["at"]
    rate = np.zeros(len(at))
    for span, limit in _LIMITS:
        count = within(at, span)
        rate = np.maximum(rate, np.where(count > limit, (count - limit) / count, 0.0))
    volume = np.clip((within(at, DAY) - 10_000.0) / 40_000.0, 0.0, 1.0)
    like = np.zeros(len(at))
    like[1:] = (events["sketch"][1:] == events["sketch"][:-1]).mean(axis=1)
    same = (events["head12"][1:] == events["head12"][:-1]) & (events["head12"][1:] != 0)
    like[1:] = np.where(same, np.maximum(like[1:], 0.45), like[1:])
    like[:3] = 0.0
    gap = np.diff(at, prepend=-np.inf)
    pause = np.where(gap < 0.5, 1.0 - gap / 0.5, 0.0)
    pause[:4] = 0.0
    return np.asarray(0.35 * rate + 0.30 * np.where(like >= 0.4, like, 0.0) + 0.20 * pause + 0.15 * volume)


def _running(values: NDArray[np.number], until: NDArray[np.intp]) -> NDArray[np.float64]:
    most = np.maximum.accumulate(values.astype(np.float64)) if len(values) else np.zeros(1)
    return np.asarray(most[np.maximum(until, 1) - 1], np.float64)
