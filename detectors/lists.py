"""Public lists (D12): prompts of training lists, examination lists and the operator's baits."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import said, twins
from detectors.base import Detector, Family, Term
from detectors.batch import COUNTED_READS, Batch
from detectors.cells import hll_row, mix64
from detectors.compiled import compiled, fold
from detectors.event import Listed
from detectors.sketch import hll_count

_SHRINK = 10.0  # requests: a hit among few says little of a share
_FEW = 0.02  # a share of hits that chance and curiosity give: half of the score lies at it and above
_BAIT = 3.0  # hits of baits that are worth all
_TRAIN, _TEST, _BAITED = (int(one) for one in (Listed.TRAIN, Listed.TEST, Listed.CANARY))


class Lists(Detector):
    """The client sends the items of public training lists, or a bait that nobody else can know.

    Hypothesis
    ----------
    Pipelines harvest answers to public instruction sets; whoever examines a model sends test sets, and the
    same items again with the next model. The score is the share of requests whose payload is on a training
    list, less the share on examination lists, times how few of the hits repeat; baits published by the
    operator count by themselves.

    Misses
    ------
    Everything that is on no list the operator has given; items reworded, translated or wrapped in a
    template. Silent without lists. People paste famous questions: single hits say nothing.

    Cost
    ----
    Three counts and one table look-up an event; 36 bytes a client. The look-up in the lists is the
    extractor's.

    References
    ----------
    Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970. Spitzner, "Honeytokens: the
    other honeypot", 2003.
    """

    name: ClassVar[str] = "lists"
    version: ClassVar[int] = 1
    family: ClassVar[Family] = "content"
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = (*COUNTED_READS, "listed", "payload", "body")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("n", "<u4"),
            ("train", "<u4"),  # on a training list and on no examination list
            ("test", "<u4"),
            ("baits", "<u4"),
            ("hits", "u1", (16,)),  # distinct training items
            ("filler", "<u4"),
        ]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        seen = batch.counted
        rows["n"] += seen.counts.astype(np.uint32)
        whole = seen.whole
        if whole["listed"].any():
            own = [rows[name] for name in ("train", "test", "baits", "hits")]
            events = seen.starts, seen.counts, seen.places
            fold(_fold, own, (*events, whole["listed"], whole["payload"], whole["body"]))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Training hits less examination hits, and baits; 0 to 15."""
        del now
        walked, bait, _ = self._parts(rows)
        return np.asarray(walked + bait, np.float32)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """The share of training items, what examination items and repeats took away, and baits."""
        del now
        walked, bait, values = self._parts(np.array([row]))
        train, test, repeated, whole = (float(v) for v in values[0])
        nan = twins.NAN
        lost = float(walked[0]) - whole
        return (
            Term("training_items", train, "share", nan, nan, nan, whole,
                 f"{twins.percent(train)} of its prompts are items of public training lists."),
            Term("baits", float(row["baits"]), "count", nan, nan, nan, float(bait[0]),
                 f"It sent {said.count(int(row['baits']), 'prompt')} published as bait."),
            Term("examination_items", test, "share", nan, nan, nan, lost * _part(test, repeated),
                 f"{twins.percent(test)} of its prompts are items of public examination lists."),
            Term("listed_repeats", repeated, "share", nan, nan, nan, lost * _part(repeated, test),
                 f"It sends list items that it sent before in {twins.percent(repeated)} of their uses."),
        )  # fmt: skip

    def _parts(self, rows: NDArray[np.void]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        n = rows["n"].astype(np.float64)
        hits, test = rows["train"].astype(np.float64), rows["test"].astype(np.float64)
        share = hits / (n + _SHRINK)
        whole = 10.0 * share * (1.0 + _FEW) / (share + _FEW)
        # The distinct count of so few registers is off by a quarter: only what is beyond counts as repeated.
        repeated = np.clip(1.0 - 1.3 * hll_count(rows["hits"]) / np.maximum(hits, 1.0), 0.0, 1.0) * (hits > 0)
        examined = test / np.maximum(hits + test, 1.0)
        walked = whole * (1.0 - repeated) * (1.0 - examined)
        bait = 5.0 * np.minimum(rows["baits"] / _BAIT, 1.0)
        total = np.maximum(n, 1.0)
        return walked, bait, np.column_stack([hits / total, test / total, repeated, whole])


def _part(one: float, other: float) -> float:
    """One's part of the two."""
    return one / (one + other) if one + other > 0.0 else 0.5


@compiled
def _fold(
    train: NDArray[np.uint32],
    test: NDArray[np.uint32],
    baits: NDArray[np.uint32],
    hits: NDArray[np.uint8],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    listed: NDArray[np.uint8],
    payload: NDArray[np.uint64],
    body: NDArray[np.uint64],
) -> None:
    """Count the requests that are on a list, and the distinct ones of them that are on training lists alone."""
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            on = np.int64(listed[place])
            if on & _BAITED:
                baits[row] += np.uint32(1)
            if on & _TEST:
                test[row] += np.uint32(1)
            elif on & _TRAIN:
                train[row] += np.uint32(1)
                hll_row(hits, row, mix64(payload[place] or body[place]))
