"""When a client was active and with which models: rings of the last 60 minutes and 72 hours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from detectors import rings
from detectors.ahead import ahead
from detectors.batch import Batch
from detectors.cells import mix64
from detectors.compiled import compiled, fold

MINUTES, HOURS, MODELS = 60, 72, 8
_LATEST = ((1 << 31) - 1) * 60.0  # seconds; the number of a later minute does not fit
_MANY, _VERY_MANY = (1 << 16) - 1, (1 << 32) - 1

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
    whole = batch.whole
    fields = [rows[name] for name in ("minute", "hour", "minutes", "hours", "model", "models")]
    fold(_fold, fields, (batch.starts, batch.counts, batch.places, whole["at"], whole["model"]))


@compiled
def _fold(
    minute: NDArray[np.int32],
    hour: NDArray[np.int32],
    minutes: NDArray[np.uint16],
    hours: NDArray[np.uint32],
    name: NDArray[np.uint32],
    requests: NDArray[np.uint32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    at: NDArray[np.float64],
    model: NDArray[np.uint32],
) -> None:
    for row in range(len(counts)):
        ahead(minute, requests, row)
        unit, together = 0, 0
        opens, closes = np.inf, -np.inf
        for nth in range(starts[row], starts[row] + counts[row]):
            place = np.uint64(places[nth])
            moment = min(max(at[place], 0.0), _LATEST)
            if not opens <= moment < closes:  # those of a minute nearly always come together: they are counted at once
                _count(minute, hour, minutes, hours, row, unit, together)
                unit, together = int(moment) // 60, 0
                opens = unit * 60.0
                closes = opens + 60.0
            together += 1
            slot = mix64(np.uint64(model[place])) & np.uint64(MODELS - 1)
            requests[row, slot] += np.uint32(1)
            name[row, slot] = max(name[row, slot], model[place])
        _count(minute, hour, minutes, hours, row, unit, together)


@compiled
def _count(
    minute: NDArray[np.int32],
    hour: NDArray[np.int32],
    minutes: NDArray[np.uint16],
    hours: NDArray[np.uint32],
    row: int,
    unit: int,
    events: int,
) -> None:
    """Count so many events of a minute in both rings."""
    if events:
        rings.count(minute, minutes, row, unit, unit % MINUTES, events, _MANY)
        rings.count(hour, hours, row, unit // 60, unit // 60 % HOURS, events, _VERY_MANY)


def merge(rows: NDArray[np.void]) -> np.void:
    """One record as if all the rows' events were one client's: what its rings would no longer hold drops out."""
    out = np.zeros(1, state)
    for latest, ring in (("minute", "minutes"), ("hour", "hours")):
        out[latest], out[ring] = rings.merge(rows[latest], rows[ring])
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
