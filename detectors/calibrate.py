"""Raw scores to p-values and evidence: client against client, within the peer group, at the same look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
    size = reference.sizes[detector, group, look]
    tails = reference.tails[detector, group, look]
    reached = (tails >= scores[:, None]).sum(axis=1)
    beyond = np.append(RANKS, np.iinfo(np.int64).max)[reached] - 1
    return np.asarray((1.0 + np.minimum(beyond, size)) / (1.0 + size), np.float64)


def floors(reference: Reference, detector: int, groups: NDArray[np.integer], looks: NDArray[np.integer]
           ) -> NDArray[np.float64]:  # fmt: skip
    """The smallest p that each client's cell can resolve: that of a score above every ordinary client's."""
    if detector < 0 or not len(groups):
        return np.ones(len(groups))
    look = np.clip(looks.astype(np.int64) - 1, 0, _deepest(reference, detector))
    size = reference.sizes[detector, groups, look]
    weight = size / (size + SHRINK)
    pooled = 1.0 / (1.0 + reference.sizes[detector, -1, look])
    return np.asarray(weight * (1.0 / (1.0 + size)) + (1.0 - weight) * pooled)


def p_values(reference: Reference, detector: int, groups: NDArray[np.integer], looks: NDArray[np.integer],
             scores: NDArray[np.float32]) -> NDArray[np.float64]:  # fmt: skip
    """The p of each client's score for its peer group and look, drawn to all clients where the group is small.

    `looks` counts from 1; `detector` is an index into the reference, -1 where it does not know the
    detector. A silent detector (score 0 or less) and an unknown one have p = 1.
    """
    p = np.ones(len(scores))
    if detector < 0 or not len(scores):
        return p
    everyone = np.full(len(scores), len(reference.groups))
    look = np.clip(looks.astype(np.int64) - 1, 0, _deepest(reference, detector))
    size = reference.sizes[detector, groups, look]
    weight = size / (size + SHRINK)
    pooled = rank_p(reference, detector, everyone, look, scores)
    mixed = weight * rank_p(reference, detector, groups, look, scores) + (1.0 - weight) * pooled
    speaking = scores > 0.0
    p[speaking] = mixed[speaking]
    return p


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
    out, least = np.ones((2, len(p), count))
    for family in range(count):
        sums = weighted(reference, place, members, family, p)
        out[:, family] = p_values(reference, first + family, groups, looks, sums)
        least[:, family] = floors(reference, first + family, groups, looks)
    return out, least


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
    enough = np.flatnonzero(reference.joint_sizes >= SHRINK)
    look = np.clip(looks.astype(np.int64) - 1, 0, int(enough[-1]) if len(enough) else 0)
    size, tails = reference.joint_sizes[look], reference.joint_tails[look]
    reached = (tails >= odds[:, None].astype(np.float32)).sum(axis=1)
    beyond = np.append(RANKS, np.iinfo(np.int64).max)[reached] - 1
    p = (1.0 + np.minimum(beyond, size)) / (1.0 + size)
    further = np.where(size > 0, np.maximum(odds - tails[:, 0], 0.0), 0.0)
    return np.asarray(further - np.log(p), np.float64)


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
