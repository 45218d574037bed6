"""Re-ranker: non-negative weights on the detectors' calibrated evidence; it orders clients and vetoes nothing.

The weights sit on the evidence of each detector within its peer group, never on raw features, so that a kind
of harvest that no training saw still arrives through its own detector. They are trained offline and ship with
the reference.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.reference import Reference

PRIOR = 0.25  # the weight of a detector of which training says nothing: what it was made for may come yet
FLOOR = 0.15  # of the mean weight: what every detector has at least
_STEPS = 3_000
_PENALTY = 0.02


class Weights(NamedTuple):
    """A log-odds of harvesting: bias + weights . evidence; `slope` and `shift` make a probability of it."""

    weights: NDArray[np.float64]  # (detectors,)
    bias: float
    slope: float = 1.0
    shift: float = 0.0


def rank(reference: Reference, place: tuple[int, ...], evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of each client from its evidence in nats, shape (clients, detectors); `place` finds a detector.

    Without weights, evidence adds up. A detector that the reference does not know is silent anyway.
    """
    if not len(reference.weights):
        return np.asarray(evidence.sum(axis=1), np.float64)
    known = np.array([reference.weights[one] if one >= 0 else 0.0 for one in place])
    return np.asarray(evidence @ known + reference.bias, np.float64)


def probability(reference: Reference, ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of harvesting that a log-odds stands for, by Platt's line; NaN where there is no line.

    It is true of a crowd with as many harvesters as the calibration had (`about`), and of no other.
    """
    slope, shift = reference.platt
    if not len(reference.weights) or slope <= 0.0:
        return np.full(len(ranks), np.nan)
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(slope * ranks + shift, -30.0, 30.0))), np.float64)


def train(
    evidence: NDArray[np.float64],
    harvests: NDArray[np.bool_],
    importance: NDArray[np.float64],
    penalty: float = _PENALTY,
    prior: float = PRIOR,
) -> Weights:
    """Non-negative logistic regression by accelerated projected gradients; deterministic.

    `importance` weighs each row; both classes are brought to the same total. Weights are drawn to `prior` and not
    to nothing, and those below FLOOR of their mean are lifted to it: what training did not need may be all that
    betrays another kind of harvest.
    """
    y = harvests.astype(np.float64)
    weight = importance.astype(np.float64).copy()
    for side in (True, False):
        total = weight[harvests == side].sum()
        weight[harvests == side] /= max(2.0 * total, 1e-12)
    scale = np.maximum(evidence.std(axis=0), 0.5)
    x = np.column_stack([evidence / scale, np.ones(len(evidence))])
    step = 1.0 / (0.25 * float((weight * (x * x).sum(axis=1)).sum()) + penalty)
    now = np.zeros(x.shape[1])
    ahead, pace = now.copy(), 1.0
    for _ in range(_STEPS):
        slope = x.T @ (weight * (_logistic(x @ ahead) - y))
        slope[:-1] += penalty * (ahead[:-1] - prior * scale)
        new = ahead - step * slope
        new[:-1] = np.maximum(new[:-1], 0.0)
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * pace * pace))
        ahead = new + (pace - 1.0) / following * (new - now)
        if np.abs(new - now).max() < 1e-7:
            now = new
            break
        now, pace = new, following
    weights = now[:-1] / scale
    weights = np.maximum(weights, FLOOR * weights.mean())
    return Weights(weights, float(now[-1]))


def platt(
    ranks: NDArray[np.float64], harvests: NDArray[np.bool_], importance: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and shift of the line that makes a log-odds a probability, from clients that training did not see."""
    low = float(ranks.min())
    found = train((ranks - low)[:, None], harvests, importance, penalty=1e-4, prior=0.0)
    slope = float(found.weights[0])
    return slope, found.bias - slope * low


def _logistic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -30.0, 30.0))), np.float64)
