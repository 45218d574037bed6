"""Fitting: rows of ordinary clients at each look to a Reference; the only part that needs scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from detectors import calibrate, fuse, profile
from detectors.base import Detector, Level
from detectors.reference import GRID, LOOKS, RANKS, Reference

WATCH_RATE = 0.01  # the share of ordinary clients that may ever be watched, and reviewed, in one window
REVIEW_RATE = 0.001
LEAST_REVIEW = float(-2.0 * np.log(fuse.RARE))  # two families that just speak
LEAST_WATCH = float(-np.log(fuse.RARE))
_MARGIN = 0.05  # nats above the last ordinary client that must stay below


class Snapshot(NamedTuple):
    """The rows of the ordinary clients that reached one look, with each client's number."""

    clients: NDArray[np.int64]
    rows: NDArray[np.void]


def fit(
    detectors: Sequence[Detector],
    snapshots: Sequence[Snapshot],
    about: dict[str, Any],
    *,
    groups: int = 8,
    least: int = 150,
    seed: int = 0,
) -> Reference:
    """The reference of ordinary clients, one Snapshot a look of LOOKS (fewer where no client got further).

    At most `groups` peer groups, none of fewer than `least` clients. Raises ValueError where a look's
    clients are not among those of the look before.
    """
    _check(snapshots)
    latest = _latest(snapshots)
    center, scale, centroids = _group(profile.features(latest["profile"]), groups, least, seed)
    names = _name(centroids * scale + center)
    cells = len(centroids) + 1
    shell = Reference(
        detectors=tuple((one.name, one.version) for one in detectors),
        groups=names,
        center=center,
        scale=scale,
        centroids=centroids,
        sizes=np.zeros((len(detectors), cells, len(LOOKS)), np.int64),
        tails=np.full((len(detectors), cells, len(LOOKS), len(RANKS)), -np.inf, np.float32),
        terms=(),
        percentiles=np.zeros((0, cells, len(GRID)), np.float32),
        watch=np.full(len(LOOKS), LEAST_WATCH, np.float32),
        review=np.full(len(LOOKS), LEAST_REVIEW, np.float32),
        about={},
    )
    evidence = _tails(detectors, snapshots, shell)
    _thresholds(detectors, evidence, shell)
    terms, percentiles = _percentiles(detectors, latest, shell)
    known = {name: getattr(shell, name) for name in Reference.__dataclass_fields__}
    return Reference(
        **known | {"terms": terms, "percentiles": percentiles, "about": about | _rates(detectors, evidence, shell)}
    )


def _check(snapshots: Sequence[Snapshot]) -> None:
    for before, after in pairwise(snapshots):
        if not np.isin(after.clients, before.clients).all():
            raise ValueError("a client reached a look without the one before")


def _latest(snapshots: Sequence[Snapshot]) -> NDArray[np.void]:
    """Each client's row at the last look it reached."""
    latest = snapshots[0].rows.copy()
    for one in snapshots[1:]:
        latest[np.searchsorted(snapshots[0].clients, one.clients)] = one.rows
    return latest


def _group(
    features: NDArray[np.float64], groups: int, least: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Centre, scale and centroids of the peer groups; a group that is too small joins its neighbours."""
    center = features.mean(axis=0)
    scale = np.maximum(features.std(axis=0), 1e-3)
    place = (features - center) / scale
    for count in range(groups, 0, -1):
        model = KMeans(count, n_init=10, random_state=seed).fit(place)
        if np.bincount(model.labels_, minlength=count).min() >= least:
            order = np.argsort(-np.bincount(model.labels_, minlength=count), kind="stable")
            return center, scale, np.asarray(model.cluster_centers_, np.float64)[order]
    return center, scale, place.mean(axis=0, keepdims=True)


def _name(centers: NDArray[np.float64]) -> tuple[str, ...]:
    """Each group in words, from where its centre stands; numbered where two read the same."""
    names: list[str] = []
    for center in centers:
        at = dict(zip(profile.FEATURES, center.tolist(), strict=True))
        turns = "conversations" if at["multi_turn_share"] > 0.4 else "single questions"
        if at["structured_share"] > 0.5:
            turns = (
                "agent conversations with tools" if at["multi_turn_share"] > 0.4 else "calls with a fixed output format"
            )
        answer = 2.0 ** at["log_answer_chars"]
        size = (
            "labels"
            if answer < 40
            else "short answers"
            if answer < 250
            else "answers"
            if answer < 900
            else "long answers"
        )
        prompt = "long texts" if at["log_payload_chars"] > 9.6 else "short texts"
        people = ", end users named" if at["end_user_share"] > 0.5 else ""
        name = f"{turns}, {prompt} in, {size} out{people}"
        names.append(name if name not in names else f"{name} ({sum(n.startswith(name) for n in names) + 1})")
    return tuple(names)


class _Evidence(NamedTuple):
    """What the reference says of its own clients at one look, each left out in turn."""

    clients: NDArray[np.int64]
    p: NDArray[np.float64]  # (clients, detectors)


def _tails(detectors: Sequence[Detector], snapshots: Sequence[Snapshot], shell: Reference) -> list[_Evidence]:
    """Fill `shell`'s sizes and tails; the leave-one-out p-values of each look."""
    out = []
    for look, shot in enumerate(snapshots):
        group = shell.group_of(profile.features(shot.rows["profile"]))
        p = np.ones((len(shot.rows), len(detectors)))
        for column, detector in enumerate(detectors):
            scores = detector.score(shot.rows[detector.name], 0.0)
            pooled = _leave_one_out(scores, scores)
            for cell in range(len(shell.centroids) + 1):
                inside = np.ones(len(scores), np.bool_) if cell == len(shell.centroids) else group == cell
                held = np.sort(scores[inside])[::-1]
                shell.sizes[column, cell, look] = len(held)
                kept = RANKS[np.less_equal(RANKS, len(held))]
                shell.tails[column, cell, look, : len(kept)] = held[kept - 1]
                if cell < len(shell.centroids) and len(held):
                    weight = len(held) / (len(held) + calibrate.SHRINK)
                    own = _leave_one_out(held, scores[inside])
                    p[inside, column] = weight * own + (1.0 - weight) * pooled[inside]
            p[scores <= 0.0, column] = 1.0
        out.append(_Evidence(shot.clients, p))
    return out


def _leave_one_out(held: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """p of each of `scores`, which are among `held`, against the others."""
    ascending = np.sort(held)
    return (len(held) - np.searchsorted(ascending, scores, side="left")) / len(held)


def _thresholds(detectors: Sequence[Detector], evidence: Sequence[_Evidence], shell: Reference) -> None:
    """The fused score that a look's share of the budget lets ordinary clients reach; later looks as the last."""
    families = [one.family for one in detectors]
    watch, review = LEAST_WATCH, LEAST_REVIEW
    for look in range(len(LOOKS)):
        if look < len(evidence) and len(evidence[look].clients) >= calibrate.SHRINK:
            fused = fuse.fuse(evidence[look].p, calibrate.nats(evidence[look].p), families)
            both = np.where(fuse.two_kinds(fused.p), fused.score, 0.0)
            share = calibrate.spending(look + 1)
            watch = max(LEAST_WATCH, _exceeded_by(fused.score, WATCH_RATE * share))
            review = max(LEAST_REVIEW, _exceeded_by(both, REVIEW_RATE * share))
        shell.watch[look], shell.review[look] = watch, review


def _exceeded_by(scores: NDArray[np.float64], rate: float) -> float:
    """The level that at most a share `rate` of `scores` reach; just above all where they cannot resolve it."""
    allowed = int(rate * len(scores))
    return float(np.sort(scores)[::-1][allowed]) + _MARGIN


def _percentiles(
    detectors: Sequence[Detector], latest: NDArray[np.void], shell: Reference
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """The percentiles of every explained number, by group."""
    group = shell.group_of(profile.features(latest["profile"]))
    names: list[str] = []
    columns: list[NDArray[np.float64]] = []
    for detector in detectors:
        told = [detector.explain(row, 0.0) for row in latest[detector.name]]
        names += [f"{detector.name}.{term.feature}" for term in told[0]]
        columns += list(np.array([[term.value for term in terms] for terms in told]).T)
    values = np.column_stack(columns)
    cells = [np.percentile(values[group == cell], GRID, axis=0) for cell in range(len(shell.centroids))]
    cells.append(np.percentile(values, GRID, axis=0))
    return tuple(names), np.stack(cells).transpose(2, 0, 1).astype(np.float32)


def _rates(detectors: Sequence[Detector], evidence: Sequence[_Evidence], shell: Reference) -> dict[str, Any]:
    """How many ordinary clients would ever have been told of, and what each look can resolve."""
    families = [one.family for one in detectors]
    clients = evidence[0].clients
    level = np.zeros(len(clients), np.uint8)
    most = level.copy()
    for look, one in enumerate(evidence):
        place = np.searchsorted(clients, one.clients)
        fused = fuse.fuse(one.p, calibrate.nats(one.p), families)
        level[place] = fuse.levels(shell, fused, np.full(len(place), look + 1), level[place])
        most = np.maximum(most, level)
    return {
        "clients": len(clients),
        "ever_watched": int((most == Level.WATCH).sum()),
        "ever_reviewed": int((most == Level.REVIEW).sum()),
        "resolvable": [round(1.0 / (1.0 + len(one.clients)), 6) for one in evidence],
    }
