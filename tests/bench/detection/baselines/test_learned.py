"""Learned baselines are told apart by their folds: a kind left out of training is not learned by its accounts."""

from __future__ import annotations

import numpy as np

from bench.detection import metrics
from bench.detection.baselines import learned
from bench.detection.evaluate import CLIENT, Observed


def _seen() -> Observed:
    """Ten ordinary kinds and five families, each kind in a corner of its own."""
    rng = np.random.default_rng(0)
    clients = np.zeros(600, CLIENT)
    kind = np.repeat(np.arange(15), 40)
    clients["client"], clients["pair"] = np.arange(1, 601), -1
    clients["kind"] = [f"kind {one:02d}" for one in kind]
    clients["harvest"] = kind >= 10
    corners = rng.normal(scale=4.0, size=(15, 12))
    vectors = (corners[kind] + rng.normal(size=(600, 12))).astype(np.float32)
    rows = np.zeros(600, [("look", "u1"), ("events", "<u8")])
    rows["look"] = 1
    return Observed(clients, np.arange(600), rows, np.zeros(600), {"vectors": vectors}, {})


def test_folds_by_account_flatter_and_folds_by_kind_do_not() -> None:
    seen = _seen()
    harvest = seen.clients["harvest"]
    easy = learned.boosting(seen, learned.by_account(seen))
    honest = learned.boosting(seen, learned.by_kind(seen))
    assert metrics.auc(easy[harvest], easy[~harvest]) > 0.99
    assert metrics.auc(honest[harvest], honest[~harvest]) < 0.9


def test_a_forest_sets_apart_what_is_unlike_those_it_grew_on() -> None:
    seen = _seen()
    ordinary = np.asarray(~seen.clients["harvest"])
    odd = learned.isolation(seen, ordinary)
    assert odd[~ordinary].mean() > odd[ordinary].mean()
    assert np.isnan(learned.isolation(seen, np.zeros(600, np.bool_))).all()
