"""Variant search (D4c): a refused extraction is reworded again and again, and what got through is sent in numbers."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import merging, said, twins
from detectors.ahead import ahead
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.cells import mix64
from detectors.compiled import compiled, fold
from detectors.exchange import Outcome, Refusal

ENOUGH = 20.0  # distinct variants within a day
SEARCH = 5.0 * ENOUGH  # a search so wide needs no winner to be looked at
SCALED = 20.0  # requests like the refused ones that were answered: the winner, sent in numbers
ALONE = 0.9  # the most that a search without a winner, or one for something else, scores
_NONE, _FRONTIER, _EXTRACTION = (int(one) for one in (Refusal.NONE, Refusal.FRONTIER_LLM, Refusal.REASONING_EXTRACTION))
_OK = int(Outcome.OK)
_HALF = 43_200.0
_SLOTS = 16  # half days: a window of seven days touches 15, so that one is empty between its last and its first
_BINS = (0, 4)  # of the sketch's values
_CELLS = 8
_ALIKE = 0.5  # mean similarity of rewordings of one request
_REFUSED = 0.3  # of the day's requests: a product is refused now and then, a search nearly always
_BITS = 128
_U8, _U16 = 255, 65_535

Numbers = NDArray[Any]


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
    Two counts for an answered request, a few more for a refused one; 128 bytes a client.

    References
    ----------
    Anthropic, threat report of September 2026 (a search of 12,000 variants, winners then scaled). Broder, "On the
    resemblance and containment of documents", 1997. Whang et al., "A linear-time probabilistic counting
    algorithm", 1990.
    """

    name: ClassVar[str] = "variants"
    version: ClassVar[int] = 2
    family: ClassVar[Family] = "content"
    tripwire: ClassVar[bool] = True
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = ("status", "outcome", "refusal", "at", "sketch")
    horizons: ClassVar[tuple[float, ...]] = (86_400.0, 7 * 86_400.0)
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),  # refused for extraction
            ("others", "<u4"),  # refused for something else
            ("refused", "<u2", (_SLOTS,)),  # of `n`, by half day modulo 16; saturating
            ("served", "<u2", (_SLOTS,)),  # answered requests, by half day; saturating: then nobody knows the share
            ("seen", "u1", (_BITS // 8,)),  # distinct sketches of `n`, a bit each
            ("other_seen", "<u8"),  # and of `others`
            ("bins", "u1", (len(_BINS), _CELLS)),  # of `n`: how often which value of the sketch; saturating
            ("answered", "<u2", (_CELLS,)),  # answered requests by the first of those values; saturating
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        whole = batch.whole
        told = whole["status"], whole["refusal"], whole["at"], whole["sketch"]
        columns = (batch.starts, batch.counts, batch.places, *told)
        fold(_count_answered, (rows["served"], rows["answered"]), (*columns, whole["outcome"]))
        if whole["refusal"].any():
            names = ("n", "others", "refused", "seen", "other_seen", "bins")
            fold(_count_refused, [rows[name] for name in names], columns)

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Variants over 20 up to 0.9, more with a winner or from 100 on; 0 to 3."""
        del now
        return np.asarray(self._parts(rows)[0].sum(axis=1), np.float32)

    def armed(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Those refused for extraction often enough: there are never more variants than such requests."""
        return np.asarray(rows["n"] >= ENOUGH, np.bool_)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """The variants, the winner, and refusals for something else."""
        del now
        parts, values = self._parts(np.array([row]))
        variants, alike, winners, share, others = (float(value) for value in values[0])
        nan = twins.NAN
        return (
            Term("refused_variants", variants, "count", nan, nan, nan, float(parts[0, 0]),
                 f"Within a day about {said.count(variants, 'variant')} of one request of its came to be refused as "
                 "extraction."),
            Term("winner_sent", winners, "count", nan, nan, nan, float(parts[0, 1]),
                 f"It was answered about {said.count(winners, 'request')} like the refused ones."),
            Term("other_refusals", others, "count", nan, nan, nan, float(parts[0, 2]),
                 f"It was refused about {said.count(others, 'different request')} for something else."),
            Term("variants_alike", alike, "share", nan, nan, nan, 0.0,
                 f"Any two of its refused requests have about {twins.percent(alike)} of their wording in common."),
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
        full = rows["served"] == _U16  # it was answered more often than was counted
        unknown = np.take_along_axis(full | np.roll(full, 1, axis=1), day[:, None], axis=1)[:, 0]
        share = np.where(unknown, 0.0, most / np.maximum(most + served, 1.0))
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


def _days(slots: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Of each half day, it and the one before together: never more than 24 hours."""
    half = slots.astype(np.float64)
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


@compiled
def _count_answered(
    served: Numbers, answered: Numbers, starts: Numbers, counts: Numbers, places: Numbers, status: Numbers,
    refusal: Numbers, at: Numbers, sketch: Numbers, outcome: Numbers,
) -> None:  # fmt: skip
    """Count each row's answered requests by half day, and by the first watched value of the sketch."""
    for row in range(len(counts)):
        ahead(served, answered, row)
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            fine = outcome[place] == _OK and 0 < status[place] < 400
            if not fine or refusal[place] != _NONE:
                continue
            half, cell = _half(at[place]), _cell(sketch[place, _BINS[0]])
            served[row, half] = min(served[row, half] + 1, _U16)
            answered[row, cell] = min(answered[row, cell] + 1, _U16)


@compiled
def _count_refused(
    n: Numbers, others: Numbers, refused: Numbers, seen: Numbers, other_seen: Numbers, bins: Numbers, starts: Numbers,
    counts: Numbers, places: Numbers, status: Numbers, refusal: Numbers, at: Numbers, sketch: Numbers,
) -> None:  # fmt: skip
    """Count each row's requests that were refused as extraction, and those refused for something else."""
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            # A refused rate or right says nothing of the content.
            idle = refusal[place] == _NONE or status[place] == 429 or status[place] == 403
            if idle:
                continue
            whole = _whole(sketch, place)
            if refusal[place] != _FRONTIER and refusal[place] != _EXTRACTION:
                others[row] += np.uint32(1)
                other_seen[row] |= np.uint64(1) << (whole & np.uint64(63))
                continue
            n[row] += np.uint32(1)
            half, bit = _half(at[place]), np.int64(whole & np.uint64(_BITS - 1))
            refused[row, half] = min(refused[row, half] + 1, _U16)
            seen[row, bit >> 3] |= 1 << (bit & 7)
            for watched in range(len(_BINS)):
                cell = _cell(sketch[place, _BINS[watched]])
                bins[row, watched, cell] = min(bins[row, watched, cell] + 1, _U8)


@compiled
def _half(at: float) -> int:
    """The half day's slot."""
    return int(min(at, 2.0**40) * (1.0 / _HALF)) % _SLOTS if at > 0.0 else 0


@compiled
def _cell(value: np.uint32) -> int:
    """The cell of a value of a sketch."""
    return int((mix64(np.uint64(value)) >> np.uint64(7)) & np.uint64(_CELLS - 1))


@compiled
def _whole(sketch: Numbers, place: int) -> np.uint64:
    """One number of an event's whole sketch."""
    whole = np.uint64(0)
    for value in range(sketch.shape[1]):
        whole = mix64(whole + np.uint64(sketch[place, value]) + np.uint64(1))
    return whole
