"""Pivot (D10): sustained volume moves to a new model within a day of its release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import merging, rings, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import COUNTED_READS, Batch
from detectors.cells import mix64
from detectors.compiled import compiled, fold
from detectors.declared import Release
from detectors.sketch import mix

_DAYS = 6
_MODELS = 7  # cells that models are hashed to; two models share one in one case of seven
_MOST, _MANY = (1 << 31) - 1, (1 << 16) - 1
_OWN = 0.5  # weight of a model that is new to this client, where nobody says that it was released
_FEW = 25.0  # requests on either side at which half is believed
_BIAS = 3.0 * (_MODELS - 1) / (8.0 * np.log(2.0))  # thrice what two samples of one mix differ by, times 1/n + 1/n
_NUMBERS = ("score", "distance", "steady", "moved")

Numbers = NDArray[Any]


class Pivot(Detector):
    """The mix of models of two days differs from that of the two days before, by a new model, at equal volume.

    Hypothesis
    ----------
    A harvester moves its whole, sustained volume to a new model within a day of its release; a benchmarker adds a
    burst to what it does anyway. The score is the Jensen-Shannon distance of the mixes before and after a change of
    day, times the part of the change that goes to a released model, times the continuity of volume (the smaller
    daily number of requests over the larger). Without a table of releases a model counts half that this client had
    not used in the days before.

    Misses
    ------
    Harvests of models that are not new; more than two days of hesitation; clients of one or two requests a day;
    models that share a cell. Customers who migrate when a release says so look the same: of the rhythm family, so
    it never raises a level alone. Many clients that pivot in the same hours are the campaign's matter.

    Cost
    ----
    One count by day and model an event; 92 bytes a client.

    References
    ----------
    Lin, "Divergence measures based on the Shannon entropy", 1991. Anthropic, "Detecting and preventing
    distillation attacks", 2026 (half of one campaign's traffic moved within 24 hours).
    """

    name: ClassVar[str] = "pivot"
    version: ClassVar[int] = 1
    family: ClassVar[Family] = "rhythm"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*COUNTED_READS, "at", "model")
    horizons: ClassVar[tuple[float, ...]] = (_DAYS * 86_400.0,)
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),
            ("day", "<i4"),  # the latest, since the epoch
            ("mix", "<u2", (_DAYS, _MODELS)),  # requests by day and model, both modulo; saturating
        ]
    )

    def __init__(self, releases: Sequence[Release] = ()) -> None:
        self.use(releases)

    def use(self, releases: Sequence[Release]) -> None:
        """Score by these releases from now on; rows stay as they are."""
        self.releases = tuple(releases)

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        if not len(seen):
            return
        whole = seen.whole
        fields = (rows["n"], rows["day"], rows["mix"])
        fold(_count, fields, (seen.starts, seen.counts, seen.places, whole["at"], whole["model"]))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Distance x part to a new model x continuity, at the day where that is most; 0 to 1."""
        del now
        return np.asarray(self._best(rows)[:, 0], np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """How far the mix of models moved, how much of that to a new one, and how steady the volume stayed."""
        del now
        score, distance, steady, moved = (float(value) for value in self._best(np.array([row]))[0])
        nan = twins.NAN
        return (
            Term("moved_to_new_model", moved, "share", nan, nan, nan, score,
                 f"From one day to the next {twins.percent(moved)} of its requests moved to a model that is new "
                 "to it."),
            Term("volume_kept", steady, "share", nan, nan, nan, 0.0,
                 f"Of its numbers of requests a day, before and after, the smaller is {twins.percent(steady)} of the "
                 "larger." if steady > 0.0 else "From no day to the next it went on with another model."),
            Term("mix_distance", distance, "1", nan, nan, nan, 0.0,
                 f"Its use of models before and after differs by {twins.percent(distance)} of what is possible."),
        )  # fmt: skip

    def turn(self, rows: NDArray[np.void]) -> NDArray[np.void]:
        """All of it: days fall out by themselves, and a release does not wait for a client's window."""
        return rows.copy()

    def merge(self, rows: NDArray[np.void]) -> np.void:
        """One row as if all the rows' events were one client's."""
        out = merging.merged(rows)
        out["day"], out["mix"] = rings.merge(rows["day"], rows["mix"])
        return out

    def _best(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """Score, distance, continuity and part moved at the change of day with the highest score."""
        best = np.zeros((len(rows), len(_NUMBERS)))
        counts = rings.ordered(rows["day"], rows["mix"])
        some = np.flatnonzero(counts.any(axis=2).sum(axis=1) > 1)  # in a single day nothing changed
        if len(some):
            best[some] = self._changes(counts[some].astype(np.float64), rows["day"][some].astype(np.int64))
        return best

    def _changes(self, counts: NDArray[np.float64], day: NDArray[np.int64]) -> NDArray[np.float64]:
        best = np.zeros((len(counts), len(_NUMBERS)))
        for place in range(1, _DAYS):
            found = self._at(counts, day - (_DAYS - 1) + place, place)
            higher = found[:, 0] > best[:, 0]
            best[higher] = found[higher]
        return best

    def _at(self, counts: NDArray[np.float64], day: NDArray[np.int64], place: int) -> NDArray[np.float64]:
        """The numbers at the change to `day`, which is at `place` of the ordered days."""
        days = np.minimum(counts.sum(axis=2), 1.0)
        before, after = slice(max(place - 2, 0), place), slice(place, place + 2)
        total = np.column_stack([counts[:, part].sum(axis=(1, 2)) for part in (before, after)])
        p = counts[:, before].sum(axis=1) / np.maximum(total[:, :1], 1.0)
        q = counts[:, after].sum(axis=1) / np.maximum(total[:, 1:], 1.0)
        daily = total / np.maximum(np.column_stack([days[:, part].sum(axis=1) for part in (before, after)]), 1.0)
        steady = daily.min(axis=1) / np.maximum(daily.max(axis=1), 1e-9)
        gained = np.maximum(q - p, 0.0)
        moved = (gained * self._new(counts[:, :place].sum(axis=1), day)).sum(axis=1)
        whole = gained.sum(axis=1)
        noise = _BIAS * (1.0 / np.maximum(total, 1.0)).sum(axis=1)
        distance = np.where(total.min(axis=1) > 0, np.clip(_divergence(p, q) - noise, 0.0, 1.0), 0.0)
        believed = (total / (total + _FEW)).prod(axis=1)
        score = np.sqrt(distance) * moved / np.maximum(whole, 1e-9) * steady * believed
        to_new = (gained * (self._new(counts[:, :place].sum(axis=1), day) > 0.0)).sum(axis=1)
        return np.column_stack([score, np.sqrt(distance), steady, to_new])

    def _new(self, earlier: NDArray[np.float64], day: NDArray[np.int64]) -> NDArray[np.float64]:
        """How new each cell's models are on a day: 1 as released that day or the day before, less as unused so far."""
        weight = np.where(earlier > 0, 0.0, _OWN)
        for release in self.releases:
            cell = int(mix(np.array([release.model], np.uint64))[0]) % _MODELS
            fresh = (day - int(release.at // 86_400) >= 0) & (day - int(release.at // 86_400) <= 1)
            weight[fresh, cell] = 1.0
        return weight


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Jensen-Shannon divergence of two mixes, bits: 0 where they are the same, 1 where they share nothing."""
    middle = (p + q) / 2.0
    parts = [
        np.where(one > 0, one * np.log2(np.maximum(one, 1e-12) / np.maximum(middle, 1e-12)), 0.0) for one in (p, q)
    ]
    return np.asarray((parts[0] + parts[1]).sum(axis=1) / 2.0)


@compiled
def _count(
    n: Numbers,
    latest: Numbers,
    counted: Numbers,
    starts: Numbers,
    counts: Numbers,
    places: Numbers,
    at: Numbers,
    model: Numbers,
) -> None:
    """Fold each row's events into its number of requests, its latest day and its counts by day and model."""
    for row in range(len(counts)):
        ahead(n, counted, row)
        begin, end = starts[row], starts[row] + counts[row]
        n[row] += np.uint32(counts[row])
        newest = latest[row]
        for nth in range(begin, end):
            place = places[nth]
            newest = max(newest, _day(at[place]))
        for day in range(max(latest[row], newest - _DAYS) + 1, newest + 1):
            for cell in range(_MODELS):
                counted[row, day % _DAYS, cell] = 0
        latest[row] = newest
        for nth in range(begin, end):
            place = places[nth]
            day, cell = _day(at[place]), int(mix64(np.uint64(model[place])) % np.uint64(_MODELS))
            if day > newest - _DAYS and counted[row, day % _DAYS, cell] < _MANY:
                counted[row, day % _DAYS, cell] += 1


@compiled
def _day(at: float) -> int:
    """The day since the epoch."""
    return int(min(at, _MOST * 86_400.0)) // 86_400 if at > 0.0 else 0
