"""Learned baselines on raw features: an isolation forest, and gradient boosting with honest and with easy folds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest

from bench.detection.evaluate import Observed

PARTS = 5


def isolation(seen: Observed, fit: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How easily a forest grown on ordinary clients sets each look's features apart."""
    vectors = seen.extra["vectors"]
    inside = seen.of(fit)
    if inside.sum() < 20:
        return np.full(len(vectors), np.nan)
    forest = IsolationForest(n_estimators=100, max_samples=min(1024, int(inside.sum())), random_state=0)
    forest.fit(vectors[inside])
    return np.asarray(-forest.score_samples(vectors), np.float64)


def boosting(seen: Observed, group: NDArray[np.intp]) -> NDArray[np.float64]:
    """The log odds of a harvest, each client by a model that saw none of its `group`.

    With groups of whole families and personas that is honest about what nobody has seen; with groups of single
    accounts it is how such figures are mostly told. Trained on each client's last look, told of all.
    """
    vectors = seen.extra["vectors"]
    truth = seen.clients["harvest"][seen.who]
    last = np.append(seen.who[1:] != seen.who[:-1], True) if len(seen.who) else np.zeros(0, np.bool_)
    part = group[seen.who] % PARTS
    out = np.zeros(len(vectors))
    for one in range(PARTS):
        learn, tell = last & (part != one), part == one
        if tell.any() and len(np.unique(truth[learn])) == 2:
            model = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.15, max_leaf_nodes=15, random_state=0)
            model.fit(vectors[learn], truth[learn])
            out[tell] = model.decision_function(vectors[tell])
    return out


def by_kind(seen: Observed) -> NDArray[np.intp]:
    """A group for each family and each persona."""
    return np.unique(seen.clients["kind"], return_inverse=True)[1].astype(np.intp)


def by_account(seen: Observed) -> NDArray[np.intp]:
    """A group for each account, in an order that has nothing to do with its kind."""
    return np.asarray(np.random.default_rng(7).permutation(len(seen.clients)), np.intp)
