"""Levels keep a budget of ordinary clients; those of few clients are the present ones, moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import fuse, levels
from detectors.fuse import Fused
from detectors.levels import LEAST_WATCH, PRIOR, AtLook, moved
from detectors.reference import LOOKS, empty

FLAT = np.full(len(LOOKS), 6.0, np.float32)


def step(above: np.ndarray, rate: float) -> float:
    return float(moved(FLAT, above, rate, 0.0)[0] - FLAT[0])


def margins(count: int, rate: float, seed: int = 0) -> np.ndarray:
    """How far clients are above a level that tells of `rate` of them: nats of a conformal score."""
    return np.random.default_rng(seed).exponential(1.0, count) + np.log(rate)


@given(st.lists(st.floats(-9.0, 5.0), max_size=2_000), st.sampled_from([0.05, 0.009, 0.001]))
def test_of_own_and_prior_clients_no_more_than_the_budget_are_told_of(above: list[float], rate: float) -> None:
    own = np.array(above)
    by = step(own, rate)
    told = int((own >= by).sum()) + PRIOR * rate * np.exp(-by)
    assert told <= rate * (PRIOR + len(own)) * 1.0001


def test_levels_stay_about_where_they_are_for_clients_like_the_priors() -> None:
    steps = [step(margins(3_000, 0.009, seed), 0.009) for seed in range(20)]
    assert abs(np.mean(steps)) < 0.1
    assert max(map(abs, steps)) < 0.4


def test_levels_rise_where_more_of_ones_own_clients_are_above_them() -> None:
    busy = margins(20_000, 0.036)  # four times as many
    by = step(busy, 0.009)
    assert 0.9 * np.log(4.0) < by <= np.log(4.0) + 0.2
    assert (busy >= by).mean() == pytest.approx(0.009, rel=0.15)
    assert step(busy[:1_000], 0.009) < by  # half of what they say counts


def test_levels_fall_where_enough_clients_show_that_they_may() -> None:
    assert step(np.full(20_000, -9.0), 0.009) < -2.0


def test_so_few_clients_that_none_need_be_told_of_lower_nothing() -> None:
    assert step(np.full(700, -9.0), 0.001) == 0.0
    assert step(np.full(5, -9.0), 0.009) == 0.0
    assert step(np.zeros(0), 0.009) == 0.0


def test_one_client_far_above_among_few_does_not_carry_the_levels_away() -> None:
    assert step(np.append(np.full(700, -9.0), 50.0), 0.009) < 0.1


def test_a_level_stays_above_what_is_common() -> None:
    low = moved(FLAT, np.full(20_000, -30.0), 0.009, LEAST_WATCH)
    assert (low == np.float32(LEAST_WATCH)).all()


def at(scores: list[list[float]], speaks: bool = True) -> tuple[np.ndarray, list[AtLook]]:
    clients = np.arange(len(scores[0]), dtype=np.uint64)
    found = []
    for at_look in scores:
        score = np.array(at_look)
        p = np.full((len(score), len(fuse.FAMILIES)), 0.01 if speaks else 1.0)
        none = np.zeros(len(score), np.bool_)
        found.append(AtLook(clients[: len(score)], Fused(p, -np.log(p), score, none, none, np.ones(p.shape))))
    return clients, found


@pytest.fixture
def prior():
    out = empty()
    out.watch[:], out.review[:] = 5.0, 8.0
    return out


def test_all_looks_levels_move_together_by_what_clients_ever_had(prior) -> None:
    count = 4_000
    early, late = margins(count, 0.03, 1) + 5.0, margins(count // 2, 0.03, 2) + 5.0
    clients, found = at([early.tolist(), late.tolist()])
    shell = empty()
    levels.lean(clients, found, shell, prior, followed=True)
    assert len(set(shell.watch.tolist())) == 1
    ever = early.copy()
    ever[: count // 2] = np.maximum(ever[: count // 2], late)
    assert (ever >= shell.watch[0]).mean() <= levels.WATCH_RATE * (1 + PRIOR / count)
    assert shell.watch[0] > 5.5


def test_clients_of_one_kind_of_evidence_do_not_count_for_review(prior) -> None:
    scores = [[0.0] * 3_990 + [9.0] * 10]  # that many may be watched, so few reviewed
    raised = []
    for speaks in (True, False):
        shell = empty()
        levels.lean(*at(scores, speaks), shell, prior, followed=True)
        raised.append(float(shell.review[0]))
    assert raised[0] > 9.0
    assert raised[1] <= 8.0


def test_clients_seen_at_one_look_each_are_counted_for_those_at_others(prior) -> None:
    clients, found = at([(margins(6_000, 0.009) + 5.0).tolist()])
    followed, once = empty(), empty()
    levels.lean(clients, found, followed, prior, followed=True)
    levels.lean(clients, found, once, prior, followed=False)
    assert once.watch[0] > followed.watch[0] + 0.3
