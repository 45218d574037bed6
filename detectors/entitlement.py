"""Entitlement (D7): more tokens a day than the plan, or clients of the kind, would explain; at full speed at once."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import merging, said, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import COUNTED_READS, Batch
from detectors.compiled import compiled, fold
from detectors.declared import Plans
from detectors.exchange import Operation, Outcome, Usage

YARDSTICK = 1_000  # thousands of tokens a day where no plan is known; the peer group says what is usual there
_DAYS = 8  # calendar days that a window of seven can touch
_EARLY = 10  # hours after the first request in which a client may grow
_MOST = (1 << 31) - 1
_UNIT = 16  # tokens
_SMALL = 256  # tokens: the unit in which the first hours are kept
_MUCH = 200_000.0  # tokens at which half of what the ramp says is believed
_U16, _U32 = (1 << 16) - 1, (1 << 32) - 1
_FETCHED, _ABORTED, _REPORTED = int(Operation.RETRIEVAL), int(Outcome.CLIENT_ABORTED), int(Usage.REPORTED)
Numbers = NDArray[Any]


class Entitlement(Detector):
    """Its busiest day goes beyond the plan, and it was at full speed within hours of its first request.

    Hypothesis
    ----------
    A harvest takes what a key can give from the first hour. The score adds the doublings of the busiest day's
    tokens over the plan's 95th percentile (over a fixed yardstick where the operator gave no plan: the peer group
    then says what is usual) and, for a client in its first week, how few of its first ten hours passed before one
    that reached four fifths of its peak.

    Misses
    ------
    Campaigns of 13 to 860 requests a day on many keys. Any serious customer is large, a migrated workload starts
    at full speed, and a benchmark is over within the hour: of the rhythm family, so it never raises a level alone.

    Cost
    ----
    Two sums by day and hour an event; 64 bytes a client.

    References
    ----------
    Advisory AA26-251A (new accounts at maximum use, subscription-to-usage mismatch), as summarised publicly.
    """

    name: ClassVar[str] = "entitlement"
    version: ClassVar[int] = 1
    family: ClassVar[Family] = "rhythm"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*COUNTED_READS, "at", "in_tokens", "out_tokens", "usage")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("days", "<u4", (_DAYS,)),  # tokens by day modulo 8, sixteens
            ("first", "<u4"),  # the earliest hour, since the epoch
            ("plan", "<u4"),  # thousands of tokens a day; 0: unknown
            ("early", "<u2", (_EARLY,)),  # tokens in the first hours, by hour modulo 10, in units of 256
            ("known", "u1"),  # 1: not in its first window
            ("spare", "u1", (3,)),
        ]
    )

    def __init__(self, plans: Plans | None = None) -> None:
        self.plans = plans or Plans()

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = _spending(batch)
        if self.plans.tokens:
            rows["plan"] = self.plans.of(batch.clients)
        if not len(seen):
            return
        whole = seen.whole
        fields = (rows["days"], rows["first"], rows["early"])
        fold(
            _count,
            fields,
            (seen.starts, seen.counts, seen.places, whole["at"], whole["in_tokens"], whole["out_tokens"]),
        )

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Doublings over the plan, at most 6, and up to 1 for no ramp."""
        del now
        return np.asarray(self._parts(rows)[0].sum(axis=1), np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """The busiest day beside the plan, and the hours to full speed."""
        del now
        parts, values = self._parts(np.array([row]))
        ratio, hours, tokens = (float(value) for value in values[0])
        nan = twins.NAN
        beside = f", {said.times(ratio)} what its plan's busiest customers use" if row["plan"] else ""
        grown = "The first hours of this client are no longer known."
        if not row["known"]:
            grown = (
                f"It reached its full speed within {said.count(hours + 1, 'hour')} of its first request."
                if hours < _EARLY
                else "It grew over hours."
            )
        unit = "times the plan" if row["plan"] else "million tokens"
        return (
            Term("plan_ratio", ratio, unit, nan, nan, nan, float(parts[0, 0]),
                 f"On its busiest day it took {said.count(tokens, 'token')}{beside}."),
            Term("hours_to_full", hours, "h", nan, nan, nan, float(parts[0, 1]), grown),
        )  # fmt: skip

    def turn(self, rows: NDArray[np.void]) -> NDArray[np.void]:
        """Only that the client is no longer new."""
        carried = super().turn(rows)
        carried["known"] = (rows["first"] > 0) | (rows["known"] > 0)
        return carried

    def merge(self, rows: NDArray[np.void]) -> np.void:
        """One row as if all the rows' events were one client's; plans add up."""
        out = merging.merged(rows, {"first": merging.smallest_known})
        first = int(out["first"])
        kept = _hours(rows) < first + _EARLY
        out["early"] = np.minimum(np.where(kept, rows["early"], 0).sum(axis=0, dtype=np.int64), _U16)
        return out

    def _parts(self, rows: NDArray[np.void]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The doublings over the plan and the ramp's part; the ratio, the hours and the tokens shown."""
        tokens = rows["days"].max(axis=1, initial=0).astype(np.float64) * _UNIT
        plan = np.where(rows["plan"] > 0, rows["plan"], YARDSTICK) * 1_000.0
        ratio = tokens / plan
        over = np.minimum(np.log2(1.0 + ratio), 6.0)
        early = np.take_along_axis(rows["early"], (rows["first"][:, None] + np.arange(_EARLY)) % _EARLY, axis=1)
        early = early.astype(np.float64) * _SMALL
        peak = np.maximum(early.max(axis=1, initial=0.0), tokens / 24.0)
        reached = early >= np.minimum(0.8 * peak, float(_U16 * _SMALL))[:, None]
        hours = np.where(reached.any(axis=1), reached.argmax(axis=1), _EARLY).astype(np.float64)
        fresh = (rows["known"] == 0) & (tokens > 0)
        ramp = np.where(fresh, (1.0 - hours / _EARLY) * tokens / (tokens + _MUCH), 0.0)
        return np.column_stack([over, ramp]), np.column_stack([ratio, np.where(fresh, hours, _EARLY), tokens])


def _spending(batch: Batch) -> Batch:
    """The exchanges that count, and the fetching of answers made in the background: only there their tokens are told.

    A fetch that is a retry counts too: the one before it failed and told no tokens.
    """
    fetched = batch["operation"] == _FETCHED
    if not fetched.any():
        return batch.counted
    told = (batch["usage"] == _REPORTED) & (batch["outcome"] <= _ABORTED) & (batch["status"] < 400)
    return batch.only(batch.counted_mask | (fetched & told))


def _hours(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """The hour that each slot of `early` holds, counted from the epoch."""
    first = rows["first"].astype(np.int64)[:, None]
    return first + (np.arange(_EARLY) - first) % _EARLY


@compiled
def _count(
    days: Numbers, first: Numbers, early: Numbers, starts: Numbers, counts: Numbers, places: Numbers, at: Numbers,
    sent: Numbers, taken: Numbers,
) -> None:  # fmt: skip
    """Add each row's events to its days and first hours; each event's tokens are rounded by themselves."""
    for row in range(len(counts)):
        ahead(days, early, row)
        begin, end = starts[row], starts[row] + counts[row]
        if begin == end:
            continue
        begun = _begun(early, row, first[row], _earliest(places, begin, end, at))
        first[row] = begun
        for nth in range(begin, end):
            place = places[nth]
            hour, tokens = _hour(at[place]), np.int64(sent[place]) + np.int64(taken[place])
            day = hour // 24 % _DAYS
            days[row, day] = min(days[row, day] + (tokens + _UNIT // 2) // _UNIT, _U32)
            if hour < begun + _EARLY:
                slot = hour % _EARLY
                early[row, slot] = min(early[row, slot] + (tokens + _SMALL // 2) // _SMALL, _U16)


@compiled
def _hour(at: float) -> int:
    """The hour since the epoch."""
    return int(min(at, _MOST * 3_600.0)) // 3_600 if at > 0.0 else 0


@compiled
def _earliest(places: Numbers, begin: int, end: int, at: Numbers) -> int:
    """The earliest hour of some events."""
    earliest = _MOST
    for nth in range(begin, end):
        earliest = min(earliest, _hour(at[places[nth]]))
    return earliest


@compiled
def _begun(early: Numbers, row: int, before: int, earliest: int) -> int:
    """The first hour of a row; an earlier one than before moves the first hours, and the last of them fall out."""
    if before == 0 or earliest >= before:
        return earliest if before == 0 else before
    for slot in range(_EARLY):
        if before + (slot - before) % _EARLY >= earliest + _EARLY:
            early[row, slot] = 0
    return earliest
