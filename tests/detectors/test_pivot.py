"""Pivot: volume that moves to a new model scores; bursts, additions and old models do not."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import rings
from detectors.batch import Batch
from detectors.declared import Release
from detectors.pivot import Pivot

DAY = 86_400.0
MONDAY = 20_416 * DAY  # the beginning of a day, UTC
OLD, NEW = 3, 8


@pytest.fixture
def days(traffic):
    """Traffic of one client from requests by model for each day."""

    def make(*counts):
        return np.concatenate(
            [
                traffic(1, count, start=MONDAY + day * DAY, gap=60.0, seed=day, model=model)
                for day, models in enumerate(counts)
                for model, count in models.items()
                if count
            ]
        )

    return make


RELEASED = (Release(NEW, MONDAY + 2.3 * DAY),)


def score(events, releases=RELEASED):
    detector = Pivot(releases)
    rows = np.zeros(1, detector.state)
    detector.update(rows, Batch(events))
    return float(detector.score(rows, 0.0)[0])


def test_volume_that_moves_with_a_release_scores(days) -> None:
    moved = days({OLD: 200}, {OLD: 200}, {OLD: 20, NEW: 180}, {NEW: 200})
    assert score(moved) > 0.7
    assert score(moved, releases=()) == pytest.approx(score(moved) / 2.0, rel=0.05)


def test_what_is_told_is_all_that_moved_known_release_or_not(days) -> None:
    moved = days({OLD: 200}, {OLD: 200}, {NEW: 200}, {NEW: 200})
    for releases in (RELEASED, ()):
        detector = Pivot(releases)
        rows = np.zeros(1, detector.state)
        detector.update(rows, Batch(moved))
        term = detector.explain(rows[0], 0.0)[0]
        assert term.value == 1.0
        assert "100 % of its requests moved to a model that is new to it" in term.sentence


def test_a_benchmarkers_burst_scores_little(days) -> None:
    burst = days({OLD: 200}, {OLD: 200}, {OLD: 200, NEW: 600}, {OLD: 200})
    assert score(burst) < 0.3 * score(days({OLD: 200}, {OLD: 200}, {NEW: 200}, {NEW: 200}))


def test_a_model_used_before_and_not_released_scores_nothing(days) -> None:
    assert score(days({OLD: 190, NEW: 10}, {OLD: 200}, {NEW: 200}, {NEW: 200}), releases=()) == 0.0
    assert score(days({OLD: 200}, {OLD: 200}, {NEW: 200}, {NEW: 200}), (Release(99, MONDAY + 2 * DAY),)) < 0.55


def test_steady_use_is_silent_and_few_requests_say_little(days) -> None:
    steady = days(*({OLD: 60, 4: 40} for _ in range(5)))
    assert score(steady) == 0.0
    assert score(days({OLD: 4}, {OLD: 4}, {NEW: 4}, {NEW: 4})) < 0.1


def test_days_are_carried_over_the_end_of_a_window(days) -> None:
    detector = Pivot((Release(NEW, MONDAY + 2 * DAY),))
    rows = np.zeros(1, detector.state)
    detector.update(rows, Batch(days({OLD: 200}, {OLD: 200})))
    rows = detector.turn(rows)
    after = days({}, {}, {NEW: 200}, {NEW: 200})
    detector.update(rows, Batch(after))
    assert detector.score(rows, 0.0)[0] > 0.7
    gone = np.zeros(1, detector.state)
    detector.update(gone, Batch(after))
    assert detector.score(gone, 0.0)[0] == 0.0


@pytest.mark.parametrize("cut", [1, 4, 90])
def test_the_latest_days_are_held_by_model_whatever_the_order(days, cut: int) -> None:
    events = days({OLD: 9}, {}, {OLD: 2, NEW: 1}, {NEW: 5}, {}, {}, {4: 3, OLD: 30}, {NEW: 40})
    events = events[np.random.default_rng(4).permutation(len(events))]
    rows = np.zeros(1, Pivot.state)
    for some in np.array_split(events, cut):
        Pivot().update(rows, Batch(some))
    held = rings.ordered(rows["day"], rows["mix"])[0]
    assert rows["day"][0] == MONDAY / DAY + 7
    assert np.sort(held, axis=1)[:, -2:].tolist() == [[1, 2], [0, 5], [0, 0], [0, 0], [3, 30], [0, 40]]
    assert held[0].argmax() == held[4].argmax() != held[5].argmax() == held[1].argmax()


def test_counts_are_held_at_the_most(traffic) -> None:
    rows = np.zeros(1, Pivot.state)
    for _ in range(2):
        Pivot().update(rows, Batch(traffic(1, 40_000, at=MONDAY, model=OLD)))
    assert (rows["n"][0], rows["mix"].max(), rows["mix"].astype(int).sum()) == (80_000, 65_535, 65_535)
