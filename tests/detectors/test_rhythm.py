"""Rhythm: even pace and no night score; crowds, bursts, slow clients and stepped clocks do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.batch import Batch
from detectors.checks import checks
from detectors.rhythm import Rhythm

CHECKS = list(checks(Rhythm(), Path(__file__).parents[2] / "docs" / "detectors"))
START = 1_764_000_000.0
DAY = 86_400.0


@pytest.mark.parametrize(("name", "check"), CHECKS, ids=[name for name, _ in CHECKS])
def test_check(name, check) -> None:
    check()


def parts(traffic, at, **fields):
    """Clock, pace and plateau of one client with requests at these times."""
    detector = Rhythm()
    rows = np.zeros(1, detector.state)
    detector.update(rows, Batch(traffic(1, len(at), at=START + np.asarray(at, float), **fields)))
    return detector._parts(rows)[0][0]


def poisson(rng, rate, seconds):
    return np.sort(rng.random(rng.poisson(rate * seconds)) * seconds)


@pytest.mark.parametrize("per_minute", [2, 20, 400])
def test_a_clock_is_even_and_independent_users_are_not_whatever_the_volume(traffic, per_minute: int) -> None:
    rng = np.random.default_rng(per_minute)
    clock = np.arange(0, 3_000, 60.0 / per_minute)
    assert parts(traffic, clock)[1] > 0.5
    crowd = [parts(traffic, poisson(rng, per_minute / 60.0, 3_000.0))[1] for _ in range(20)]
    assert np.mean(crowd) < 0.08
    assert max(crowd) < 0.35


def test_bursts_score_nothing_and_a_pool_of_workers_scores_between(traffic) -> None:
    rng = np.random.default_rng(5)
    bursts = np.sort(np.concatenate([start + rng.random(12) * 20 for start in rng.random(40) * 3_000]))
    assert parts(traffic, bursts)[1] < 0.1
    workers = np.sort(np.concatenate([np.cumsum(rng.gamma(4.0, 1.5, 500)) for _ in range(8)]))
    pool = parts(traffic, workers[workers < 3_000])[1]
    assert 0.2 < pool < 0.75


def test_a_level_that_is_kept_adds_to_an_even_pace_alone(traffic) -> None:
    rng = np.random.default_rng(6)
    assert parts(traffic, np.arange(0, 3_000, 3.0))[2] > 0.1
    assert parts(traffic, poisson(rng, 20.0, 1_500.0))[2] < 0.03  # 1,200 a minute: always near its highest


def test_around_the_clock_scores_beside_a_night_and_beside_a_day_alone(traffic) -> None:
    rng = np.random.default_rng(7)
    always = parts(traffic, poisson(rng, 30 / 3_600, 6 * DAY))[0]
    assert always > 0.6
    at = poisson(rng, 30 / 3_600, 6 * DAY)
    nights = parts(traffic, at[(at % DAY) > 8 * 3_600])[0]
    assert nights < 0.5 * always
    assert parts(traffic, poisson(rng, 30 / 3_600, 0.9 * DAY))[0] == 0.0  # one day says nothing of nights


@pytest.mark.parametrize("a_day", [20, 60, 400])
def test_the_clock_does_not_depend_on_volume(traffic, a_day: int) -> None:
    rng = np.random.default_rng(a_day)
    many = parts(traffic, poisson(rng, 4_000 / DAY, 6 * DAY))[0]
    few = [parts(traffic, poisson(rng, a_day / DAY, 6 * DAY))[0] for _ in range(10)]
    assert np.mean(few) == pytest.approx(many, abs=0.25)


@pytest.mark.parametrize("step", [-7_200.0, 5_400.0, 2.5 * DAY])
def test_a_stepped_clock_raises_nothing(traffic, step: float) -> None:
    at = np.arange(0, 6 * DAY, 120.0)
    steady = parts(traffic, at).sum()
    stepped = at.copy()
    stepped[1_000:1_004] += step
    assert parts(traffic, stepped).sum() <= steady + 0.01


def test_few_requests_say_little(traffic) -> None:
    assert parts(traffic, np.arange(0, 1_500, 60.0)).sum() < 0.4
