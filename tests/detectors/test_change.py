"""Own-baseline change: a client that is no longer like itself stands out from its own weeks, and only from those."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import registry
from detectors.batch import Batch
from detectors.change import LEAST, Change
from detectors.engine import WINDOW, Engine
from detectors.event import Flag

START = 1_764_000_000.0


@pytest.fixture
def week(traffic):
    """A week of one client's own: office hours, one network, one program, some conversations."""

    def make(number, count=300, seed=0, **fields):
        rng = np.random.default_rng([number, seed])
        at = START + 7 * 86_400 * number + rng.integers(0, 7, count) * 86_400 + rng.integers(9, 17, count) * 3_600
        usual = {
            "at": at,
            "flags": np.where(rng.random(count) < 0.4, int(Flag.MULTI_TURN), 0),
            "payload_chars": rng.lognormal(5, 0.6, count).astype(int),
        }
        return traffic(1, count, seed=number, **usual | fields)

    return make


def after(weeks, last):
    """The detector's row after some weeks, the last one still open."""
    detector = Change()
    rows = np.zeros(1, detector.state)
    for events in weeks:
        detector.update(rows, Batch(events))
        rows = detector.turn(rows)
    detector.update(rows, Batch(last))
    return rows


def score(weeks, last):
    return float(Change().score(after(weeks, last), 0.0)[0])


def test_a_stolen_key_stands_out_and_an_ordinary_week_does_not(week) -> None:
    own = [week(number) for number in range(4)]
    assert score(own, week(4)) < 1.0
    stolen = week(4, network=77, agent=78, flags=0, payload_chars=4_000)
    assert score(own, stolen) > 4.0
    mixed = np.concatenate([week(4), week(4, seed=1, network=77, agent=78, flags=0)])
    assert 1.0 < score(own, mixed) <= score(own, stolen)


def test_the_terms_say_what_is_new(week) -> None:
    row = after([week(number) for number in range(3)], week(3, network=77))
    terms = {term.feature: term for term in Change().explain(row[0], 0.0)}
    assert terms["new_networks"].value == 1.0
    assert terms["new_programs"].value == 0.0
    assert max(terms.values(), key=lambda term: term.share).feature == "new_networks"


def test_steady_clients_stay_quiet_for_a_year(week) -> None:
    detector, worst = Change(), 0.0
    for seed in range(6):
        rows = np.zeros(1, detector.state)
        for number in range(52):
            detector.update(rows, Batch(week(number, count=80, seed=seed)))
            worst = max(worst, float(detector.score(rows, 0.0)[0]))
            rows = detector.turn(rows)
    assert worst < 4.0  # by the inequality of Ville about one in 50 may pass it


def test_two_weeks_are_needed_and_an_idle_week_is_not_one(week) -> None:
    other = week(5, network=77)
    assert score([week(0)], other) == 0.0
    assert score([week(0), week(1, count=LEAST - 1)], other) == 0.0
    assert score([week(0), week(1)], other) > 0.5


def test_a_new_habit_becomes_the_baseline(week) -> None:
    own = [week(number) for number in range(4)]
    moved = [week(number, network=77) for number in range(4, 10)]
    assert score(own + moved, week(10, network=77)) < 0.5 * score(own, moved[0])


def test_more_requests_count_and_a_week_that_is_not_over_does_not(week) -> None:
    own = [week(number, count=200) for number in range(4)]
    assert score(own, week(4, count=20)) < 1.0
    assert score(own, week(4, count=20_000)) > 1.0


def test_the_engine_carries_the_baseline_over_its_windows(week) -> None:
    reference = registry.load().reference
    engine = Engine([Change()], reference)
    rows = engine.empty(np.array([1], np.uint64))
    for number in range(4):
        engine.step(rows, week(number), 0.0)
    assert rows["change"]["weeks"][0] >= 2
    assert 0 < rows["change"]["n"][0] <= 300
    assert rows["counted"][0] == rows["change"]["n"][0]
    assert WINDOW == 7 * 86_400


def test_linked_clients_have_no_weeks_in_common(week) -> None:
    row = after([week(number) for number in range(3)], week(3, network=77))
    both = np.array([Change().merge(np.concatenate([row, row]))], Change.state)
    assert both["n"][0] == 2 * row["n"][0]
    assert Change().score(both, 0.0)[0] == 0.0
    assert Change().merge(row) == row[0]


@pytest.mark.parametrize("place", range(4))
def test_each_kind_of_novelty_is_counted_by_itself(week, place: int) -> None:
    fields = [{"network": 77}, {"agent": 78}, {"model": 79}, {"at": START + 3 * 7 * 86_400 + 3 * 3_600}]
    other = week(3, count=40, seed=1, **fields[place])
    row = after([week(number) for number in range(3)], np.concatenate([week(3, count=60), other]))
    assert row["n"][0] == 100
    assert [bool(new) for new in row["new"][0]] == [which == place for which in range(4)]
    assert row["new"][0, place] == 40


def test_sizes_and_habits_are_summed_and_held_at_the_most(week) -> None:
    events = week(0, count=64, payload_chars=[0, 1, 2, 4_000] * 16, out_chars=255)
    row = after([], events)
    assert row["logs"][0].tolist() == [16 * sum(int(np.log2(1 + chars) * 16) for chars in (0, 1, 2, 4_000)), 64 * 128]
    assert row["habits"][0, 0] == np.count_nonzero(events["flags"] & Flag.MULTI_TURN)
    row["logs"] = 2**32 - 2
    Change().update(row, Batch(week(1)))
    assert row["logs"][0].tolist() == [2**32 - 1] * 2
