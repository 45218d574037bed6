"""Rhythm: even pace and no night score; crowds, bursts, slow clients and stepped clocks do not."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.batch import Batch
from detectors.rhythm import Rhythm

START = 1_764_000_000.0
DAY = 86_400.0


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


@pytest.mark.parametrize("cut", [1, 4, 60])
def test_the_rings_hold_the_latest_units_whatever_the_order(traffic, cut: int) -> None:
    rng = np.random.default_rng(8)
    at = rng.permutation(np.concatenate([rng.integers(0, 6 * 3_600, 300), np.full(300, 6 * 3_600)])) + 7.0
    detector = Rhythm()
    rows = np.zeros(2, detector.state)
    for some in np.array_split(at, cut):
        detector.update(rows[:1], Batch(traffic(1, len(some), at=START + some, duration=0.6)))
    for latest, ring, seconds in (("minute", "minutes", 60), ("quarter", "quarters", 900)):
        units, counts = np.unique((START + at) // seconds, return_counts=True)
        slots = rows[ring].shape[1]
        held = dict.fromkeys(range(slots), 0) | {
            int(unit) % slots: int(count) for unit, count in zip(units, counts, strict=True) if unit > units[-1] - slots
        }
        assert rows[latest][0] == units[-1]
        assert dict(enumerate(rows[ring][0].tolist())) == held
    hours = set((((START + at) // 3_600) % 168).astype(int).tolist())
    assert set(np.flatnonzero(np.unpackbits(rows["hours"][0], bitorder="little")).tolist()) == hours
    assert (rows["n"][0], rows["first"][0], rows["busy"][0]) == (600, (START + at.min()) // 60, 600 * 9)
    assert not rows[1:].tobytes().strip(b"\0")


def test_counts_and_time_in_flight_are_held_at_the_most(traffic) -> None:
    detector = Rhythm()
    rows = np.zeros(1, detector.state)
    for _ in range(2):
        detector.update(rows, Batch(traffic(1, 40_000, at=START, duration=np.float32(np.inf))))
    assert rows["n"][0] == 80_000
    assert rows["minutes"].max() == rows["quarters"].max() == 65_535
    assert rows["busy"][0] == 2**32 - 1
    detector.update(rows, Batch(traffic(1, 3, at=START, duration=np.float32(np.nan))))
    assert rows["n"][0] == 80_003
