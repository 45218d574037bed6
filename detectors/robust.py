"""Robust fitting: who may be among the ordinary clients, and whether a new reference is to be trusted.

Whoever wants to be overlooked tomorrow sends what makes him look ordinary today. So clients that the present
reference finds extraordinary do not teach the next one by themselves, nobody counts for many, and a reference
that would overlook much more than the present one is not taken without a word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors import calibrate, fuse
from detectors.base import Level
from detectors.engine import Engine, taken
from detectors.fitting import Snapshot
from detectors.reference import LOOKS, RANKS, Reference

TRIM = 0.01  # of a peer group: the most extreme of those that the present reference would watch
SUSPECT = 0.05  # of all clients would be watched or reviewed: more are no tail, but something to look into
OWNER_SHARE = 0.02  # of all clients that one owner's may be,
OWNER_LEAST = 20  # or so many, where that is more
RISE = 3.0  # nats that a review's threshold may rise
DULL = 10.0  # times as common as before: what a detector's rare score may become
_RARE = 0.002


@dataclass(slots=True)
class Screened:
    """Who is left to fit on, and why others were left out."""

    snapshots: list[Snapshot]
    clients: int
    left_out: dict[str, int] = field(default_factory=dict)
    suspicious: float = 0.0  # share of clients that the present reference would watch or review
    warnings: list[str] = field(default_factory=list)


def screen(
    engine: Engine,
    snapshots: Sequence[Snapshot],
    *,
    harvesting: Collection[int] = (),
    benign: Collection[int] = (),
    owners: Mapping[int, str] | None = None,
) -> Screened:
    """The snapshots without clients known or thought to harvest, judged by the engine's present reference.

    Clients that a person called `benign` stay whatever they score. `owners` names the account or organisation
    of clients: of one owner only so many are taken, drawn by their ids.
    """
    clients = np.unique(np.concatenate([one.clients for one in snapshots]))
    level, score, group = _judged(engine, snapshots, clients)
    trusted = np.isin(clients, np.array(sorted(benign), np.uint64))
    known = np.isin(clients, np.array(sorted(harvesting), np.uint64)) & ~trusted
    review = (level == Level.REVIEW) & ~trusted & ~known
    free = ~known & ~review & ~trusted
    extreme = _extreme(group, score, free & (level >= Level.WATCH), free | trusted)
    many = _many(clients, owners or {}, ~known & ~review & ~extreme & ~trusted)
    keep = ~(known | review | extreme | many)
    out = Screened([], int(keep.sum()))
    reasons = (
        ("closed or labelled as harvesting", known),
        ("would be reviewed now, without a verdict", review),
        ("the most extreme of their peer group", extreme),
        ("more clients of one owner than count", many),
    )
    out.left_out = {name: int(mask.sum()) for name, mask in reasons if mask.any()}
    judged = max(int((~known & ~trusted).sum()), 1)
    out.suspicious = float(((level >= Level.WATCH) & ~known & ~trusted).sum()) / judged
    chosen = clients[keep]
    for one in snapshots:
        some = np.flatnonzero(np.isin(one.clients, chosen))
        out.snapshots.append(Snapshot(one.clients[some], taken(one.rows, some)))
    while out.snapshots and not len(out.snapshots[-1].clients):
        out.snapshots.pop()
    return out


def _judged(
    engine: Engine, snapshots: Sequence[Snapshot], clients: NDArray[np.uint64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.uint8]]:
    """Each client's highest level, its highest score and its last peer group, by the present reference."""
    level = np.zeros(len(clients), np.uint8)
    score, group = np.zeros(len(clients)), np.zeros(len(clients), np.uint8)
    for look, one in enumerate(snapshots, 1):
        if not len(one.clients):
            continue
        place = np.searchsorted(clients, one.clients)
        rows = one.rows.copy()
        rows["look"], rows["group"] = look, engine.judge.group(rows)
        found = engine.judge.judge(rows, 0.0).fused
        now = fuse.levels(engine.reference, found, rows["look"], np.zeros(len(rows), np.uint8))
        level[place] = np.maximum(level[place], now)
        score[place] = np.maximum(score[place], fuse.told(engine.reference, found))
        group[place] = rows["group"]
    return level, score, group


def _extreme(
    group: NDArray[np.uint8], score: NDArray[np.float64], suspects: NDArray[np.bool_], among: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The suspects with the highest scores, at most TRIM of each group."""
    out = np.zeros(len(group), np.bool_)
    for one in np.unique(group):
        most = round(TRIM * int((among & (group == one)).sum()))
        some = np.flatnonzero(suspects & (group == one))
        out[some[np.argsort(-score[some], kind="stable")[:most]]] = True
    return out


def _many(clients: NDArray[np.uint64], owners: Mapping[int, str], among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The clients of each owner beyond what one owner may bring."""
    most = max(OWNER_LEAST, int(OWNER_SHARE * int(among.sum())))
    out = np.zeros(len(clients), np.bool_)
    seen: Counter[str] = Counter()
    mixed = (clients * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(1)
    for place in np.argsort(mixed, kind="stable").tolist():
        owner = owners.get(int(clients[place]), "")
        if owner and among[place]:
            seen[owner] += 1
            out[place] = seen[owner] > most
    return out


def doubts(fitted: Reference, present: Reference) -> list[str]:
    """What the new reference would overlook that the present one does not; empty where there is little."""
    found = []
    both = min(fitted.deepest(calibrate.SHRINK), present.deepest(calibrate.SHRINK))
    for look in range(both):
        rise = float(fitted.review[look] - present.review[look])
        if np.isfinite(rise) and rise > RISE:
            found.append(
                f"at {LOOKS[look]} requests a review would begin at {fitted.review[look]:.1f} nats instead of "
                f"{present.review[look]:.1f}"
            )
    for place, (name, version) in enumerate(present.detectors):
        if (name, version) in fitted.detectors:
            now = fitted.detectors.index((name, version))
            for look in range(both):
                score = _at(present, place, look)
                before, after = _share(present, place, look, score), _share(fitted, now, look, score)
                if after > DULL * max(before, _RARE):
                    found.append(
                        f"what 1 in {1.0 / max(before, _RARE):.0f} ordinary clients scored on {name} at {LOOKS[look]} "
                        f"requests, 1 in {1.0 / after:.0f} would now"
                    )
                    break
    return found


def _at(reference: Reference, detector: int, look: int) -> float:
    """The score that one in five hundred of all clients reaches at a look (0, 1, ...)."""
    size = int(reference.sizes[detector, -1, look])
    held = reference.tails[detector, -1, look]
    kept = held[np.isfinite(held)]
    if not size or not len(kept):
        return float("inf")
    place = int(np.searchsorted(RANKS[: len(kept)], max(_RARE * size, 1.0)))
    return max(float(kept[min(place, len(kept) - 1)]), 1e-6)


def _share(reference: Reference, detector: int, look: int, score: float) -> float:
    """The share of all clients that score so high at a look (0, 1, ...)."""
    if not np.isfinite(score):
        return 0.0
    group, at = np.array([len(reference.groups)]), np.array([look])
    p = calibrate.rank_p(reference, detector, group, at, np.array([score], np.float32))
    size = int(reference.sizes[detector, -1, look])
    return float(p[0] - 1.0 / (1.0 + size)) if size else 0.0
