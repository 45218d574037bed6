"""Raw scores to p-values and evidence: client against client, within the peer group, at the same look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from detectors.reference import LOOKS, RANKS, Reference

CAP = float(4.0 * np.log(10.0))  # nats: no family says more than one in ten thousand
SHRINK = 200  # a group of so many clients weighs as much as all clients together


def spending(look: int) -> float:
    """The part of the false-alarm budget that look `look` (1, 2, ...) may use; the parts sum to 1."""
    return float(6.0 / (np.pi**2 * look**2))


def rank_p(reference: Reference, detector: int, group: NDArray[np.integer], look: NDArray[np.integer],
           scores: NDArray[np.float32]) -> NDArray[np.float64]:  # fmt: skip
    """Conformal right-tail p in one cell each: (1 + ordinary clients that score as high) / (1 + clients).

    Between the ranks that are kept the count is taken as high as it can be, so p is never too small; it
    is at least 1 / (1 + clients), the level that the cell can resolve.
    """
    return _tail_p(reference.sizes[detector, group, look], reference.tails[detector, group, look], scores)


def _tail_p(size: NDArray[np.int64], tails: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """The conformal p of each score, shape (rows,), in its own cell: `size` (rows,), `tails` (rows, RANKS)."""
    reached = (tails >= scores[:, None]).sum(axis=1)
    beyond = np.append(RANKS, np.iinfo(np.int64).max)[reached] - 1
    return np.asarray((1.0 + np.minimum(beyond, size)) / (1.0 + size), np.float64)


def cells(
    reference: Reference,
    place: NDArray[np.int64],
    groups: NDArray[np.integer],
    looks: NDArray[np.integer],
    scores: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The p of each client's scores, and the smallest p that its cells can resolve: both shaped like `scores`.

    `scores` has shape (clients, detectors); `place[k]` is detector k's index into the reference, -1 where it
    does not know it; `looks` counts from 1. A client is compared within its peer group and look, and drawn to
    all clients where the group is small; with all clients alone where the reference has no group of that number. A
    silent detector (score 0 or less) and an unknown one have p = 1.
    """
    everyone = reference.sizes.shape[1] - 1
    known = np.where((groups >= 0) & (groups < everyone), groups, everyone)  # compiled code looks at no bounds
    p, least = np.ones((2, *scores.shape))
    deepest = np.array([_deepest(reference, int(one)) if one >= 0 else 0 for one in place], np.int64)
    _fill(
        p, least, np.ascontiguousarray(scores), place, deepest, known.astype(np.int64), looks.astype(np.int64),
        reference.sizes, reference.tails, RANKS,
    )  # fmt: skip
    return p, least


@compiled
def _fill(
    p: NDArray[np.float64],
    least: NDArray[np.float64],
    scores: NDArray[np.float32],
    place: NDArray[np.int64],
    deepest: NDArray[np.int64],
    groups: NDArray[np.int64],
    looks: NDArray[np.int64],
    sizes: NDArray[np.int64],
    tails: NDArray[np.float32],
    ranks: NDArray[np.int64],
) -> None:
    """Fill `p` and `least`, in place, where the reference knows the detector."""
    for one in range(len(place)):
        known = place[one]
        if known < 0:
            continue
        everyone = sizes.shape[1] - 1
        for row in range(len(scores)):
            look = min(max(looks[row] - 1, 0), deepest[one])
            size, all_size = sizes[known, groups[row], look], sizes[known, everyone, look]
            weight = size / (size + SHRINK)
            least[row, one] = weight * (1.0 / (1.0 + size)) + (1.0 - weight) * (1.0 / (1.0 + all_size))
            if scores[row, one] > 0.0:
                own = _rank_p(tails[known, groups[row], look], size, scores[row, one], ranks)
                pooled = _rank_p(tails[known, everyone, look], all_size, scores[row, one], ranks)
                p[row, one] = weight * own + (1.0 - weight) * pooled


@compiled
def _rank_p(tails: NDArray[np.float32], size: int, score: float, ranks: NDArray[np.int64]) -> float:
    """`rank_p` of one score in one cell."""
    reached = 0
    while reached < len(tails) and tails[reached] >= score:
        reached += 1
    beyond = ranks[reached] - 1 if reached < len(ranks) else size
    return float((1.0 + min(beyond, size)) / (1.0 + size))


def families(
    reference: Reference,
    place: Sequence[int],
    members: Sequence[int],
    groups: NDArray[np.integer],
    looks: NDArray[np.integer],
    p: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The p of each family's evidence together, and its floors: shape (clients, families); None where it is unknown.

    `p` has shape (clients, detectors); `place` finds a detector in the reference, `members` its family's number. The
    weighted evidence of a family's detectors is compared with ordinary clients' once more: two that look at one fact
    are rare together no more often than ordinary clients make them, and two that agree on a client by chance are.
    """
    first = len(reference.detectors)
    count = len(reference.sizes) - first
    if count <= 0:
        return None
    sums = np.column_stack([weighted(reference, place, members, family, p) for family in range(count)])
    return cells(reference, np.arange(first, first + count), groups, looks, sums)


def weighted(
    reference: Reference, place: Sequence[int], members: Sequence[int], family: int, p: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The evidence of one family's detectors, added up by the re-ranker's weights; plainly where it has none."""
    total = np.zeros(len(p))
    for column, (known, member) in enumerate(zip(place, members, strict=True)):
        if known >= 0 and member == family:
            weight = float(reference.weights[known]) if len(reference.weights) else 1.0
            total += weight * nats(p[:, column])
    return np.round(total, 4).astype(np.float32)


def joint_nats(reference: Reference, looks: NDArray[np.integer], odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The joint score of log-odds, nats: -ln of their conformal p among all ordinary clients at the same look.

    Beyond the highest ordinary client p cannot fall any more: each further nat of log-odds adds one, so that
    clients keep their order.
    """
    look = np.clip(looks.astype(np.int64) - 1, 0, _joint_deepest(reference))
    size, tails = reference.joint_sizes[look], reference.joint_tails[look]
    p = _tail_p(size, tails, odds.astype(np.float32))
    further = np.where(size > 0, np.maximum(odds - tails[:, 0], 0.0), 0.0)
    return np.asarray(further - np.log(p), np.float64)


def kind_p(reference: Reference, looks: NDArray[np.integer], odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The conformal p of the log-odds by each family's own trees, among all ordinary clients at the same look.

    `odds` has shape (clients, families), as has the result; what is NaN, or not known to the reference, has p = 1.
    """
    look = np.clip(looks.astype(np.int64) - 1, 0, _joint_deepest(reference))
    size = reference.joint_sizes[look]
    p = np.ones(odds.shape)
    for family, tails in enumerate(reference.kind_tails):
        held, own = tails[look], odds[:, family].astype(np.float32)
        known = np.isfinite(own) & np.isfinite(held[:, 0])
        p[:, family] = np.where(known, _tail_p(size, held, own), 1.0)
    return p


def joint_reached(reference: Reference, share: float) -> float:
    """The log-odds that so large a share of ordinary clients reaches at the first look; 0 where none is known."""
    place = int(np.searchsorted(RANKS, reference.joint_sizes[0] * share))
    held = reference.joint_tails[0, min(place, len(RANKS) - 1)]
    return float(held) if np.isfinite(held) else 0.0


def joint_limit(reference: Reference, look: int) -> float:
    """The nats of the joint score above every ordinary client's at a look: the rarest that their number resolves."""
    return float(np.log1p(joint_size(reference, look)))


def joint_size(reference: Reference, look: int) -> int:
    """How many ordinary clients the joint score is compared with at a look."""
    return int(reference.joint_sizes[min(max(look - 1, 0), _joint_deepest(reference))])


def _joint_deepest(reference: Reference) -> int:
    enough = np.flatnonzero(reference.joint_sizes >= SHRINK)
    return int(enough[-1]) if len(enough) else 0


def _deepest(reference: Reference, detector: int) -> int:
    """The last look that enough ordinary clients reached; beyond it the shares no longer change much."""
    enough = np.flatnonzero(reference.sizes[detector, -1] >= SHRINK)
    return int(enough[-1]) if len(enough) else 0


def nats(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evidence of a p-value: -ln p, capped."""
    return np.minimum(-np.log(np.clip(p, 1e-300, 1.0)), CAP)


def look_size(look: int) -> int:
    """The number of counted requests of look `look` (1, 2, ...); 0 before the first."""
    return LOOKS[min(look, len(LOOKS)) - 1] if look > 0 else 0
