"""Entitlement: the busiest day beside the plan, and full speed at once; new clients only."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.batch import Batch
from detectors.declared import Plans
from detectors.entitlement import Entitlement
from detectors.event import Flag
from detectors.exchange import Channel, Operation, Usage

HOUR = 3_600.0


def rows_of(events, detector=None, rows=None):
    detector = detector or Entitlement()
    rows = np.zeros(1, detector.state) if rows is None else rows
    detector.update(rows, Batch(events))
    return rows


def parts(rows):
    return Entitlement()._parts(rows)[0][0]


def test_the_plan_is_the_measure_where_there_is_one(traffic) -> None:
    events = traffic(7, 1_000, in_tokens=1_000, out_tokens=1_000)  # 2 million tokens in an hour
    unknown = parts(rows_of(events))[0]
    small = parts(rows_of(events, Entitlement(Plans({7: 200_000.0}))))[0]
    large = parts(rows_of(events, Entitlement(Plans({7: 50e6}))))[0]
    assert large < 0.1 < unknown < small
    assert small == pytest.approx(np.log2(11), abs=0.01)


def test_the_busiest_day_counts_not_the_sum(traffic) -> None:
    one = traffic(1, 600, gap=60.0, in_tokens=5_000)
    week = traffic(1, 600, gap=800.0, in_tokens=5_000)
    assert parts(rows_of(one))[0] > 1.5 * parts(rows_of(week))[0]


def test_full_speed_at_once_scores_and_growth_does_not(traffic) -> None:
    at_once = traffic(1, 2_000, gap=18.0, in_tokens=2_000)
    assert parts(rows_of(at_once))[1] > 0.85
    grown = np.concatenate(
        [traffic(1, 20 * (k + 1) ** 2, start=1_764_000_000.0 + k * HOUR, in_tokens=2_000) for k in range(9)]
    )
    assert parts(rows_of(grown))[1] < 0.3


def test_an_old_client_has_no_ramp_in_its_next_window(traffic) -> None:
    rows = rows_of(traffic(1, 2_000, gap=18.0, in_tokens=2_000))
    carried = Entitlement().turn(rows)
    assert carried["days"].sum() == 0
    later = rows_of(traffic(1, 2_000, start=1_764_700_000.0, gap=18.0, in_tokens=2_000), rows=carried)
    assert parts(later)[1] == 0.0
    assert Entitlement().explain(later[0], 0.0)[1].sentence == "The first hours of this client are no longer known."


def test_huge_tokens_are_held_at_the_most(traffic) -> None:
    rows = rows_of(traffic(1, 200, in_tokens=2**32 - 1))
    assert np.isfinite(Entitlement().score(rows, 0.0)).all()
    assert parts(rows)[0] == 6.0


@pytest.mark.parametrize("cut", [1, 5, 200])
def test_days_and_first_hours_hold_what_was_used_whatever_the_order(traffic, cut: int) -> None:
    rng = np.random.default_rng(3)
    start = 1_764_000_000.0 // 86_400 * 86_400
    at = start + rng.permutation(
        np.concatenate([rng.integers(3 * HOUR, 16 * HOUR, 150), rng.integers(0, 7 * 86_400, 50)])
    )
    tokens = rng.integers(0, 4_000, (2, 200))
    rows = np.zeros(1, Entitlement.state)
    for some in np.array_split(np.arange(200), cut):
        rows_of(traffic(1, len(some), at=at[some], in_tokens=tokens[0, some], out_tokens=tokens[1, some]), rows=rows)
    days, early = np.zeros(8, np.int64), np.zeros(10, np.int64)
    first = int(at.min() // HOUR)
    for hour, used in zip((at // HOUR).astype(int), tokens.sum(axis=0), strict=True):
        days[hour // 24 % 8] += (used + 8) // 16
        early[hour % 10] += (used + 128) // 256 * (hour < first + 10)
    assert rows["first"][0] == first
    assert rows["days"][0].tolist() == days.tolist()
    assert rows["early"][0].tolist() == early.tolist()


def test_the_tokens_of_an_answer_made_in_the_background_count_where_it_is_fetched(traffic) -> None:
    made = traffic(1, 500, operation=Operation.RESPONSE, channel=Channel.BACKGROUND, in_tokens=0, out_tokens=0)
    fetched = {"operation": Operation.RETRIEVAL, "prompts": 0, "in_tokens": 1_000, "out_tokens": 5_000}
    told = traffic(1, 500, start=1_764_000_060.0, usage=Usage.REPORTED, flags=int(Flag.RETRY), **fetched)
    at_once = traffic(1, 500, operation=Operation.RESPONSE, usage=Usage.REPORTED, in_tokens=1_000, out_tokens=5_000)
    assert rows_of(np.concatenate([made, told]))["days"].sum() == rows_of(at_once)["days"].sum() == 500 * 6_000 // 16
    for other in ({"usage": Usage.ABSENT}, {"usage": Usage.REPORTED, "status": 404}):
        again = traffic(1, 500, **fetched | other)
        assert rows_of(np.concatenate([at_once, again]))["days"].sum() == rows_of(at_once)["days"].sum()
