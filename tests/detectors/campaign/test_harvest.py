"""Long answers to new items look like a harvest; the ordinary habits and repetition speak against it."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import harvest
from detectors.campaign.tells import COUNTS


def counts(**shares: float) -> np.ndarray:
    out = np.zeros((1, len(COUNTS)))
    out[0, 0] = 1.0
    for name, share in shares.items():
        out[0, COUNTS.index(name)] = share
    return out


def value(fresh: float = 1.0, **shares: float) -> float:
    return float(harvest.value(counts(**{"log_answer": 80.0, **shares}), np.array([fresh]))[0])


def test_long_new_answers_are_worth_most() -> None:
    assert value() > 0.75
    assert value(log_answer=40.0) < 0.1


@pytest.mark.parametrize("asked", harvest.ASKS)
def test_what_is_asked_for_adds(asked: str) -> None:
    assert value(log_answer=50.0, **{asked: 1.0}) > value(log_answer=50.0)


@pytest.mark.parametrize("habit", harvest.TWINS)
def test_an_ordinary_habit_takes_away(habit: str) -> None:
    assert value(**{habit: 1.0}) < 0.9 * value()


def test_repeated_items_are_no_list() -> None:
    assert value(fresh=0.2) == 0.0
    assert value(fresh=0.9) == pytest.approx(value(), rel=0.01)


def test_topics_of_shards_are_alike_and_those_of_businesses_are_not() -> None:
    rng = np.random.default_rng(1)

    def sums(bases: np.ndarray) -> np.ndarray:
        noise = rng.normal(size=(len(bases), 20, 24)) * 0.12
        vectors = bases[:, None, :] + noise
        return (vectors / np.linalg.norm(vectors, axis=2, keepdims=True)).sum(axis=1)

    own = rng.normal(size=(10, 24)) / 5.0
    shards, firms = sums(np.tile(own[:1], (10, 1))), sums(own)
    n = np.full(20, 20.0)
    ratio = harvest.alike(np.concatenate([shards, firms]), n, np.array([0, 10]))
    assert ratio[0] > 0.9
    assert ratio[1] < 0.4
    assert np.isnan(harvest.alike(shards[:2], np.ones(2), np.array([0])))[0]
