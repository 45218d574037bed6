"""A fit of few clients has the present reference's clients beside its own, and calls nothing rarer than both do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import calibrate, leaning, reference
from detectors.reference import RANKS

LOOK = 0


def known(odds: np.ndarray) -> reference.Reference:
    """A reference whose ordinary clients have these log-odds at the first look."""
    size, tail = leaning.joint_tail(None, LOOK, odds.astype(np.float32), np.ones(len(odds), np.int64))
    empty = reference.empty()
    sizes, tails = empty.joint_sizes.copy(), empty.joint_tails.copy()
    sizes[LOOK], tails[LOOK] = size, tail
    return replace(empty, joint_sizes=sizes, joint_tails=tails)


def crowd(count: int, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, count).astype(np.float32)


def ones(odds: np.ndarray) -> np.ndarray:
    return np.ones(len(odds), np.int64)


def joined(prior: reference.Reference, own: np.ndarray) -> reference.Reference:
    size, tail = leaning.joint_tail(prior, LOOK, own, ones(own))
    sizes, tails = prior.joint_sizes.copy(), prior.joint_tails.copy()
    sizes[LOOK], tails[LOOK] = size, tail
    return replace(prior, joint_sizes=sizes, joint_tails=tails)


def test_alone_the_tail_is_that_of_ones_own_clients_each_as_often_as_it_counts() -> None:
    size, tail = leaning.joint_tail(None, LOOK, np.array([1, 3, 2], np.float32), np.array([1, 2, 1]))
    assert size == 4
    assert tail[:4].tolist() == [3.0, 3.0, 2.0, 1.0]
    assert np.isneginf(tail[4:]).all()


def test_nobody_has_no_tail() -> None:
    size, tail = leaning.joint_tail(None, LOOK, np.zeros(0, np.float32), np.zeros(0, np.int64))
    assert size == 0
    assert np.isneginf(tail).all()


@given(st.integers(0, 50), st.integers(200, 900), st.integers(0, 600), st.floats(-2.0, 2.0))
def test_a_score_is_called_no_rarer_than_among_both_crowds_and_hardly_more_common(
    seed: int, others: int, own: int, shift: float
) -> None:
    theirs, mine = crowd(others, seed), crowd(own, seed + 1_000, shift)
    both = np.concatenate([theirs, mine])
    held = joined(known(theirs), mine)
    odds = np.linspace(0.0, float(both.max()), 30)
    nats = calibrate.joint_nats(held, np.ones(30, np.int64), odds)
    exact = (1.0 + (both[:, None] >= odds[None, :].astype(np.float32)).sum(axis=0)) / (1.0 + len(both))
    assert held.joint_sizes[LOOK] == len(both)
    assert (np.exp(-nats) >= exact * 0.999).all()
    assert (np.exp(-nats) <= exact * 1.4 + 3.0 / len(both)).all()  # ranks are kept ever more thinly


def test_a_client_is_compared_with_the_others_and_with_the_priors_clients() -> None:
    theirs = known(np.arange(300.0))
    more, size = leaning.as_high(theirs, LOOK, np.array([299.5, 299.0, 290.0], np.float32))
    assert more.tolist() == [0.0, 1.0, 10.0]
    assert size == 300.0


def test_of_a_large_reference_only_so_many_clients_stay() -> None:
    size, _ = leaning.joint_tail(known(crowd(9_000)), LOOK, crowd(500), ones(crowd(500)))
    assert size == leaning.BESIDE + 500


def test_a_familys_own_log_odds_lean_on_the_priors_of_that_family() -> None:
    tails = np.full((2, *reference.empty().joint_tails.shape), -np.inf, np.float32)
    theirs = known(np.arange(300.0))
    tails[1] = theirs.joint_tails + 1_000.0
    both = replace(theirs, kind_tails=tails)
    size, tail = leaning.joint_tail(both, LOOK, np.array([1_299.5], np.float32), np.ones(1, np.int64), 1)
    assert (size, tail[:3].tolist()) == (301, [1_299.5, 1_299.0, 1_298.0])
    more, _ = leaning.as_high(both, LOOK, np.array([1_297.0, 299.0], np.float32), 1)
    assert more.tolist() == [3.0, 300.0]


def test_a_look_that_few_of_the_priors_clients_reached_says_nothing() -> None:
    few = known(crowd(calibrate.SHRINK - 1))
    assert leaning.joint_tail(few, LOOK, crowd(5), ones(crowd(5)))[0] == 5
    assert leaning.as_high(few, LOOK, crowd(5))[1] == 0.0


def test_the_tail_falls_and_ends_where_the_clients_do() -> None:
    size, tail = leaning.joint_tail(known(crowd(700)), LOOK, crowd(60, 3, 2.0), ones(crowd(60)))
    kept = tail[np.isfinite(tail)]
    assert (np.diff(kept) <= 0.0).all()
    assert len(kept) == (size >= RANKS).sum()


def test_what_ships_can_be_leant_on_and_what_knows_nobody_cannot() -> None:
    ships = reference.load("detectors/shipped/ordinary.npz")
    assert leaning.can(ships)
    assert not leaning.can(None)
    assert not leaning.can(reference.empty())
    assert not leaning.can(replace(ships, forest=None))
    assert not leaning.can(replace(ships, review=np.full(len(ships.review), np.inf, np.float32)))
    assert not leaning.can(replace(ships, joint_sizes=np.zeros_like(ships.joint_sizes)))


@pytest.mark.parametrize("counts", [1, 3])
def test_one_client_alone_stands_among_the_priors(counts: int) -> None:
    size, tail = leaning.joint_tail(known(np.arange(300.0)), LOOK, np.array([1e3], np.float32), np.array([counts]))
    assert size == 300 + counts
    assert tail[: counts + 1].tolist() == [1e3] * counts + [299.0]
