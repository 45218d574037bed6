"""Bounded summaries inside a row: distinct counts and shares; each is order-independent and mergeable."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.batch import Batch

_LEVELS = 65  # a register's value is at most 64


def mix(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread 64-bit keys over all their bits (the finaliser of splitmix64), 0 to 0."""
    h = hashes ^ (hashes >> np.uint64(30))
    h = h * np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(27)
    h *= np.uint64(0x94D049BB133111EB)
    h ^= h >> np.uint64(31)
    return h


def hll_update(registers: NDArray[np.uint8], index: NDArray[np.intp], mixed: NDArray[np.uint64]) -> None:
    """Fold one mixed hash an event into the event's row of `registers`, in place; a hash of 0 is unknown.

    `registers` has shape (clients, m), m a power of two; `index` is each event's row.
    """
    m = registers.shape[1]
    bits = np.uint64(m.bit_length() - 1)
    register = (mixed & np.uint64(m - 1)).astype(np.intp)
    rest = (mixed >> bits) | (np.uint64(1) << (np.uint64(63) - bits))
    lowest = rest & (~rest + np.uint64(1))
    # The exponent of a power of two as a float is its position: the rank without a loop over bits.
    rank = ((lowest.astype(np.float64).view(np.int64) >> 52) - 1022).astype(np.uint8)
    rank[mixed == 0] = 0
    higher = np.flatnonzero(rank > registers[index, register])
    if len(higher):
        # Assignment keeps the last of equal targets, so ascending ranks leave the largest.
        higher = higher[np.argsort(rank[higher], kind="stable")]
        registers[index[higher], register[higher]] = rank[higher]


def hll_count(registers: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The estimated number of distinct hashes in each row; Ertl's improved estimator, unbiased at any size."""
    rows, m = registers.shape
    flat = registers.astype(np.intp) + (np.arange(rows) * _LEVELS)[:, None]
    histogram = np.bincount(flat.ravel(), minlength=rows * _LEVELS).reshape(rows, _LEVELS).astype(np.float64)
    z = np.zeros(rows)
    for level in range(_LEVELS - 1, 0, -1):
        z = 0.5 * (z + histogram[:, level])
    empty = histogram[:, 0] / m
    z += m * _sigma(np.minimum(empty, 1.0 - 1e-12))
    count = (m * m / (2.0 * np.log(2.0))) / z
    return np.where(empty >= 1.0, 0.0, count)


def _sigma(x: NDArray[np.float64]) -> NDArray[np.float64]:
    total, power, weight = x.copy(), x.copy(), 1.0
    for _ in range(40):
        power = power * power
        total += power * weight
        weight += weight
    return total


def bucket_update(counters: NDArray[np.uint32], index: NDArray[np.intp], mixed: NDArray[np.uint64]) -> None:
    """Count each event's mixed key in one of its row's buckets, in place; a key of 0 is unknown, not counted."""
    rows, buckets = counters.shape
    known = mixed != 0
    bucket = (mixed >> np.uint64(32)).astype(np.intp) & (buckets - 1)
    flat = index * buckets + bucket
    if not known.all():
        flat = flat[known]
    added = np.bincount(flat, minlength=rows * buckets).reshape(rows, buckets)
    np.add(counters, added, out=counters, casting="unsafe")


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


def mixed_content(batch: Batch) -> NDArray[np.uint64]:
    """The mixed hashes of what each request is about: the last user turn, or all of the prompt without one."""

    def either(part: Batch) -> NDArray[np.uint64]:
        payload, body = mixed(part, "payload"), mixed(part, "body")
        return payload if payload.all() else np.where(payload != 0, payload, body)

    return batch.once("content", either)


def mixed(batch: Batch, name: str) -> NDArray[np.uint64]:
    """The mixed hashes of EVENT field `name`, worked out once a batch; 0 stays 0, which means unknown."""
    return batch.once(f"mixed:{name}", lambda part: mix(part[name].astype(np.uint64, copy=False)))
