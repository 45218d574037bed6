"""p-values are conformal, honest about what they resolve, and never too small."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectors import calibrate, reference
from detectors.reference import LOOKS, RANKS


def known(scores: list[np.ndarray]) -> reference.Reference:
    """A reference of one detector and so many groups, the same at every look."""
    shape = (1, len(scores) + 1, len(LOOKS))
    sizes, tails = np.zeros(shape, np.int64), np.full((*shape, len(RANKS)), -np.inf, np.float32)
    for cell, some in enumerate([*scores, np.concatenate(scores)]):
        kept = RANKS[len(some) >= RANKS]
        sizes[0, cell] = len(some)
        tails[0, cell, :, : len(kept)] = np.sort(some)[::-1][kept - 1]
    names = tuple(f"g{number}" for number in range(len(scores)))
    return dataclasses.replace(reference.empty(), groups=names, sizes=sizes, tails=tails, detectors=(("d", 1),))


def p_of(ref: reference.Reference, scores: list[float], group: int = 0, look: int = 1) -> np.ndarray:
    return cells_of(ref, scores, group, look)[0]


def cells_of(
    ref: reference.Reference, scores: list[float], group: int = 0, look: int = 1, place: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    values = np.array(scores, np.float32)[:, None]
    groups, looks = np.full(len(values), group), np.full(len(values), look)
    p, floors = calibrate.cells(ref, np.array([place]), groups, looks, values)
    return p[:, 0], floors[:, 0]


def test_parts_of_the_budget_sum_to_it() -> None:
    assert sum(map(calibrate.spending, range(1, 20_000))) == pytest.approx(1.0, abs=1e-3)
    assert calibrate.spending(1) == pytest.approx(0.608, abs=0.001)


def test_p_counts_the_ordinary_clients_that_score_as_high() -> None:
    ref = known([np.arange(1.0, 1001.0)])
    assert calibrate.rank_p(ref, 0, np.array([0]), np.array([0]), np.float32([991.0])).tolist() == [11 / 1001]


def test_the_smallest_p_is_what_the_number_of_clients_can_resolve() -> None:
    ref = known([np.arange(1.0, 301.0)])
    p, lowest = cells_of(ref, [1e9])
    assert lowest[0] == pytest.approx(1 / 301)
    assert p.tolist() == lowest.tolist()


def test_a_silent_detector_says_nothing_even_where_all_others_are_silent_too() -> None:
    ref = known([np.zeros(500)])
    assert p_of(ref, [0.0, -1.0]).tolist() == [1.0, 1.0]
    assert p_of(ref, [0.1])[0] < 0.01


def test_an_unknown_detector_says_nothing() -> None:
    p, lowest = cells_of(known([np.ones(9)]), [5.0], place=-1)
    assert (p.tolist(), lowest.tolist()) == ([1.0], [1.0])


def test_between_the_kept_ranks_p_is_too_large_rather_than_too_small() -> None:
    scores = np.random.default_rng(1).random(3_000)
    ref = known([scores])
    tried = np.random.default_rng(2).random(400)
    exact = (1 + (scores[None, :] >= tried[:, None]).sum(axis=1)) / 3_001
    given = calibrate.rank_p(ref, 0, np.zeros(400, int), np.zeros(400, int), tried.astype(np.float32))
    assert p_of(ref, tried.tolist()).tolist() == given.tolist()  # the compiled count and the plain one agree
    assert (given >= exact - 1e-6).all()
    assert np.median(given / exact) < 1.1


@pytest.mark.parametrize("group", [2, 7, 255, -1])
def test_a_group_that_the_reference_does_not_have_is_compared_with_all_clients(group: int) -> None:
    ref, scores = known([np.arange(1.0, 401.0), np.arange(301.0, 901.0)]), [350.0, 880.0, 0.0]
    all_clients = known([np.concatenate([np.arange(1.0, 401.0), np.arange(301.0, 901.0)])])
    for given, right in zip(cells_of(ref, scores, group), cells_of(all_clients, scores), strict=True):
        assert given == pytest.approx(right)


def test_a_small_group_is_drawn_to_all_clients() -> None:
    ref = known([np.full(20, 5.0), np.full(2_000, 1.0)])
    small, large = p_of(ref, [3.0], group=0)[0], p_of(ref, [3.0], group=1)[0]
    assert large < 0.02
    assert 0.05 < small < 0.2  # all twenty peers score higher, hardly anybody else does


def test_looks_beyond_what_ordinary_clients_reached_use_the_last_one() -> None:
    ref = known([np.arange(1.0, 501.0)])
    sizes = ref.sizes.copy()
    sizes[:, :, 4:] = 0
    ref = dataclasses.replace(ref, sizes=sizes)
    assert p_of(ref, [490.0], look=9).tolist() == p_of(ref, [490.0], look=4).tolist()


def test_ordinary_clients_are_called_rare_no_more_often_than_said() -> None:
    rng = np.random.default_rng(5)
    p = p_of(known([rng.gamma(2.0, 1.0, 1_000)]), rng.gamma(2.0, 1.0, 4_000).tolist())
    for alpha in (0.01, 0.05):
        assert (p <= alpha).mean() < alpha + 0.012


def test_nats_are_capped() -> None:
    assert calibrate.nats(np.array([1.0, np.exp(-2.0), 1e-30])).tolist() == pytest.approx([0.0, 2.0, calibrate.CAP])


def test_each_familys_own_log_odds_are_compared_with_those_of_ordinary_clients() -> None:
    odds = np.arange(999.0, 0.0, -1.0).astype(np.float32)
    sizes, tails = np.zeros(len(LOOKS), np.int64), np.full((2, len(LOOKS), len(RANKS)), -np.inf, np.float32)
    kept = RANKS[len(odds) >= RANKS]
    sizes[0], tails[0, 0, : len(kept)] = len(odds), odds[kept - 1]
    ref = dataclasses.replace(reference.empty(), joint_sizes=sizes, kind_tails=tails)
    told = np.array([[990.0, 990.0, 990.0], [2_000.0, np.nan, 0.0], [np.nan, 1.0, 1.0], [990.0, 0.0, 0.0]])
    p = calibrate.kind_p(ref, np.array([1, 1, 1, 9]), told)
    assert p[:, 0].tolist() == pytest.approx([11 / 1000, 1 / 1000, 1.0, 11 / 1000])
    assert (p[:, 1:] == 1.0).all()  # a family without a tail, and one that the reference has not got
    assert (calibrate.kind_p(reference.empty(), np.array([1]), told[:1]) == 1.0).all()


def test_look_sizes() -> None:
    assert [calibrate.look_size(look) for look in (0, 1, 2, 10, 99)] == [0, 25, 50, 12_800, 12_800]


def test_a_joint_score_is_conformal_and_goes_on_beyond_the_last_client() -> None:
    odds = np.sort(np.random.default_rng(3).normal(-2.0, 1.0, 999).astype(np.float32))[::-1]
    sizes, tails = np.zeros(len(LOOKS), np.int64), np.full((len(LOOKS), len(RANKS)), -np.inf, np.float32)
    kept = RANKS[len(odds) >= RANKS]
    sizes[0], tails[0, : len(kept)] = len(odds), odds[kept - 1]
    ref = dataclasses.replace(reference.empty(), joint_sizes=sizes, joint_tails=tails)
    look = np.array([1, 1, 1, 7])
    told = calibrate.joint_nats(ref, look, np.array([odds[9], odds[0] + 0.1, odds[0] + 2.0, odds[9]], np.float64))
    assert told[0] == pytest.approx(-np.log(11 / 1000), abs=1e-6)
    assert told[1] == pytest.approx(np.log(1000) + 0.1, abs=1e-3)
    assert told[2] - told[1] == pytest.approx(1.9, abs=1e-3)
    assert calibrate.joint_limit(ref, 1) == calibrate.joint_limit(ref, 7) == pytest.approx(np.log(1000))
    assert calibrate.joint_limit(reference.empty(), 1) == 0.0
    assert calibrate.joint_reached(ref, 0.01) == pytest.approx(float(odds[9]), abs=1e-4)  # ten of these 999
    assert calibrate.joint_reached(reference.empty(), 0.05) == 0.0
    assert told[3] == told[0]  # a look that nobody reached takes the last that somebody did
    assert calibrate.joint_nats(reference.empty(), look, np.zeros(4)).tolist() == [0.0] * 4
