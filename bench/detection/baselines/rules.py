"""Weighted rules: Glasswally's fusion, and the indicators of advisory AA26-251A counted.

Glasswally (m0rs3c0d3/Glasswally, 2026) adds up its workers' scores with fixed weights, each weighed by a
confidence that grows with the requests seen; tiers at 0.35, 0.55, 0.72. Of its workers these are computable
from features without text: velocity (0.23), reasoning elicitation (0.23) and fingerprint (0.30, by changing
TLS fingerprints alone), with the weights of its five-worker release; linking, release pivots and the uplift
by country are left silent, for accounts are judged one by one here and have no country.

AA26-251A (2026-09-08) names indicators without thresholds; public detection rules for it use 20 active hours,
10 networks, 1,000 requests, an age under 72 hours. Three met indicators of nine are taken to be an alarm.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.detection.baselines.limits import DAY, HOUR
from detectors.event import Flag

GLASSWALLY = 0.35
ADVISORY = 3.0
_ELICIT = int(Flag.ELICIT_SYSTEM | Flag.ELICIT_USER)


def glasswally(events: NDArray[np.void], until: NDArray[np.intp]) -> NDArray[np.float64]:
    """The fused score at each look, the highest so far."""
    now = [_glasswally(events[:end]) if end else 0.0 for end in until]
    return np.maximum.accumulate(np.array(now, np.float64)) if now else np.zeros(0)


def advisory(events: NDArray[np.void], until: NDArray[np.intp]) -> NDArray[np.float64]:
    """How many indicators are met at each look."""
    return np.array([float(sum(_indicators(events[:end]))) if end else 0.0 for end in until], np.float64)


def _glasswally(seen: NDArray[np.void]) -> float:
    hour = seen[seen["at"] >= seen["at"][-1] - HOUR]
    return 0.23 * _velocity(seen, hour) + 0.23 * _elicitation(hour) * 0.94 + 0.30 * _fingerprint(seen)


def _velocity(seen: NDArray[np.void], hour: NDArray[np.void]) -> float:
    n = len(hour)
    if n < 5:
        return 0.0
    score = 0.45 if n > 200 else 0.25 if n > 60 else 0.0
    regular = 1.0 - _variation(np.diff(hour["at"]))
    score += 0.30 if regular > 0.7 else 0.15 if regular > 0.5 else 0.0
    score += 0.15 if _variation(hour["in_tokens"].astype(np.float64)) < 0.15 else 0.0
    day = seen["at"][seen["at"] >= seen["at"][-1] - DAY]
    score += 0.10 if (day % DAY < 6 * HOUR).mean() > 0.5 else 0.0
    confidence = min(n / 50.0, 1.0)
    return min(score * (0.5 + 0.5 * confidence), 1.0) * (0.4 + 0.6 * confidence)


def _elicitation(hour: NDArray[np.void]) -> float:
    asked = (hour["elicitation"] != 0) | (hour["flags"] & _ELICIT != 0) | (hour["grading"] != 0)
    score = 0.40 * float(asked[-1])
    if len(hour) >= 5:
        score += 0.35 * float(asked.mean() >= 0.2) + 0.25 * float(asked.mean() >= 0.7)
    return score


def _fingerprint(seen: NDArray[np.void]) -> float:
    known = np.unique(seen["ja4"][seen["ja4"] != 0])
    confidence = min(len(seen) / 20.0, 1.0)
    return (0.20 if len(known) >= 3 else 0.0) * (0.4 + 0.6 * confidence) ** 2


def _variation(values: NDArray[np.float64]) -> float:
    mean = float(values.mean()) if len(values) else 0.0
    return float(values.std()) / mean if mean > 0.0 else 0.0


def _indicators(seen: NDArray[np.void]) -> list[bool]:
    at, n = seen["at"], len(seen)
    age = float(at[-1] - at[0])
    systems = np.unique(seen["system"][seen["system"] != 0], return_counts=True)[1]
    asked = (seen["elicitation"] != 0) | (seen["flags"] & _ELICIT != 0)
    unit = seen["topic"].astype(np.float64) / 127.0
    days = np.unique((at // DAY).astype(np.int64))
    hours = [len(np.unique(at[(at // DAY).astype(np.int64) == day] // HOUR)) for day in days]
    return [
        max(hours) >= 20,  # round the clock
        n >= 1_000 and age < 3 * DAY,  # a new account straight at high volume
        len(np.unique(seen["network"])) >= 10,
        len(np.unique(seen["agent"])) >= 5,
        n >= 1_000 and not seen["user"].any(),  # metadata left out while volume is high
        float(asked.mean()) >= 0.1,  # reasoning after the fact
        n >= 200 and bool(len(systems)) and int(systems.max()) >= 0.9 * n,  # one fixed long prefix
        n >= 1_000 and float(np.linalg.norm(unit.mean(axis=0))) >= 0.5,  # volume in one domain
        float((seen["status"] == 429).mean()) >= 0.05,  # runs into limits
    ]
