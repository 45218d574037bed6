"""Steps of the summaries that sketch.py reads, for compiled loops: one key folded into one of several rows.

A step is exact whatever the order of keys, and says what cells are so that rows can be merged. A key of 0 is
unknown and changes nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled

_AGAIN = np.uint32(1)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_W1, _W2 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)

_FRACTION = (1 << 52) - 1  # the bits of a float after its leading one: how far it is through its doubling
_BOUNDS = np.append((2.0 ** (np.arange(1, 16) / 16.0)).view(np.int64) & _FRACTION, 1 << 52)  # of each sixteenth
_STEPS = np.searchsorted(_BOUNDS >> 47, np.arange(32))  # sixteenths that end before each thirty-second of it


@compiled
def mix64(key: np.uint64) -> np.uint64:
    """Spread one 64-bit key over all its bits (the finaliser of splitmix64), 0 to 0, as sketch.mix."""
    h = (key ^ (key >> np.uint64(30))) * _M1
    h = (h ^ (h >> np.uint64(27))) * _M2
    return h ^ (h >> np.uint64(31))


@compiled
def mix32(key: np.uint32) -> np.uint32:
    """Spread one 32-bit key that was chosen for being small over all its bits."""
    h = np.uint32(key ^ (key >> np.uint32(16)))
    h = np.uint32(h * _W1)
    h = np.uint32(h ^ (h >> np.uint32(13)))
    h = np.uint32(h * _W2)
    return np.uint32(h ^ (h >> np.uint32(16)))


@compiled
def hll_row(registers: NDArray[np.uint8], row: int, mixed: np.uint64) -> None:
    """Count a mixed key among the distinct ones: `registers` has shape (rows, m), m a power of two.

    A register keeps the largest rank of its keys: the position of the lowest set bit beyond those of the place.
    """
    if mixed != np.uint64(0):
        size = np.uint64(registers.shape[1])
        place = mixed & (size - np.uint64(1))  # without a sign: one with a sign might count from the end
        registers[row, place] = max(registers[row, place], _rank(mixed, size))


@compiled
def _rank(mixed: np.uint64, size: np.uint64) -> np.uint8:
    """The position of the lowest set bit above those of the place, the first being 1; the last where none is set.

    The exponent of a power of two as a float is its position: no loop and no branch, which could not be foreseen.
    """
    some = mixed & ~(size - np.uint64(1)) | np.uint64(1 << 63)
    lowest = some & (~some + np.uint64(1))
    return np.uint8((_exponent(lowest) - _exponent(size)) + 1)


@compiled
def _exponent(power: np.uint64) -> int:
    return int(np.float64(power).view(np.int64) >> 52)


@compiled
def bucket_row(counters: NDArray[np.uint32], row: int, mixed: np.uint64, weight: np.uint32) -> None:
    """Add a weight to the bucket of a mixed key: `counters` has shape (rows, buckets), a power of two of them."""
    if mixed != np.uint64(0):
        counters[row, (mixed >> np.uint64(32)) & np.uint64(counters.shape[1] - 1)] += np.uint32(weight)


@compiled
def sample_row(bins: NDArray[np.uint32], row: int, mixed: np.uint64) -> None:
    """Keep a sample of the distinct mixed keys and whether each came again: `bins` has shape (rows, m).

    A bin holds the largest of its keys: 0 where there is none, else 30 bits of the key, a set bit, and a last bit
    that is set once the key came again. Each distinct key is as likely to be kept as any other, however often it came.
    """
    if mixed == np.uint64(0):
        return
    place = (mixed & np.uint64(0xFFFF)) * np.uint64(bins.shape[1]) >> np.uint64(16)
    key = np.uint32(np.uint32(mixed >> np.uint64(32)) & np.uint32(0xFFFFFFFC)) | np.uint32(2)
    held = np.uint32(bins[row, place] & ~_AGAIN)
    if key > held:
        bins[row, place] = key
    elif key == held:
        bins[row, place] |= _AGAIN


@compiled
def minimum_add(bins: NDArray[np.uint32], key: np.uint32) -> None:
    """Fold a hash into one row of a one-permutation MinHash, shape (m,).

    A bin keeps the smallest of its hashes, after mixing, as its complement: an empty one is 0, rows merge by maximum.
    """
    if key == np.uint32(0):
        return
    some = mix32(key)
    place = (np.int64(some & np.uint32(0xFFFF)) * len(bins)) >> 16
    kept = np.uint32(~some)
    if kept > bins[place]:
        bins[place] = kept


@compiled
def minimum_wanted(bins: NDArray[np.uint32], key: np.uint32) -> bool:
    """Whether `minimum_add` would change a bin."""
    some = mix32(key)
    place = (np.int64(some & np.uint32(0xFFFF)) * len(bins)) >> 16
    return bool(key != np.uint32(0) and np.uint32(~some) > bins[place])


@compiled
def log16(value: float) -> int:
    """Sixteen times the binary logarithm of 1 + value, rounded down; for whole numbers from 0 up.

    The exponent of 1 + value as a float counts the doublings, and a table over the first bits of the fraction the
    sixteenths: no logarithm is taken, which would cost three times as much.
    """
    bits = np.float64(1.0 + value).view(np.int64)
    fraction = bits & _FRACTION
    step = _STEPS[fraction >> 47]
    if fraction >= _BOUNDS[step]:
        step += 1
    return int(((bits >> 52) - 1023) * 16 + step)


@compiled
def add_row(counters: NDArray[np.uint32], row: int, added: NDArray[np.uint32]) -> None:
    """Add a row's first counts, worked out beforehand, to its counters, both of shape (rows, ...)."""
    for place in range(counters.shape[1]):
        counters[row, place] += added[row, place]
