"""What clients of like use go further than others is taken off; nothing where too few are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import nearby


def crowd(seed: int, count: int, center: float, high: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Places around a centre, and log-odds around a height."""
    rng = np.random.default_rng(seed)
    return rng.normal(center, 0.3, (count, 3)), rng.normal(high, 1.0, count)


def alone(marks: np.ndarray, places: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """The lift of one sort of log-odds, of clients that count once."""
    return nearby.lift(marks, places, odds[:, None], ones(odds))[0]


def ones(odds: np.ndarray) -> np.ndarray:
    return np.ones(len(odds), np.int64)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(0, 30))
def test_nearest_is_the_one_at_the_least_distance(seed: int, marks: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    points, places = rng.normal(size=(marks, 4)), rng.normal(size=(count, 4))
    far = ((places[:, None, :] - points[None, :, :]) ** 2).sum(axis=2)
    assert nearby.nearest(points, places).tolist() == (far.argmin(axis=1).tolist() if count else [])


def test_a_use_whose_clients_go_further_is_lifted_by_most_of_that() -> None:
    (usual, low), (other, high) = crowd(1, 960, 0.0), crowd(2, 40, 5.0, high=4.0)
    places, odds = np.concatenate([usual, other]), np.concatenate([low, high])
    marks = np.array([[0.0] * 3, [5.0] * 3])
    flat, lifted = alone(marks, places, odds).tolist()
    above = np.quantile(high, nearby.FOREMOST) - np.quantile(odds, nearby.FOREMOST)
    assert lifted == pytest.approx(nearby.TAKEN * above, abs=0.5)
    assert lifted > 1.0 > abs(flat)
    assert lifted < above  # a part is left: all who have the use may be harvesting


def test_each_sort_of_log_odds_has_its_own_lift_and_none_where_it_is_unknown() -> None:
    places, odds = crowd(7, 300, 0.0)
    sorts = np.column_stack([odds, 2.0 * odds, np.full(300, np.nan)])
    first, second, unknown = nearby.lift(places[:4], places, sorts, ones(odds))
    assert second == pytest.approx(2.0 * first)
    assert first.any()
    assert unknown.tolist() == [0.0] * 4


def test_less_than_a_tenth_of_the_neighbours_moves_nothing() -> None:
    places, odds = crowd(3, 600, 0.0)
    marks = places[:1]
    around = np.argsort(((places - marks[0]) ** 2).sum(axis=1))[: nearby.NEAREST]
    foremost = around[np.argsort(-odds[around])]  # those who are above the quantile already may go on
    sent = odds.copy()
    sent[foremost[: nearby.NEAREST // 10 - 1]] = 50.0
    assert alone(marks, places, sent) == pytest.approx(alone(marks, places, odds), abs=0.2)


def test_a_client_that_counts_twice_is_two() -> None:
    places, odds = crowd(4, 200, 0.0)
    weight = np.where(np.arange(200) < 50, 2, 1)
    twice = np.concatenate([places, places[:50]]), np.concatenate([odds, odds[:50]])
    marks = places[[5, 100]]
    assert nearby.lift(marks, places, odds[:, None], weight)[0] == pytest.approx(alone(marks, *twice))


@pytest.mark.parametrize("count", [0, 1, nearby.NEAREST])
def test_few_clients_lift_nothing(count: int) -> None:
    places, odds = crowd(5, count, 0.0, high=3.0)
    assert alone(np.zeros((2, 3)), places, odds).tolist() == [0.0, 0.0]
    assert alone(np.zeros((0, 3)), places, odds).shape == (0,)
