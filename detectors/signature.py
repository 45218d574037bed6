"""Signature misuse (D4b): sealed reasoning is shown to the provider by others, or in unrelated conversations."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors import said, twins
from detectors.base import Detector, Family, Term
from detectors.batch import Batch
from detectors.compiled import compiled, fold

_OTHERS = 3.0  # requests with another account's signature that score 1; one may be a support case replayed
_MOVED = 3.0  # refused bodies taken over that score 0.9
_ALONE = 0.9


class Signature(Detector):
    """A reasoning signature is presented by another account than it was issued to, or in several conversations.

    Hypothesis
    ----------
    A signature belongs to one place in one conversation. Who saves it, opens another session and asks for it to be
    spelled out, presents it where it does not belong. The worker's ledger of issued signatures marks each request:
    level 1, another account's signature in another conversation; level 2, one signature in three conversations or
    more that are none of its own; level 3, such a request that also asks for the reasoning. One request of level
    3 scores 2, one of level 2 scores 1, three of level 1 score 1: the tripwire. Bodies that were refused to another
    client seconds before add up to 0.9, and are the campaign detector's matter.

    Misses
    ------
    Signatures older than the ledger, issued elsewhere, or lost with Redis; requests that are scored before the
    answer that issued the signature, on another partition. Keys of one company that nobody declared as one account
    share conversations: a conversation that goes on under another key is no misuse. Trimmed or branched histories
    keep their opening, and are none either.

    Cost
    ----
    Three comparisons an event; 24 bytes a client. The ledger's cost is the worker's.

    References
    ----------
    Anthropic, threat report of September 2026 (cross-session replay of signatures); provider documentation of
    encrypted thinking blocks.
    """

    name: ClassVar[str] = "signature"
    version: ClassVar[int] = 1
    family: ClassVar[Family] = "coordination"
    tripwire: ClassVar[bool] = True
    scale: ClassVar[Literal["evidence", "rank"]] = "rank"
    reads: ClassVar[tuple[str, ...]] = ("foreign", "moved", "presented")
    horizons: ClassVar[tuple[float, ...]] = (7 * 86_400.0,)
    state: ClassVar[np.dtype[np.void]] = np.dtype(
        [("presented", "<u4"), ("foreign", "<u4", (3,)), ("moved", "<u4"), ("spare", "<u4")]
    )

    def update(self, rows: NDArray[np.void], batch: Batch) -> None:
        """Fold a batch into its clients' rows, in place."""
        whole = batch.whole
        told = whole["foreign"], whole["moved"], whole["presented"]
        if any(one.any() for one in told):
            own = [rows[name] for name in ("presented", "foreign", "moved")]
            fold(_fold, own, (batch.starts, batch.counts, batch.places, *told))

    def score(self, rows: NDArray[np.void], now: float) -> NDArray[np.float32]:
        """Weighted requests of each level, and bodies moved; 0 to 6.9."""
        del now
        return np.asarray(_parts(rows).sum(axis=1), np.float32)

    def armed(self, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        """Those that count anything but signatures of their own."""
        return np.asarray(rows["foreign"].any(axis=1) | (rows["moved"] > 0), np.bool_)

    def explain(self, row: np.void, now: float) -> tuple[Term, ...]:
        """Requests of each level, and bodies taken over from a refused client."""
        del now
        parts = _parts(np.array([row]))[0]
        first, second, third = (int(count) for count in row["foreign"])
        moved, presented = int(row["moved"]), int(row["presented"])
        nan = twins.NAN
        told = (
            ("others_signatures", first,
             f"It presented another account's sealed reasoning in another conversation {said.count(first, 'time')}."),
            ("fanned_out", second,
             f"It presented sealed reasoning that stands in three or more unrelated conversations "
             f"{said.count(second, 'time')}."),
            ("fanned_out_asked", third,
             f"It presented such sealed reasoning and asked for it to be written out {said.count(third, 'time')}."),
            ("taken_over", moved,
             f"It sent {said.count(moved, 'request')} that another client had been refused within ten seconds before."),
            ("presented", presented, f"It presented sealed reasoning {said.count(presented, 'time')} in all."),
        )  # fmt: skip
        shares = (*parts.tolist(), 0.0)
        return tuple(
            Term(name, float(count), "count", nan, nan, nan, share, sentence)
            for (name, count, sentence), share in zip(told, shares, strict=True)
        )


@compiled
def _fold(
    presented: NDArray[np.uint32],
    levels: NDArray[np.uint32],
    moved: NDArray[np.uint32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    places: NDArray[np.int64],
    foreign: NDArray[np.uint8],
    taken: NDArray[np.uint8],
    signed: NDArray[np.uint64],
) -> None:
    """Count the requests that present a signature, those of each level, and the bodies taken over."""
    for row in range(len(counts)):
        for nth in range(starts[row], starts[row] + counts[row]):
            place = places[nth]
            presented[row] += np.uint32(signed[place] != 0)
            moved[row] += np.uint32(taken[place] != 0)
            if foreign[place]:
                levels[row, min(int(foreign[place]), 3) - 1] += np.uint32(1)


def _parts(rows: NDArray[np.void]) -> NDArray[np.float64]:
    """What each level and the bodies moved add to the score."""
    levels = rows["foreign"].astype(np.float64)
    one = np.minimum(levels[:, 0] / _OTHERS, 1.0)
    two = np.minimum(levels[:, 1], 2.0)
    three = np.minimum(2.0 * levels[:, 2], 3.0)
    moved = np.minimum(rows["moved"] / _MOVED, 1.0) * np.clip(_ALONE - one, 0.0, _ALONE)
    return np.column_stack([one, two, three, np.where((two > 0) | (three > 0), 0.0, moved)])
