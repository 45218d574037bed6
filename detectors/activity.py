"""When a client was active and with which models: rings of the last 60 minutes and 72 hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from detectors.batch import Batch
from detectors.sketch import mixed, tally

MINUTES, HOURS, MODELS = 60, 72, 8
_BITS = 31
_MOST = (1 << _BITS) - 1

state = np.dtype(
    [
        ("minute", "<i4"),  # the latest minute seen, since the epoch
        ("hour", "<i4"),
        ("minutes", "<u2", (MINUTES,)),  # slot = minute modulo 60; saturating
        ("hours", "<u4", (HOURS,)),
        ("model", "<u4", (MODELS,)),  # the largest model hash of a slot
        ("models", "<u4", (MODELS,)),  # requests of a slot
    ]
)


@dataclass(frozen=True, slots=True)
class Activity:
    """Requests by time, oldest first, as (start in seconds, requests), and by model hash."""

    minutes: tuple[tuple[float, int], ...]
    hours: tuple[tuple[float, int], ...]
    models: tuple[tuple[int, int], ...]


def update(rows: NDArray[np.void], batch: Batch) -> None:
    """Count a batch's events of every kind into their clients' rings, in place; late ones land in their slot."""
    minute = np.clip(batch["at"], 0.0, _MOST * 60.0).astype(np.int64) // 60
    keys, added = count_equal((batch.index << _BITS) | minute)
    row, units = keys >> _BITS, keys & _MOST
    _ring(rows, row, units, added, "minute", "minutes")
    # Hours follow from the minutes: their keys are sorted too.
    units = units // 60
    heads = np.flatnonzero(np.diff((row << _BITS) | units, prepend=-1))
    _ring(rows, row[heads], units[heads], np.add.reduceat(added, heads), "hour", "hours")
    _count_models(rows, batch)


def _ring(
    rows: NDArray[np.void],
    row: NDArray[np.intp],
    units: NDArray[np.int64],
    added: NDArray[np.int64],
    latest: str,
    ring: str,
) -> None:
    """Count `added` requests of each row's units of time; sorted by row, then by unit, each pair once."""
    counts = rows[ring]
    slots = counts.shape[1]
    last = np.flatnonzero(np.diff(row, append=len(rows)))
    old = rows[latest].astype(np.int64)
    new = np.maximum(old, units[last])
    moved = np.flatnonzero(new > old)
    if len(moved):
        _clear(counts, moved, old[moved], new[moved])
        rows[latest] = new
    kept = units > new[row] - slots
    if not kept.all():
        row, units, added = row[kept], units[kept], added[kept]
    slot = units % slots
    counts[row, slot] = np.minimum(counts[row, slot] + added, np.iinfo(counts.dtype).max)


def _clear(ring: NDArray[Any], moved: NDArray[np.intp], old: NDArray[np.int64], new: NDArray[np.int64]) -> None:
    """Empty the slots of the units after `old` up to `new`."""
    slots = ring.shape[1]
    far = new - old >= slots
    ring[moved[far]] = 0
    near = ~far
    steps = (new - old)[near]
    row = np.repeat(moved[near], steps)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(steps) - steps, steps)
    ring[row, (np.repeat(old[near], steps) + 1 + offset) % slots] = 0


def _count_models(rows: NDArray[np.void], batch: Batch) -> None:
    models, names = batch["model"], rows["model"]
    slot = (mixed(batch, "model") & np.uint64(MODELS - 1)).view(np.int64)
    tally(rows["models"], batch.index, slot)
    larger = np.flatnonzero(models > names[batch.index, slot])
    if len(larger):
        larger = larger[np.argsort(models[larger], kind="stable")]
        names[batch.index[larger], slot[larger]] = models[larger]


def count_equal(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct keys in ascending order, and how often each occurs."""
    steps = np.diff(keys, prepend=-1)
    if (steps < 0).any():  # events that came out of order
        keys = np.sort(keys)
        steps = np.diff(keys, prepend=-1)
    heads = np.flatnonzero(steps)
    return keys[heads], np.diff(heads, append=len(keys))


def merge(rows: NDArray[np.void]) -> np.void:
    """One record as if all the rows' events were one client's: what its rings would no longer hold drops out."""
    out = np.zeros(1, state)
    for latest, ring in (("minute", "minutes"), ("hour", "hours")):
        counts = rows[ring].astype(np.int64)
        slots = counts.shape[1]
        newest = int(rows[latest].max(initial=0))
        # Slot s of a row holds the latest unit of time, up to the row's newest, that falls into it.
        behind = (rows[latest][:, None] - np.arange(slots)) % slots
        kept = rows[latest][:, None] - behind > newest - slots
        out[latest] = newest
        out[ring] = np.minimum(np.where(kept, counts, 0).sum(axis=0), np.iinfo(rows[ring].dtype).max)
    out["model"] = rows["model"].max(axis=0, initial=0)
    out["models"] = np.minimum(rows["models"].sum(axis=0, dtype=np.int64), np.iinfo(np.uint32).max)
    return cast(np.void, out[0])


def read(row: np.void) -> Activity:
    """The rings of one client in order of time, up to its latest request; older slots are empty."""

    def series(latest: int, counts: NDArray[Any], unit: float) -> tuple[tuple[float, int], ...]:
        if not latest:
            return ()
        slots = len(counts)
        return tuple((at * unit, int(counts[at % slots])) for at in range(latest - slots + 1, latest + 1))

    used = np.flatnonzero(row["models"])
    models = sorted(((int(row["model"][k]), int(row["models"][k])) for k in used), key=lambda one: -one[1])
    return Activity(
        series(int(row["minute"]), row["minutes"], 60.0), series(int(row["hour"]), row["hours"], 3600.0), tuple(models)
    )
