"""Rhythm (D8): when a client works, and how evenly; weak by itself, so it is made to be fair before it is sharp."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import merging, rings, said, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import COUNTED_READS, Batch
from detectors.compiled import compiled, fold

_WEEK = 168  # hours
_MOST = (1 << 31) - 1
_MINUTES, _QUARTERS = np.int64(24), np.int64(16)  # that the rings hold; not as plain integers, for each of which
# a loop's helpers would be compiled anew
_MANY, _FULL = (1 << 16) - 1, (1 << 32) - 1
_SIXTEENTHS = 16  # of a second in flight
_LONGEST = 3_600.0  # seconds in flight that one request may count for
_DAY = 24.0  # hours after which half of what the clock says is believed
_NIGHT = 6.0  # hours of rest, beyond what chance gives, that take all of it
_CELLS = 8.0  # so many made-up cells of an ordinary stream (variance = mean) are added to those seen
_EVENEST = 1.3  # -ln of the shrunk ratio of variance to mean that is as even as can be told
_FEW = 25.0  # requests at which half is believed
_PLATEAU = 4.0  # requests a minute from which a level can be told from small numbers
_WEIGHTS = (1.0, 0.7, 0.3)  # of the clock, the pace and the plateau

Numbers = NDArray[Any]


class Rhythm(Detector):
    """The client works around the clock, at one even pace, up to one level.

    Hypothesis
    ----------
    A scheduler that feeds a fixed number of workers neither sleeps nor bursts. Occupied hours and the longest
    pause are taken beside what as many requests at random would leave over the time for which the client was
    seen. Evenness is the ratio of variance to mean of counts a minute, and a quarter of an hour, inside bursts:
    for independent gaps it tends to the squared coefficient of variation of the gaps, it is 1 for a crowd of
    independent users whatever their number, and it needs no order of events.

    Misses
    ------
    Schedules with a night, jittered gaps, anything slower than about one request in five minutes for evenness.
    Every scheduled job and nightly evaluation looks the same, and one steady client in five is flat around the
    clock: rhythm alone never raises a level.

    Cost
    ----
    A few steps an event in two rings and a bit map; 124 bytes a client.

    References
    ----------
    Fano factor and index of dispersion: Cox and Lewis, "The statistical analysis of series of events", 1966.
    """

    name: ClassVar[str] = "rhythm"
    version: ClassVar[int] = 1
    family: ClassVar[Family] = "rhythm"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*COUNTED_READS, "at", "duration")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0, 4 * 3_600.0, 1_440.0)
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),
            ("busy", "<u4"),  # time in flight, sixteenths of a second
            ("first", "<u4"),  # the earliest minute, since the epoch
            ("minute", "<i4"),  # the latest
            ("quarter", "<i4"),
            ("hours", "u1", (_WEEK // 8,)),  # hours of the week with a request, a bit each
            ("spare", "u1", (3,)),
            ("minutes", "<u2", (_MINUTES,)),  # requests in the latest minutes
            ("quarters", "<u2", (_QUARTERS,)),  # and in the latest quarters of an hour
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        if not len(seen):
            return
        whole = seen.whole
        names = ("n", "busy", "first", "minute", "quarter", "hours", "minutes", "quarters")
        fold(
            _count,
            [rows[name] for name in names],
            (seen.starts, seen.counts, seen.places, whole["at"], whole["duration"]),
        )

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Clock + pace + plateau, shrunk at few requests; 0 to 2."""
        del now
        return np.asarray(self._parts(rows)[0].sum(axis=1), np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """Hours occupied, the longest pause, the evenness of the pace, the level kept, and requests in flight."""
        del now
        parts, values = self._parts(np.array([row]))
        share, pause, spread, level, flight = (float(value) for value in values[0])
        clock, pace, plateau = (float(part) for part in parts[0])
        nan = twins.NAN
        return (
            Term("hours_occupied", share, "share", nan, nan, nan, clock / 2.0,
                 f"It is active in {twins.percent(share)} of the hours that so many requests, scattered by chance, "
                 "would reach."),
            Term("longest_pause", pause, "h", nan, nan, nan, clock / 2.0,
                 f"Its longest pause was {said.count(pause, 'hour')}."
                 if pause >= 0.5 else "It never paused for an hour."),
            Term("pace_spread", spread, "1", nan, nan, nan, pace,
                 f"Its requests a minute vary by {said.times(spread)} what those of independent users do."),
            Term("level_kept", level, "share", nan, nan, nan, plateau,
                 f"It stays within a tenth of its highest rate for {twins.percent(level)} of the time."),
            Term("in_flight", flight, "count", nan, nan, nan, 0.0,
                 f"On average {said.few(flight)} of its requests are open at once."),
        )  # fmt: skip

    def merge(self, rows: NDArray[np.void]) -> np.void:
        """One row as if all the rows' events were one client's."""
        out = merging.merged(rows, {"first": merging.smallest_known, "hours": merging.either})
        for latest, ring in (("minute", "minutes"), ("quarter", "quarters")):
            out[latest], out[ring] = rings.merge(rows[latest], rows[ring])
        return out

    def _parts(self, rows: NDArray[np.void]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The score's three parts, and the five numbers shown."""
        n = rows["n"].astype(np.float64)
        occupied, pause, span = _clock(rows)
        rate = n / np.maximum(span, 1.0)
        share = np.clip(occupied / np.maximum(span * -np.expm1(-rate), 1e-9), 0.0, 1.0)
        by_chance = (np.log(np.maximum(n, 1.0)) + 0.58) / np.maximum(rate, 1e-9)
        rest = np.clip(1.0 - np.maximum(pause - by_chance, 0.0) / _NIGHT, 0.0, 1.0)
        clock = np.where(span >= _DAY, share * rest * span / (span + _DAY), 0.0)
        fine, level = _evenness(rings.ordered(rows["minute"], rows["minutes"]))
        coarse, _ = _evenness(rings.ordered(rows["quarter"], rows["quarters"]))
        spread = np.minimum(fine, coarse)
        pace = np.clip(-np.log(spread) / _EVENEST, 0.0, 1.0)
        believed = (n / (n + _FEW))[:, None]
        parts = np.column_stack([clock, pace, level * pace]) * np.array(_WEIGHTS) * believed
        flight = rows["busy"] / _SIXTEENTHS / np.maximum(occupied * 3_600.0, 1.0)
        return parts, np.column_stack([share * (n > 0), pause, spread, level, flight])


@compiled
def _count(
    n: Numbers, busy: Numbers, first: Numbers, minute: Numbers, quarter: Numbers, hours: Numbers, minutes: Numbers,
    quarters: Numbers, starts: Numbers, counts: Numbers, places: Numbers, at: Numbers, duration: Numbers,
) -> None:  # fmt: skip
    """Fold each row's events into its fields; these are named as in the state."""
    for row in range(len(counts)):
        ahead(n, quarters, row)
        begin, end = starts[row], starts[row] + counts[row]
        if begin == end:
            continue
        n[row] += np.uint32(counts[row])
        earliest, latest, flight = _span(places, begin, end, at, duration)
        busy[row] = min(busy[row] + flight, _FULL)
        if first[row] == 0 or earliest < first[row]:
            first[row] = earliest
        minute[row] = _turned(minutes, row, _MINUTES, minute[row], latest)
        quarter[row] = _turned(quarters, row, _QUARTERS, quarter[row], latest // 15)
        together = earliest == latest  # as they nearly always come: then they are counted at once
        for nth in range(begin, begin + 1 if together else end):
            unit, count = _minute(at[places[nth]]), end - begin if together else 1
            hour = unit // 60 % _WEEK
            hours[row, hour >> 3] |= 1 << (hour & 7)
            _add(minutes, row, _MINUTES, minute[row], unit, count)
            _add(quarters, row, _QUARTERS, quarter[row], unit // 15, count)


@compiled
def _span(places: Numbers, begin: int, end: int, at: Numbers, duration: Numbers) -> tuple[int, int, int]:
    """The earliest and the latest minute of some events, and their time in flight."""
    earliest, latest, flight = _MOST, 0, 0
    for nth in range(begin, end):
        place = places[nth]
        unit = _minute(at[place])
        earliest, latest = min(earliest, unit), max(latest, unit)
        flight += _flight(duration[place])
    return earliest, latest, flight


@compiled
def _minute(at: float) -> int:
    """The minute since the epoch."""
    return int(min(at, _MOST * 60.0)) // 60 if at > 0.0 else 0


@compiled
def _flight(duration: float) -> int:
    """Sixteenths of a second in flight; none where that is not known."""
    return int(min(duration, _LONGEST) * _SIXTEENTHS) if duration > 0.0 else 0


@compiled
def _turned(ring: Numbers, row: int, slots: np.int64, before: int, latest: int) -> int:
    """Empty a row's slots of the units after `before` up to the latest; the newest of them all."""
    for unit in range(max(before, latest - int(slots)) + 1, latest + 1):
        ring[row, unit % slots] = 0
    return max(before, latest)


@compiled
def _add(ring: Numbers, row: int, slots: np.int64, newest: int, unit: int, count: int) -> None:
    """Count in the slot of a unit that the ring still holds; saturating."""
    if unit > newest - slots:
        ring[row, unit % slots] = min(ring[row, unit % slots] + count, _MANY)


def _clock(rows: NDArray[np.void]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Occupied hours, the longest pause and the time seen, in hours from the first to the last request."""
    bits = np.unpackbits(rows["hours"], axis=1, bitorder="little").astype(np.bool_)
    first, last = rows["first"].astype(np.int64) // 60, rows["minute"].astype(np.int64) // 60
    span = np.where(rows["n"] > 0, np.clip(last - first + 1, 1, _WEEK), 0)
    place = (first[:, None] + np.arange(_WEEK)) % _WEEK
    busy = np.take_along_axis(bits, place, axis=1)
    hours = np.arange(_WEEK)
    # Of each hour, the last busy one up to it: their distance is the pause so far.
    pause = hours - np.maximum.accumulate(np.where(busy, hours, 0), axis=1)
    longest = np.where(hours < span[:, None], pause, 0).max(axis=1, initial=0)
    return busy.sum(axis=1).astype(np.float64), longest.astype(np.float64), span.astype(np.float64)


def _evenness(counts: NDArray[np.uint16]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variance over mean of counts inside bursts, drawn to 1 where few are seen; the share close to the highest.

    A cell is inside a burst where both its neighbours hold a request. That says nothing of the cell itself, so a
    stream of independent requests gives 1 at any rate; the newest cell, not yet full, is left out.
    """
    held = counts[:, :-1].astype(np.float64)
    inside = (held[:, :-2] > 0) & (held[:, 2:] > 0)
    cells = np.where(inside, held[:, 1:-1], 0.0)
    k = inside.sum(axis=1)
    mean = cells.sum(axis=1) / np.maximum(k, 1)
    square = np.where(inside, (cells - mean[:, None]) ** 2, 0.0).sum(axis=1)
    seen = np.maximum(k - 1, 0)
    ratio = square / np.maximum(seen, 1) / np.maximum(mean, 1e-9)
    full = counts.max(axis=1, initial=0) >= np.iinfo(counts.dtype).max
    spread = np.where((mean > 0) & ~full, (seen * ratio + _CELLS) / (seen + _CELLS), 1.0)
    top = cells.max(axis=1, initial=0)
    level = (inside & (cells >= 0.9 * top[:, None])).sum(axis=1) / (k + _CELLS)
    return spread, np.where(mean >= _PLATEAU, level, 0.0)
