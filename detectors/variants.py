"""Variant search (D4c): a refused extraction is reworded again and again, and what got through is sent in numbers."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import merging, twins
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.event import Flag
from detectors.exchange import Outcome, Refusal
from detectors.sketch import mix

ENOUGH = 20.0  # distinct variants within a day
SEARCH = 5.0 * ENOUGH  # a search so wide needs no winner to be looked at
SCALED = 20.0  # requests like the refused ones that were answered: the winner, sent in numbers
ALONE = 0.9  # the most that a search without a winner, or one for something else, scores
_NAMED = (Refusal.FRONTIER_LLM, Refusal.REASONING_EXTRACTION)
_HALF = 43_200.0
_SLOTS = 15  # half days that a window of seven days can touch
_BINS = (0, 4)  # of the sketch's values
_CELLS = 8
_ALIKE = 0.5  # mean similarity of rewordings of one request
_REFUSED = 0.3  # of the day's requests: a product is refused now and then, a search nearly always
_BITS = 128


class Variants(Detector):
    """Many rewordings of one refused request within a day, then many requests like the one that got through.

    Hypothesis
    ----------
    Who looks for the wording that gets past a classifier sends variant after variant of one request and is refused
    nearly each time; then the winner is scaled up. Counted are requests that the provider refused as extraction of
    reasoning or as help towards a competing model, distinct by their sketch, in the day that has most of them,
    times how alike they are (the chance that two share a value of the sketch is their Jaccard similarity). 20
    variants and a winner sent 20 times, or 100 variants, score 1: the tripwire.

    Misses
    ------
    Providers that name no category, searches spread over days or clients, refusals written as ordinary answers.
    Red-team tools and jailbreak research are refused for harm: another category, which scores at most 0.9 here.
    A product whose requests are refused now and then is answered in most: it is left out by the share refused.

    Cost
    ----
    One comparison an event; four look-ups for a refused or answered one of a client that was refused; 96 bytes a
    client.

    References
    ----------
    Anthropic, threat report of September 2026 (a search of 12,000 variants, winners then scaled). Broder, "On the
    resemblance and containment of documents", 1997. Whang et al., "A linear-time probabilistic counting
    algorithm", 1990.
    """

    name: ClassVar[str] = "variants"
    version: ClassVar[int] = 1
    family: ClassVar[Family] = "content"
    tripwire: ClassVar[bool] = True
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = ("flags", "status", "outcome", "refusal", "at", "sketch")
    horizons: ClassVar[tuple[float, ...]] = (86_400.0, 7 * 86_400.0)
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),  # refused for extraction
            ("others", "<u4"),  # refused for something else
            ("refused", "u1", (_SLOTS + 1,)),  # of `n`, by half day modulo 15; saturating
            ("served", "u1", (_SLOTS + 1,)),  # answered requests, by half day; saturating
            ("seen", "u1", (_BITS // 8,)),  # distinct sketches of `n`, a bit each
            ("other_seen", "<u8"),  # and of `others`
            ("bins", "u1", (len(_BINS), _CELLS)),  # of `n`: how often which value of the sketch; saturating
            ("answered", "<u2", (_CELLS,)),  # answered requests by the first of those values; saturating
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        refusal, status = batch["refusal"], batch["status"]
        # A refused rate or right says nothing of the content.
        meant = (refusal != Refusal.NONE) & (status != 429) & (status != 403) & ~batch.flag(Flag.RETRY)
        named = meant & np.isin(refusal, _NAMED)
        if meant.any():
            _count_refused(rows, batch.only(named))
            _count_others(rows, batch.only(meant & ~named))
        answered = (refusal == Refusal.NONE) & (batch["outcome"] == Outcome.OK) & (status > 0) & (status < 400)
        _count_answered(rows, batch, np.asarray(answered & ~batch.flag(Flag.RETRY), np.bool_))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Variants over 20 up to 0.9, more with a winner or from 100 on; 0 to 3."""
        del now
        return np.asarray(self._parts(rows)[0].sum(axis=1), np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """The variants, the winner, and refusals for something else."""
        del now
        parts, values = self._parts(np.array([row]))
        variants, alike, winners, share, others = (float(value) for value in values[0])
        nan = twins.NAN
        return (
            Term("refused_variants", variants, "count", nan, nan, nan, float(parts[0, 0]),
                 f"Within a day it sent about {variants:.0f} variants of one request that were refused as extraction."),
            Term("winner_sent", winners, "count", nan, nan, nan, float(parts[0, 1]),
                 f"About {winners:,.0f} requests like the refused ones were answered."),
            Term("other_refusals", others, "count", nan, nan, nan, float(parts[0, 2]),
                 f"About {others:.0f} different requests were refused for something else."),
            Term("variants_alike", alike, "share", nan, nan, nan, 0.0,
                 f"Two of its refused requests have {twins.percent(alike)} of their wording in common."),
            Term("share_refused", share, "share", nan, nan, nan, 0.0,
                 f"On that day {twins.percent(share)} of its requests were refused as extraction."),
        )  # fmt: skip

    def merge(self, rows: NDArray[np.void]) -> np.void:
        """One row as if all the rows' events were one client's."""
        added = merging.added
        rules = {"refused": added, "served": added, "bins": added, "seen": merging.either, "other_seen": merging.either}
        return merging.merged(rows, rules)

    def _parts(self, rows: NDArray[np.void]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The score's parts (search, winner, others) and the numbers shown."""
        refused = _days(rows["refused"])
        day = refused.argmax(axis=1)
        most = np.take_along_axis(refused, day[:, None], axis=1)[:, 0]
        served = np.take_along_axis(_days(rows["served"]), day[:, None], axis=1)[:, 0]
        share = most / np.maximum(most + served, 1.0)
        distinct = _distinct(np.unpackbits(rows["seen"], axis=1).sum(axis=1).astype(np.float64), _BITS)
        within = np.minimum(distinct * most / np.maximum(rows["refused"].sum(axis=1), 1.0), most)
        alike = _similarity(rows["bins"])
        variants = within * np.clip(alike / _ALIKE, 0.0, 1.0) * (share >= _REFUSED)
        winners = _winners(rows)
        wide = np.clip(variants / SEARCH, 0.0, 3.0)
        found = np.clip(np.minimum(variants / ENOUGH, winners / SCALED), 0.0, 3.0)
        search = np.minimum(variants / ENOUGH, 1.0) * ALONE
        full = np.where((found >= 1.0) | (wide >= 1.0), np.maximum(found, wide), np.minimum(search, ALONE))
        search = np.minimum(search, full)
        bits = np.unpackbits(np.ascontiguousarray(rows["other_seen"]).view(np.uint8).reshape(-1, 8), axis=1)
        others = _distinct(bits.sum(axis=1).astype(np.float64), 64)
        other = np.maximum(np.minimum(others / ENOUGH, 1.0) * ALONE - full, 0.0) / 2.0
        parts = np.column_stack([search, full - search, other])
        return parts, np.column_stack([variants, alike, winners, share, others])


def _days(slots: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Of each half day, it and the one before together: never more than 24 hours."""
    half = slots[:, :_SLOTS].astype(np.float64)
    return half + np.roll(half, 1, axis=1)


def _distinct(ones: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """How many distinct values set so many of `bits` bits: linear counting."""
    return -bits * np.log1p(-np.minimum(ones, bits - 1.0) / bits)


def _similarity(bins: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mean share of sketch values that two refused requests have in common, chance taken out."""
    counts = bins.astype(np.float64)
    n = counts.sum(axis=2)
    same = (counts * (counts - 1.0)).sum(axis=2) / np.maximum(n * (n - 1.0), 1.0)
    alike = np.clip((same - 1.0 / _CELLS) / (1.0 - 1.0 / _CELLS), 0.0, 1.0)
    return np.asarray(alike.mean(axis=1), np.float64)


def _winners(rows: NDArray[np.void]) -> NDArray[np.float64]:
    """Answered requests in the cell of the sketch value that most refused ones have, beyond the other cells."""
    answered = rows["answered"].astype(np.float64)
    cell = rows["bins"][:, 0].argmax(axis=1)
    there = np.take_along_axis(answered, cell[:, None], axis=1)[:, 0]
    beside = (answered.sum(axis=1) - there) / (_CELLS - 1)
    return np.where(rows["n"] > 0, np.maximum(there - beside, 0.0), 0.0)


def _halves(at: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray((np.clip(at, 0.0, 2.0**40) * (1.0 / _HALF)).astype(np.int64) % _SLOTS)


def _sketch(batch: Batch) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """One number of each event's whole sketch, and the cells of the values that are watched."""
    sketch = batch["sketch"].astype(np.uint64)
    whole = np.zeros(len(batch), np.uint64)
    for place in range(sketch.shape[1]):
        whole = mix(whole + sketch[:, place] + np.uint64(1))
    return whole, _cells(sketch[:, list(_BINS)])


def _cells(values: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
    """The cell of each value of a sketch."""
    return np.asarray((mix(values.astype(np.uint64)) >> np.uint64(7)).astype(np.int64) & (_CELLS - 1))


def _saturating(field: NDArray[np.unsignedinteger], row: NDArray[np.intp], cell: NDArray[np.int64]) -> None:
    """Count one in a cell of a row of a small field for each pair, held at the most that it can say."""
    rows, cells = field.shape
    counts = np.bincount(row * cells + cell, minlength=rows * cells).reshape(rows, cells)
    field[:] = np.minimum(counts + field, np.iinfo(field.dtype).max)


def _count_refused(rows: NDArray[np.void], batch: Batch) -> None:
    if not len(batch):
        return
    rows["n"] += batch.counts.astype(np.uint32)
    _saturating(rows["refused"], batch.index, _halves(batch["at"]))
    whole, cells = _sketch(batch)
    bit = (whole & np.uint64(_BITS - 1)).astype(np.int64)
    np.bitwise_or.at(rows["seen"], (batch.index, bit // 8), (1 << (bit % 8)).astype(np.uint8))
    for place in range(len(_BINS)):
        _saturating(rows["bins"][:, place], batch.index, cells[:, place])


def _count_others(rows: NDArray[np.void], batch: Batch) -> None:
    if not len(batch):
        return
    rows["others"] += batch.counts.astype(np.uint32)
    whole, _ = _sketch(batch)
    np.bitwise_or.at(rows["other_seen"], batch.index, np.uint64(1) << (whole & np.uint64(63)))


def _count_answered(rows: NDArray[np.void], batch: Batch, answered: NDArray[np.bool_]) -> None:
    first, at, index = batch["sketch"][:, _BINS[0]], batch["at"], batch.index
    if not answered.all():
        first, at, index = first[answered], at[answered], index[answered]
    _saturating(rows["answered"], index, _cells(first))
    _saturating(rows["served"], index, _halves(at))
