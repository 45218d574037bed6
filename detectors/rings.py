"""Counts of the latest units of time in a row, a slot each: late events land in theirs, older ones fall out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled


def add(
    rows: NDArray[np.void],
    latest: str,
    ring: str,
    row: NDArray[np.intp],
    units: NDArray[np.int64],
    added: NDArray[np.int64],
) -> None:
    """Count `added` in each row's units of time, in place; sorted by row, then unit, each pair once; saturating.

    `ring` is a field of shape (rows, slots, ...), `latest` the newest unit seen; slot = unit modulo slots.
    """
    if not len(row):
        return
    counts = rows[ring]
    slots = counts.shape[1]
    last = np.flatnonzero(np.diff(row, append=len(rows)))
    who = row[last]
    old = rows[latest][who].astype(np.int64)
    new = np.maximum(old, units[last])
    moved = np.flatnonzero(new > old)
    if len(moved):
        _clear(counts, who[moved], old[moved], new[moved])
        rows[latest][who] = new
    kept = units > rows[latest][row] - slots
    row, units, added = row[kept], units[kept], added[kept]
    slot = units % slots
    counts[row, slot] = np.minimum(counts[row, slot] + added, np.iinfo(counts.dtype).max)


def _clear(ring: NDArray[Any], row: NDArray[np.intp], old: NDArray[np.int64], new: NDArray[np.int64]) -> None:
    """Empty the slots of the units after `old` up to `new`."""
    slots = ring.shape[1]
    far = new - old >= slots
    ring[row[far]] = 0
    steps = (new - old)[~far]
    near = np.repeat(row[~far], steps)
    offset = np.arange(len(near)) - np.repeat(np.cumsum(steps) - steps, steps)
    ring[near, (np.repeat(old[~far], steps) + 1 + offset) % slots] = 0


@compiled
def count(latest: NDArray[Any], ring: NDArray[Any], row: int, unit: int, slots: int, most: int) -> None:
    """Count one event of a unit of time in a row's ring of so many slots, in place, up to `most`."""
    newest = int(latest[row])
    if unit > newest:
        for passed in range(max(newest, unit - slots) + 1, unit + 1):
            ring[row, passed % slots] = 0
        latest[row] = unit
    elif unit <= newest - slots:
        return
    if ring[row, unit % slots] < most:
        ring[row, unit % slots] += 1


def merge(latest: NDArray[Any], counts: NDArray[Any]) -> tuple[int, NDArray[Any]]:
    """The newest unit and the ring of several rows as one: what one ring would no longer hold drops out."""
    slots = counts.shape[1]
    newest = int(latest.max(initial=0))
    # Slot s of a row holds the latest unit, up to the row's newest, that falls into it.
    units = latest[:, None].astype(np.int64) - (latest[:, None].astype(np.int64) - np.arange(slots)) % slots
    held = np.where(_beside(units > newest - slots, counts), counts, 0).sum(axis=0, dtype=np.int64)
    return newest, np.minimum(held, np.iinfo(counts.dtype).max).astype(counts.dtype)


def _beside(kept: NDArray[np.bool_], counts: NDArray[Any]) -> NDArray[np.bool_]:
    """A mask of slots with the further axes of `counts`."""
    return kept.reshape(*kept.shape, *(1,) * (counts.ndim - 2))


def ordered(latest: NDArray[Any], counts: NDArray[Any]) -> NDArray[Any]:
    """Each row's counts, the oldest unit first."""
    slots = counts.shape[1]
    place = (latest[:, None].astype(np.int64) + 1 + np.arange(slots)) % slots
    return np.asarray(np.take_along_axis(counts, place.reshape(*place.shape, *(1,) * (counts.ndim - 2)), axis=1))
