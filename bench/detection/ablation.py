"""What each part is worth: without a detector or a family, with one alone; and the re-ranker on unseen kinds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.detection import metrics
from bench.detection.judging import FOLDS, RATES, Fold, Judged, chance, judge
from bench.detection.ours import Ours, found
from detectors import calibrate, rerank
from detectors.fuse import FAMILIES


def without(ours: Ours) -> dict[str, tuple[float, float]]:
    """The share found at each rate without each detector, and without each family."""
    out = {}
    names = [one.name for one in ours.detectors]
    families = [one.family for one in ours.detectors]
    out["all detectors, without a joint score"] = _found(ours, np.ones(len(names), np.bool_))
    for place, name in enumerate(names):
        out[f"without {name}"] = _found(ours, np.arange(len(names)) != place)
    for family in FAMILIES:
        if family in families:
            out[f"without all of {family}"] = _found(ours, np.array([one != family for one in families]))
    return out


def alone(ours: Ours) -> dict[str, tuple[float, float]]:
    """The share found at each rate with one family only."""
    families = [one.family for one in ours.detectors]
    return {
        f"{family} alone": _found(ours, np.array([one == family for one in families]))
        for family in FAMILIES
        if family in families
    }


def _found(ours: Ours, only: NDArray[np.bool_]) -> tuple[float, float]:
    return found(judge(ours.seen, ours.score(only), ours.parts))


def left_out(ours: Ours, column: str) -> dict[str, tuple[metrics.Share, metrics.Share]]:
    """Harvesters of each family (or source) found at 1 % by a re-ranker trained here without any of it, and with it.

    Trained on the evidence of the clients' last looks by each fold's own reference: the ordinary clients that fit the
    reference, and harvesters that are not tested by the same re-ranker.
    """
    clients = ours.seen.clients
    harvest = clients["harvest"]
    whole = [
        (part, Fold(0, part.fit, part.level, part.test & harvest & (chance(clients) == turn)), chance(clients) != turn)
        for part in ours.parts
        for turn in range(FOLDS)
    ]
    known = _judged(ours, whole)
    out = {}
    for value in (str(one) for one in np.unique(clients[column][harvest]) if one):
        among = harvest & (clients[column] == value)
        held = [(part, Fold(0, part.fit, part.level, part.test & among), ~among) for part in ours.parts]
        out[value] = (
            _judged(ours, held).found(RATES[0]),
            known.found(RATES[0], known.clients[column] == value),
        )
    return out


def _judged(ours: Ours, cuts: Sequence[tuple[Fold, Fold, NDArray[np.bool_]]]) -> Judged:
    """Judge by a re-ranker of each cut: whose evidence, what to fit and test on, which harvesters may train."""
    harvest, seen = ours.seen.clients["harvest"], ours.seen
    last = seen.last
    some = [(part, fold._replace(turn=turn), able) for turn, (part, fold, able) in enumerate(cuts)]

    def statistic(fold: Fold) -> NDArray[np.float64]:
        part, _, able = some[fold.turn]
        local = ours.local(part)
        evidence = np.where(local.tripped, calibrate.CAP, calibrate.nats(local.p))
        rows = last & (fold.fit | (harvest & able & ~fold.test))[seen.who]
        weights = rerank.train(evidence[rows], harvest[seen.who[rows]], np.ones(int(rows.sum())))
        return np.asarray(evidence @ weights.weights + weights.bias, np.float64)

    return judge(seen, statistic, [fold for _, fold, _ in some if fold.test.any()], RATES[:1])
