"""Fitting: rows of ordinary clients at each look to a Reference; the only part that needs scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest

from detectors import calibrate, fuse, leaning, levels, lifting, profile
from detectors.base import Detector, Level
from detectors.batch import Batch
from detectors.engine import Engine
from detectors.judge import BLEND, Judge
from detectors.levels import AtLook
from detectors.reference import FUSED_GRID, GRID, LOOKS, RANKS, Reference, empty


class Snapshot(NamedTuple):
    """The rows of the ordinary clients that reached one look, sorted by client."""

    clients: NDArray[np.uint64]
    rows: NDArray[np.void]


def observe(engine: Engine, events: NDArray[np.void]) -> list[Snapshot]:
    """Every client's row as it stood at each look; each client's events are taken in order of time.

    `engine` says which detectors fill the rows; its reference is not used. A client's events must lie in one
    of its windows (engine.WINDOW). Clients that did not reach the first look are left out.
    """
    order = np.lexsort((events["at"], events["client"]))
    events = events[order]
    batch = Batch(events)
    counted = batch.counted_mask.astype(np.int64)
    before = np.cumsum(counted) - counted
    ordinal = before - batch.spread(before[batch.starts])
    rows = engine.empty(batch.clients)
    out: list[Snapshot] = []
    done = 0
    for look in LOOKS:
        part = events[(ordinal >= done) & (ordinal < look)]
        if not len(part):
            break
        place = np.searchsorted(batch.clients, np.unique(part["client"]))
        some = rows[place]
        engine.step(some, part, 0.0)
        rows[place] = some
        reached = np.flatnonzero(rows["counted"] >= look)
        if not len(reached):
            break
        out.append(Snapshot(rows["client"][reached].copy(), rows[reached].copy()))
        done = look
    return out


def join(parts: Sequence[Sequence[Snapshot]]) -> list[Snapshot]:
    """Snapshots of different clients as one, sorted by client."""
    out = []
    for look in range(max(map(len, parts))):
        shots = [part[look] for part in parts if look < len(part)]
        clients = np.concatenate([shot.clients for shot in shots])
        order = np.argsort(clients)
        out.append(Snapshot(clients[order], np.concatenate([shot.rows for shot in shots])[order]))
    return out


def fit(
    detectors: Sequence[Detector],
    snapshots: Sequence[Snapshot],
    about: dict[str, Any],
    *,
    groups: int = 8,
    least: int = 150,
    seed: int = 0,
    followed: bool = True,
    weights: Mapping[int, int] | None = None,
    prior: Reference | None = None,
) -> Reference:
    """The reference of ordinary clients, one Snapshot a look of LOOKS (fewer where no client got further).

    At most `groups` peer groups, none of fewer than `least` clients. `followed` says that each client is there
    at all looks up to its last; raises ValueError where one is not. Where it is False, clients stand at one look
    each, and the budget is so much smaller (levels.py). `weights` counts some clients several times. From the
    reference `prior` the forest and the re-ranker's weights are taken over, and where it has levels of a joint score
    the clients lean on it (leaning.py).
    """
    if followed:
        _check(snapshots)
    clients, latest = _latest(snapshots)
    uses = profile.features(latest["profile"])
    center, scale, centroids = _group(uses, groups, least, seed)
    marks = lifting.landmarks((uses - center) / scale, seed)
    names = _name(centroids * scale + center)
    cells, rows = len(centroids) + 1, len(detectors) + len(fuse.FAMILIES)
    shell = replace(
        empty(),
        detectors=tuple((one.name, one.version) for one in detectors),
        groups=names,
        center=center,
        scale=scale,
        centroids=centroids,
        sizes=np.zeros((rows, cells, len(LOOKS)), np.int64),
        tails=np.full((rows, cells, len(LOOKS), len(RANKS)), -np.inf, np.float32),
        watch=np.full(len(LOOKS), levels.LEAST_WATCH, np.float32),
        review=np.full(len(LOOKS), levels.LEAST_REVIEW, np.float32),
        kind_tails=np.full((len(fuse.FAMILIES), len(LOOKS), len(RANKS)), -np.inf, np.float32),
        landmarks=marks,
        lifts=np.zeros((1 + len(fuse.FAMILIES), len(LOOKS), len(marks)), np.float32),
        **_ranking(detectors, prior),
    )
    lean = prior if leaning.can(prior) else None
    evidence = _tails(detectors, snapshots, shell, weights or {}, lean)
    if lean is not None:
        about = about | {"levels_moved_nats": levels.lean(clients, evidence, shell, lean, followed)}
    else:
        levels.spend(clients, evidence, shell, followed)
    terms, percentiles = _percentiles(detectors, latest, shell)
    found = about | _rates(clients, evidence, shell) | {"isolation_forest": _forest(detectors, latest, shell)}
    return replace(shell, terms=terms, percentiles=percentiles, about=found)


def _ranking(detectors: Sequence[Detector], known: Reference | None) -> dict[str, Any]:
    """The re-ranker's weights of another reference, for these detectors, and its forest; a new one gets the mean."""
    if known is None or not len(known.weights):
        return {} if known is None else {"forest": known.forest}
    held = {name: weight for (name, _), weight in zip(known.detectors, known.weights.tolist(), strict=True)}
    mean = float(known.weights.mean())
    weights = np.array([held.get(one.name, mean) for one in detectors])
    return {"weights": weights, "bias": known.bias, "platt": known.platt, "forest": known.forest}


def _check(snapshots: Sequence[Snapshot]) -> None:
    for before, after in pairwise(snapshots):
        if not np.isin(after.clients, before.clients).all():
            raise ValueError("a client reached a look without the one before")


def _latest(snapshots: Sequence[Snapshot]) -> tuple[NDArray[np.uint64], NDArray[np.void]]:
    """All clients, sorted, and each one's row at the last look it reached."""
    clients = np.unique(np.concatenate([one.clients for one in snapshots]))
    latest = np.zeros(len(clients), snapshots[0].rows.dtype)
    for one in snapshots:
        latest[np.searchsorted(clients, one.clients)] = one.rows
    return clients, latest


def _group(
    features: NDArray[np.float64], groups: int, least: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Centre, scale and centroids of the peer groups; a group that is too small joins its neighbours."""
    center = features.mean(axis=0)
    scale = np.maximum(features.std(axis=0), 1e-3)
    place = (features - center) / scale
    different = len(np.unique(place, axis=0))
    for count in range(min(groups, different), 0, -1):
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


def _tails(
    detectors: Sequence[Detector],
    snapshots: Sequence[Snapshot],
    shell: Reference,
    weights: Mapping[int, int],
    prior: Reference | None,
) -> list[AtLook]:
    """Fill `shell`'s sizes, tails and fused percentiles; the leave-one-out evidence of each look."""
    place = tuple(range(len(detectors)))
    judge = Judge(detectors, shell)
    out = []
    for look, shot in enumerate(snapshots):
        group = shell.group_of(profile.features(shot.rows["profile"]))
        weight = np.array([weights.get(client, 1) for client in shot.clients.tolist()], np.int64)
        p = np.ones((len(shot.rows), len(detectors)))
        scores = np.zeros(p.shape, np.float32)
        for column, detector in enumerate(detectors):
            scores[:, column] = detector.score(shot.rows[detector.name], 0.0)
            p[:, column], _ = _cells(shell, column, look, group, weight, scores[:, column])
        family_p, floors = np.ones((2, len(shot.rows), len(fuse.FAMILIES)))
        for family in range(len(fuse.FAMILIES)):
            sums = calibrate.weighted(shell, place, judge.members, family, p)
            held = _cells(shell, len(detectors) + family, look, group, weight, sums)
            family_p[:, family], floors[:, family] = held
        fused = fuse.combine(family_p, floors, None, fuse.single(p, judge.families))
        if judge.forest is not None:
            odds = judge.odds(shot.rows, scores)
            rank = odds[:, 0] + BLEND * fused.score
            uses = profile.features(shot.rows["profile"])
            odds = np.column_stack([rank, odds[:, 1:]])
            odds -= lifting.fill(shell, prior, look, weight, uses, odds)
            joint = _joint(shell, prior, look, weight, odds[:, 0])
            fused = fuse.joined(fused, joint, _kinds(shell, prior, look, weight, odds[:, 1:]))
        if len(fused.score):
            shell.fused[look] = np.percentile(fused.score, FUSED_GRID)
        out.append(AtLook(shot.clients, fused))
    nobody = np.zeros(0, np.float32), np.zeros(0, np.int64)
    for look in range(len(snapshots), len(LOOKS)):  # what the prior knows of looks that none of these clients reached
        shell.joint_sizes[look], shell.joint_tails[look] = leaning.joint_tail(prior, look, *nobody)
        for family in range(0 if prior is None else len(prior.kind_tails)):
            _, shell.kind_tails[family, look] = leaning.joint_tail(prior, look, *nobody, family)
    return out


def _joint(
    shell: Reference, prior: Reference | None, look: int, weight: NDArray[np.int64], odds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fill `shell`'s joint tail at a look; each client's leave-one-out joint score, as calibrate.joint_nats says it."""
    plain = odds.astype(np.float32)
    shell.joint_sizes[look], shell.joint_tails[look] = leaning.joint_tail(prior, look, plain, weight)
    further = np.zeros(len(plain))
    if len(plain) > 1:
        top = np.argmax(plain)
        _, others = leaning.joint_tail(prior, look, np.delete(plain, top), np.delete(weight, top))
        further[top] = max(float(plain[top] - others[0]), 0.0)
    return np.asarray(further - np.log(_leave_one_out(plain, weight, *leaning.as_high(prior, look, plain))), np.float64)


def _kinds(
    shell: Reference, prior: Reference | None, look: int, weight: NDArray[np.int64], odds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fill `shell`'s tails of each family's own trees at a look; each client's leave-one-out p, as calibrate.kind_p."""
    p = np.ones(odds.shape)
    for family in np.flatnonzero(np.isfinite(odds).all(axis=0)).tolist() if len(odds) else ():
        plain = odds[:, family].astype(np.float32)
        _, shell.kind_tails[family, look] = leaning.joint_tail(prior, look, plain, weight, family)
        p[:, family] = _leave_one_out(plain, weight, *leaning.as_high(prior, look, plain, family))
    return p


def _cells(
    shell: Reference,
    row: int,
    look: int,
    group: NDArray[np.uint8],
    weight: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fill one row of `shell`'s sizes and tails at a look; each client's leave-one-out p and its floor."""
    everyone = len(shell.centroids)
    p, floors = np.ones((2, len(scores)))
    pooled = _leave_one_out(scores, weight)
    for cell in range(everyone + 1):
        inside = np.flatnonzero((group == cell) | (cell == everyone))
        size = int(weight[inside].sum())
        held = np.sort(np.repeat(scores[inside], weight[inside]))[::-1]
        shell.sizes[row, cell, look] = size
        kept = RANKS[np.less_equal(RANKS, size)]
        shell.tails[row, cell, look, : len(kept)] = held[kept - 1]
        if cell < everyone and size:
            share = size / (size + calibrate.SHRINK)
            own = _leave_one_out(scores[inside], weight[inside])
            p[inside] = share * own + (1.0 - share) * pooled[inside]
            floors[inside] = share / size + (1.0 - share) / weight.sum()
    p[scores <= 0.0] = 1.0
    return p, floors


def _leave_one_out(
    scores: NDArray[np.float32], weight: NDArray[np.int64], more: NDArray[np.float64] | float = 0.0, size: float = 0.0
) -> NDArray[np.float64]:
    """The conformal p of each score against all the others, each counted by its weight.

    Of `size` further clients `more` go as far as each score.
    """
    order = np.argsort(scores, kind="stable")
    below = np.concatenate([[0], np.cumsum(weight[order])])[np.searchsorted(scores[order], scores, side="left")]
    total = int(weight.sum())
    return np.asarray((total - below - weight + more + 1) / (total - weight + size + 1), np.float64)


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


def _rates(clients: NDArray[np.uint64], evidence: Sequence[AtLook], shell: Reference) -> dict[str, Any]:
    """How many ordinary clients would ever have been told of, and what each look can resolve."""
    level = np.zeros(len(clients), np.uint8)
    most = level.copy()
    for look, one in enumerate(evidence):
        place = np.searchsorted(clients, one.clients)
        level[place] = fuse.levels(shell, one.fused, np.full(len(place), look + 1), level[place])
        most = np.maximum(most, level)
    return {
        "clients": len(clients),
        "ever_watched": int((most == Level.WATCH).sum()),
        "ever_reviewed": int((most == Level.REVIEW).sum()),
        "clients_at_looks": [len(one.clients) for one in evidence],
        "resolvable": [round(1.0 / (1.0 + len(one.clients)), 6) for one in evidence],
        "review_rate_asked": levels.REVIEW_RATE,
        "review_rate_supported": round(max(levels.REVIEW_RATE, 3.0 / max(len(clients), 1)), 6),
    }


def _forest(detectors: Sequence[Detector], latest: NDArray[np.void], shell: Reference) -> dict[str, Any]:
    """A watched baseline that raises nothing: whom an isolation forest finds oddest, by peer group.

    Distance from the crowd points at whoever uses the API in a rare way; the card shows at whom.
    """
    features = profile.features(latest["profile"])
    scores = [detector.score(latest[detector.name], 0.0) for detector in detectors]
    table = np.column_stack([(features - shell.center) / shell.scale, *scores])
    model = IsolationForest(n_estimators=64, random_state=0).fit(table)
    odd = -model.score_samples(table)
    count = max(len(odd) // 100, 1)
    oddest = np.argsort(-odd, kind="stable")[:count]
    group = shell.group_of(features)
    names = [shell.group_name(int(one)) for one in group[oddest]]
    return {
        "what": "the oddest hundredth of the clients by an isolation forest, by peer group; it raises no level",
        "clients": count,
        "groups": {name: names.count(name) for name in sorted(set(names))},
    }
