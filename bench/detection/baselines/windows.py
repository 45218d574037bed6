"""Window tests on prompt embeddings: MMD, PRADA, SEAT and Mahalanobis, on the 24 dimensions that an event has.

- MMD (arXiv 2606.05725): unbiased squared MMD to a benign sample of the same size, RBF kernels at 0.5, 1, 2 and
  4 times the median distance; mean over 20 benign references; shipped level: 95th percentile of single-reference
  values between benign windows. Here by random Fourier features, which is what a gateway could afford.
- PRADA (Juuti et al., 2019): least distances of each prompt to a growing set of earlier ones; 1 - W of Shapiro and
  Wilk's test on them; shipped level W < 0.95. One class, for a language model's answers have none.
- SEAT (Zhang et al., 2021): the share of prompts with a near twin (cosine over 0.95) among earlier ones.
- Mahalanobis: mean squared distance of the prompts from the benign ones.

The benign sample are prompts of ordinary clients, as many of each, as the published recipe has it: one crowd.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import shapiro  # type: ignore[import-untyped]

from bench.detection.baselines.features import TOPICS
from bench.detection.evaluate import Observed

WINDOWS = (25, 50, 100, 200, 400)
REFERENCES = 20
PRADA = 0.05
_FEATURES = 32  # cosines and sines each, a bandwidth
_EACH = 20  # prompts of each ordinary client in the benign sample


class Crowd(NamedTuple):
    """Benign prompts, one after the other in an order that mixes clients; float, of length 1."""

    prompts: NDArray[np.float64]


def crowd(seen: Observed, clients: NDArray[np.bool_], seed: int = 0) -> Crowd:
    """A sample of the clients' prompts."""
    rng = np.random.default_rng(seed)
    topics = seen.kept["topics"][clients][:, :_EACH].reshape(-1, 24)
    topics = topics[topics.any(axis=1)]
    return Crowd(rng.permutation(topics).astype(np.float64) / 127.0)


def _windowed(seen: Observed) -> NDArray[np.intp]:
    """The window (place in WINDOWS) that each look fills; -1 where it fills none."""
    count = np.minimum(seen.extra["topic_count"], TOPICS)
    return np.asarray(np.searchsorted(WINDOWS, count, side="right") - 1, np.intp)


def mmd(seen: Observed, fit: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The score of each look's window, NaN where there are too few prompts."""
    return _mmd(seen, fit)[0]


def mmd_shipped(seen: Observed, fit: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which looks pass the recipe's own level."""
    values, level = _mmd(seen, fit)
    window = _windowed(seen)
    return np.asarray((window >= 0) & (np.nan_to_num(values, nan=-1.0) > level[window]), np.bool_)


def _mmd(seen: Observed, fit: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    benign = crowd(seen, fit).prompts
    out, levels = np.full(len(seen.who), np.nan), np.full(len(WINDOWS), np.inf)
    if len(benign) < 2 * WINDOWS[-1]:
        return out, levels
    rng = np.random.default_rng(1)
    some = benign[rng.integers(len(benign), size=(2_000, 2))]
    median = float(np.median(np.linalg.norm(some[:, 0] - some[:, 1], axis=1)))
    scales = median * np.repeat([0.5, 1.0, 2.0, 4.0], _FEATURES)
    directions = rng.standard_normal((24, len(scales))) / scales
    window = _windowed(seen)
    mapped = _maps(benign, directions)
    for place, size in enumerate(WINDOWS):
        draws = rng.integers(len(benign), size=(REFERENCES + 400, size))
        means = np.stack([mapped[draw].mean(axis=0) for draw in draws])
        references, pairs = means[:REFERENCES], means[REFERENCES:]
        levels[place] = np.percentile(_squared(pairs[:200], pairs[200:], size), 95)
        here = np.flatnonzero(window == place)
        for chunk in np.array_split(here, max(len(here) // 200, 1)):
            topics = seen.kept["topics"][seen.who[chunk], :size].astype(np.float64) / 127.0
            mean = _maps(topics, directions).mean(axis=1)
            out[chunk] = np.mean([_squared(mean, one, size) for one in references], axis=0)
    return out, levels


def _maps(points: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = points @ directions
    both = np.concatenate([np.cos(angle), np.sin(angle)], axis=-1)
    return np.asarray(both / np.sqrt(directions.shape[1]), np.float64)


def _squared(one: NDArray[np.float64], other: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Unbiased squared MMD from mean maps, each map of length 1."""
    own = sum(((mean**2).sum(axis=-1) * size - 1.0) / (size - 1.0) for mean in (one, other))
    return np.asarray(own - 2.0 * (one * other).sum(axis=-1), np.float64)


def mahalanobis(seen: Observed, fit: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean squared distance of each look's prompts."""
    benign = crowd(seen, fit).prompts
    if len(benign) < 100:
        return np.full(len(seen.who), np.nan)
    inverse = np.linalg.inv(np.cov(benign.T) + 1e-3 * np.eye(24))
    offset = seen.kept["topics"].astype(np.float64) / 127.0 - benign.mean(axis=0)
    distance = np.einsum("ijk,kl,ijl->ij", offset, inverse, offset, optimize=True)
    until = np.minimum(seen.extra["topic_count"], TOPICS)
    total = np.cumsum(distance, axis=1)[seen.who, np.maximum(until, 1) - 1]
    return np.where(until >= WINDOWS[0], total / np.maximum(until, 1), np.nan)


def neighbours(topics: NDArray[np.int8]) -> NDArray[np.float32]:
    """For one client, (2, windows): PRADA's 1 - W and SEAT's share at each window; NaN beyond its prompts."""
    out = np.full((2, len(WINDOWS)), np.nan, np.float32)
    known = int(topics.any(axis=1).sum())
    unit = topics[:known].astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-9)
    cosine = unit @ unit.T
    earlier = np.where(np.tri(known, k=-1, dtype=np.bool_), cosine, -1.0)
    nearest = earlier.max(axis=1, initial=-1.0)
    for place, size in enumerate(WINDOWS):
        if known >= size:
            out[0, place] = 1.0 - _shapiro(_growing(cosine[:size, :size]))
            out[1, place] = float((nearest[1:size] > 0.95).mean())
    return out


def _growing(cosine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances to a set that grows by each prompt farther than mean less one deviation of those before."""
    distance = np.sqrt(np.maximum(2.0 - 2.0 * cosine, 0.0))
    nearest = distance[0].copy()  # of every prompt to the set so far
    told = np.zeros(len(distance) - 1)
    total = squares = 0.0
    for place in range(1, len(distance)):
        least = float(nearest[place])
        told[place - 1] = least
        total, squares = total + least, squares + least * least
        mean = total / place
        if place < 10 or least > mean - max(squares / place - mean * mean, 0.0) ** 0.5:
            np.minimum(nearest, distance[place], out=nearest)
    return told


def _shapiro(distances: NDArray[np.float64]) -> float:
    if len(distances) < 3:
        return 1.0
    kept = distances[np.abs(distances - distances.mean()) <= 3.0 * distances.std() + 1e-12]
    if len(kept) < 3 or float(np.ptp(kept)) < 1e-9:
        return 1.0  # no spread, no shape to test
    return float(shapiro(kept).statistic)


def kept_neighbours(events: NDArray[np.void]) -> NDArray[np.float32]:
    """`neighbours` of a client's first prompts, while it is folded."""
    some = events["topic"][events["topic"].any(axis=1)][:TOPICS]
    return neighbours(some)


def prada(seen: Observed) -> NDArray[np.float64]:
    """1 - W at the window that each look fills."""
    return _kept(seen, 0)


def seat(seen: Observed) -> NDArray[np.float64]:
    """The share of near twins at the window that each look fills."""
    return _kept(seen, 1)


def _kept(seen: Observed, which: int) -> NDArray[np.float64]:
    window = _windowed(seen)
    values = seen.kept["neighbours"][seen.who, which, np.maximum(window, 0)].astype(np.float64)
    return np.where(window >= 0, values, np.nan)
