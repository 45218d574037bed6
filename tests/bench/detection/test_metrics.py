"""Levels hold what they promise, intervals are exact, and rates are by client."""

from __future__ import annotations

import numpy as np
import pytest

from bench.detection import metrics


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_a_new_ordinary_client_passes_a_level_at_most_at_its_rate(rate) -> None:
    rng = np.random.default_rng(3)
    passed = []
    for _ in range(400):
        level = metrics.threshold(rng.normal(size=200), rate)
        passed.append(float((rng.normal(size=500) > level).mean()))
    assert np.mean(passed) <= rate * 1.05
    assert np.mean(passed) >= rate * 0.6


def test_too_few_clients_for_a_rate_get_the_least_they_resolve() -> None:
    values = np.arange(50.0)
    assert metrics.threshold(values, 0.001) == 49.0
    assert metrics.resolvable(50) == pytest.approx(1 / 51)
    assert metrics.threshold(np.zeros(0), 0.1) == np.inf


def test_highest_and_first_are_by_client() -> None:
    who = np.array([0, 0, 0, 2, 2])
    values = np.array([1.0, 5.0, 2.0, 7.0, 3.0])
    assert metrics.highest(who, values, 3).tolist() == [5.0, -np.inf, 7.0]
    at = metrics.first_at(who, values > 2.5, np.array([25.0, 50.0, 100.0, 25.0, 50.0]), 3)
    assert at.tolist() == [50.0, np.inf, 25.0]


def test_ranks_make_looks_comparable_and_keep_order_beyond_the_last_fitting_client() -> None:
    look = np.repeat([0, 1], 12)
    values = np.concatenate([np.arange(12.0), 1000.0 + np.arange(12.0)])
    fits = np.tile(np.arange(12) < 10, 2)
    out = metrics.ranked(fits, look, values)
    assert out[:12] == pytest.approx(out[12:])
    assert out[11] > out[10] > out[9]
    assert metrics.ranked(fits, look, np.full(24, np.nan)).tolist() == [0.0] * 24


def test_a_mean_over_seeds_has_students_interval() -> None:
    told = metrics.over_seeds([0.1, 0.2, 0.3])
    assert told.mean == pytest.approx(0.2)
    assert told.half == pytest.approx(4.3027 * 0.1 / np.sqrt(3), rel=1e-4)
    assert told.text() == "20.0% ± 24.8"
    assert np.isnan(metrics.over_seeds([0.4]).half)
    assert metrics.over_seeds([]).text() == "n/a"


def test_a_share_says_its_exact_interval() -> None:
    assert str(metrics.Share(0, 3_000)) == "0.0% (0.0% to 0.1%)"
    assert str(metrics.Share(0, 0)) == "none"


def test_precision_weighs_by_prevalence() -> None:
    assert metrics.precision(0.8, 0.001, 0.01) == pytest.approx(0.008 / (0.008 + 0.00099))
    assert np.isnan(metrics.precision(0.0, 0.0, 0.01))


def test_reliability_of_true_and_of_false_probabilities() -> None:
    rng = np.random.default_rng(0)
    told = rng.random(20_000)
    held = metrics.reliability(told, rng.random(20_000) < told)
    assert held.ece < 0.02
    wrong = metrics.reliability(told, np.zeros(20_000, np.bool_))
    assert wrong.ece == pytest.approx(0.5, abs=0.02)
    assert sum(one.clients for one in held.bins) == 20_000


def test_quantiles_of_all_count_those_never_found_as_later() -> None:
    at = np.array([25.0, 50.0, np.inf, np.inf])
    assert metrics.quantile_of_found(at, 0.5) == 50.0
    assert metrics.quantile_of_all(at, 0.9) == np.inf
    assert metrics.quantile_of_all(at, 0.3) == 50.0


def test_area_counts_ties_half_and_brackets_itself() -> None:
    assert metrics.auc(np.array([1.0, 0.0]), np.array([0.0, 0.0])) == 0.75
    low, high = metrics.auc_interval(np.arange(5.0) + 3.0, np.arange(9.0))
    assert low < metrics.auc(np.arange(5.0) + 3.0, np.arange(9.0)) < high
