"""Bounded summaries inside a row: distinct counts and shares; each is order-independent and mergeable."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.batch import Batch

_SHARE = np.append(0.0, 0.5 ** np.arange(1, 256))  # of a register by its value; an empty one counts by itself
_AGAIN = np.uint32(1)  # the last bit of a sampled key says that it came again
_BELOW = np.array([(1 << min(value, 64)) - 1 for value in range(256)], np.uint64)


def mix(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread 64-bit keys over all their bits (the finaliser of splitmix64), 0 to 0."""
    h = hashes ^ (hashes >> np.uint64(30))
    h = h * np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(27)
    h *= np.uint64(0x94D049BB133111EB)
    h ^= h >> np.uint64(31)
    return h


def flat(cells: NDArray[Any]) -> tuple[NDArray[Any], int] | None:
    """A field of shape (rows, cells) as one run over the rows' memory, and the steps from row to row in it.

    Cell (i, j) is item i * step + j of the run. None where the rows are no whole number of cells apart.
    """
    (apart, beside), size = cells.strides, cells.itemsize
    if not len(cells) or apart % size or apart < 0 or beside != size:
        return None
    step = apart // size
    length = (len(cells) - 1) * step + cells.shape[1]
    return np.lib.stride_tricks.as_strided(cells, (length,), (size,)), step


def hll_update(registers: NDArray[np.uint8], index: NDArray[np.intp], mixed: NDArray[np.uint64]) -> None:
    """Fold one mixed hash an event into the event's row of `registers`, in place; a hash of 0 is unknown.

    `registers` has shape (clients, m), m a power of two; `index` is each event's row.
    """
    found = flat(registers)
    if found is None:
        if len(registers):
            copied = registers.copy()
            hll_update(copied, index, mixed)
            registers[:] = copied
        return
    cells, step = found
    m = registers.shape[1]
    bits = np.uint64(m.bit_length() - 1)
    place = index * step
    place += (mixed & np.uint64(m - 1)).view(np.int64)
    rest = mixed >> bits
    # A rank above the register's: as many low bits as the register counts, or more, are zero.
    higher = np.flatnonzero((rest & _BELOW.take(cells.take(place))) == 0)
    if not len(higher):
        return
    higher = higher[mixed[higher] != 0]
    some = rest[higher] | (np.uint64(1) << (np.uint64(63) - bits))
    lowest = some & (~some + np.uint64(1))
    # The exponent of a power of two as a float is its position: the rank without a loop over bits.
    rank = ((lowest.astype(np.float64).view(np.int64) >> 52) - 1022).astype(np.uint8)
    np.maximum.at(cells, place[higher], rank)


def hll_update_many(registers: NDArray[np.uint8], index: NDArray[np.intp], hashes: NDArray[np.uint32]) -> None:
    """Fold up to k hashes an event, shape (events, k), into the event's row of `registers`, in place; 0 is none."""
    place = np.flatnonzero(hashes)
    if len(place):
        hll_update(registers, index[place // hashes.shape[1]], mix(hashes.reshape(-1)[place].astype(np.uint64)))


def minima_update(
    bins: NDArray[np.uint32],
    index: NDArray[np.intp],
    hashes: NDArray[np.uint32],
    keep: Callable[[NDArray[np.intp], NDArray[np.uint32]], NDArray[np.bool_]] | None = None,
) -> None:
    """Fold up to k hashes an event, shape (events, k), into the event's row of `bins`, in place; 0 is none.

    A row is a one-permutation MinHash of all hashes ever folded in: each bin keeps its smallest hash, after
    mixing, as its complement, so that an empty bin is 0 and rows merge by their maximum. `keep` says of pairs
    of an event's position and a hash which count; it is asked only about those that would change a bin.
    """
    found = flat(bins)
    if found is None:
        if len(bins):
            copied = bins.copy()
            minima_update(copied, index, hashes, keep)
            bins[:] = copied
        return
    cells, step = found
    place = np.flatnonzero(hashes)
    event = place // hashes.shape[1]
    known = hashes.reshape(-1)[place]
    some = _mix32(known)
    cell = index[event] * step
    cell += ((some & np.uint32(0xFFFF)).astype(np.intp) * bins.shape[1]) >> 16
    kept = ~some
    lower = np.flatnonzero(kept > cells.take(cell))
    if keep is not None and len(lower):
        lower = lower[keep(event[lower], known[lower])]
    if len(lower):
        np.maximum.at(cells, cell[lower], kept[lower])


def _mix32(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Spread 32-bit keys that were chosen for being small over all their bits."""
    h = hashes ^ (hashes >> np.uint32(16))
    h = h * np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def minima_shared(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> NDArray[np.int64]:
    """In how many bins of a row two samples hold the same hash: of all bins, about the sets' Jaccard likeness."""
    return np.asarray(((one == other) & (one != 0)).sum(axis=1), np.int64)


def sample_update(bins: NDArray[np.uint32], index: NDArray[np.intp], mixed: NDArray[np.uint64]) -> None:
    """Keep a sample of the distinct keys of each row and whether each came again, in place; a key of 0 is unknown.

    `bins` has shape (clients, m). Each bin holds the largest of its keys: 0 where there is none, else 30 bits
    of the key, a set bit, and a last bit that is set once the key came again. It is exact for the keys kept,
    whatever the order, and each distinct key is as likely to be kept as any other, however often it came.
    """
    found = flat(bins)
    if found is None:
        if len(bins):
            copied = bins.copy()
            sample_update(copied, index, mixed)
            bins[:] = copied
        return
    cells, step = found
    known = np.flatnonzero(mixed)
    some = mixed[known]
    cell = index[known] * step
    cell += ((some & np.uint64(0xFFFF)) * np.uint64(bins.shape[1]) >> np.uint64(16)).view(np.int64)
    key = (some >> np.uint64(32)).astype(np.uint32) & ~np.uint32(3) | np.uint32(2)
    before = cells.take(cell) & ~_AGAIN
    held = np.flatnonzero(key >= before)
    if not len(held):
        return
    cell, key, known_before = cell[held], key[held], key[held] == before[held]
    np.maximum.at(cells, cell[~known_before], key[~known_before])
    same = key == cells.take(cell) & ~_AGAIN
    twice = np.sort(cell[same & ~known_before])
    again = np.concatenate([cell[same & known_before], twice[1:][twice[1:] == twice[:-1]]])
    cells[again] |= _AGAIN


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


def bucket_update(counters: NDArray[np.uint32], index: NDArray[np.intp], mixed: NDArray[np.uint64]) -> None:
    """Count each event's mixed key in one of its row's buckets, in place; a key of 0 is unknown, not counted."""
    known = mixed != 0
    bucket = (mixed >> np.uint64(32)).view(np.int64) & (counters.shape[1] - 1)
    if not known.all():
        index, bucket = index[known], bucket[known]
    tally(counters, index, bucket)


def weigh_update(
    sums: NDArray[np.uint32], index: NDArray[np.intp], mixed: NDArray[np.uint64], weights: NDArray[np.uint32]
) -> None:
    """Add each event's weight to its key's bucket, in place; the same buckets as `bucket_update`'s."""
    known = np.flatnonzero(mixed)
    cell = (mixed[known] >> np.uint64(32)).view(np.int64) & (sums.shape[1] - 1)
    found = flat(sums)
    if found is not None:
        cells, step = found
        np.add.at(cells, index[known] * step + cell, weights[known])
    elif len(sums):
        np.add.at(sums, (index[known], cell), weights[known])


def tally(counters: NDArray[np.uint32], index: NDArray[np.intp], cell: NDArray[np.intp]) -> None:
    """Count each event in the cell of its row, in place."""
    found = flat(counters)
    if found is not None:
        cells, step = found
        np.add.at(cells, index * step + cell, np.uint32(1))
    elif len(counters):
        np.add.at(counters, (index, cell), np.uint32(1))


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
