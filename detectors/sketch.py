"""Bounded summaries inside a row: distinct counts and shares; each is order-independent and mergeable.

Here they are read; cells.py folds events into them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHARE = np.append(0.0, 0.5 ** np.arange(1, 256))  # of a register by its value; an empty one counts by itself
_AGAIN = np.uint32(1)  # the last bit of a sampled key says that it came again


def mix(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread 64-bit keys over all their bits (the finaliser of splitmix64), 0 to 0."""
    h = hashes ^ (hashes >> np.uint64(30))
    h = h * np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(27)
    h *= np.uint64(0x94D049BB133111EB)
    h ^= h >> np.uint64(31)
    return h


def minima_shared(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> NDArray[np.int64]:
    """In how many bins of a row two samples hold the same hash: of all bins, about the sets' Jaccard likeness."""
    return np.asarray(((one == other) & (one != 0)).sum(axis=1), np.int64)


def sample_merge(bins: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Several rows' samples as one row's: a key that two rows hold came again."""
    keys = bins & ~_AGAIN
    best = keys.max(axis=0)
    held = (keys == best) & (best != 0)
    again = (held & ((bins & _AGAIN) != 0)).any(axis=0) | (held.sum(axis=0) > 1)
    return np.asarray(best | again.astype(np.uint32), np.uint32)


def sample_repeated(bins: NDArray[np.uint32]) -> NDArray[np.float64]:
    """The share of each row's distinct keys that came again, 0 where none is known."""
    filled = (bins != 0).sum(axis=1)
    again = ((bins & _AGAIN) != 0).sum(axis=1)
    return np.asarray(again / np.maximum(filled, 1), np.float64)


def hll_count(registers: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The estimated number of distinct hashes in each row; Ertl's improved estimator, unbiased at any size."""
    m = registers.shape[1]
    empty = (registers == 0).sum(axis=1)
    z = _SHARE.take(registers).sum(axis=1) + m * _sigmas(m)[empty]
    count = (m * m / (2.0 * np.log(2.0))) / z
    return np.where(empty == m, 0.0, count)


@lru_cache
def _sigmas(m: int) -> NDArray[np.float64]:
    """What so many empty registers of `m` stand for."""
    x = np.minimum(np.arange(m + 1) / m, 1.0 - 1e-12)
    total, power, weight = x.copy(), x.copy(), 1.0
    for _ in range(40):
        power = power * power
        total += power * weight
        weight += weight
    return total


def concentration(counters: NDArray[np.uint32], total: NDArray[Any]) -> NDArray[np.float64]:
    """How far the keys of each row concentrate, 0 (all differ) to 1 (all the same).

    The square root of the chance that two requests share a key, with the chance of two keys sharing a
    bucket taken out: a share s of one key among keys that all differ gives s, k equal keys give 1/sqrt(k).
    """
    counts = counters.astype(np.float64)
    n = np.asarray(total, np.float64)
    pairs = np.maximum(n * (n - 1.0), 1.0)
    known = counts.sum(axis=1)
    by_chance = known * (known - 1.0) / counters.shape[1]
    same = (counts * (counts - 1.0)).sum(axis=1)
    excess = (same - by_chance) / (1.0 - 1.0 / counters.shape[1])
    return np.asarray(np.sqrt(np.clip(excess / pairs, 0.0, 1.0)), np.float64)
