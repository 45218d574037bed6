"""Counts of the latest units of time in a row, a slot each: late events land in theirs, older ones fall out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled


@compiled
def count(latest: NDArray[Any], ring: NDArray[Any], row: int, unit: int, slot: int, events: int, most: int) -> None:
    """Count so many events of a unit of time in a row's ring, in place, up to `most`.

    `slot` is the unit modulo the ring's slots: a caller that knows their number has it without a division.
    """
    newest = int(latest[row])
    if unit > newest:
        _empty(ring, row, slot, unit - newest)
        latest[row] = unit
    elif unit <= newest - ring.shape[1]:
        return
    ring[row, slot] = min(int(ring[row, slot]) + events, most)


@compiled
def _empty(ring: NDArray[Any], row: int, slot: int, units: int) -> None:
    """Empty so many slots of a row, from `slot` backwards."""
    for _ in range(min(units, ring.shape[1])):
        ring[row, slot] = 0
        slot = slot - 1 if slot else ring.shape[1] - 1


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
