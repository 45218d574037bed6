"""Signature misuse: levels weigh as they should, and one stray presentation trips nothing."""

from __future__ import annotations

import numpy as np

from detectors.batch import Batch
from detectors.signature import Signature


def score(traffic, **marks):
    events = traffic(1, 100, presented=9)
    for name, values in marks.items():
        events[name][: len(values)] = values
    detector = Signature()
    rows = np.zeros(1, detector.state)
    detector.update(rows, Batch(events))
    told = float(detector.score(rows, 0.0)[0])
    assert told < 1.0 or detector.armed(rows)[0]
    return told


def test_presenting_ones_own_is_silent(traffic) -> None:
    assert score(traffic) == 0.0


def test_one_of_another_account_is_no_tripwire_and_three_are(traffic) -> None:
    assert 0.0 < score(traffic, foreign=[1]) < 0.5
    assert score(traffic, foreign=[1, 1]) < 1.0
    assert score(traffic, foreign=[1, 1, 1]) >= 1.0


def test_one_that_is_fanned_out_trips_and_asking_for_it_weighs_twice(traffic) -> None:
    assert score(traffic, foreign=[2]) == 1.0
    assert score(traffic, foreign=[3]) == 2.0


def test_bodies_taken_over_are_evidence_and_no_tripwire(traffic) -> None:
    assert 0.0 < score(traffic, moved=[1]) < score(traffic, moved=[1] * 50) < 1.0
    assert score(traffic, foreign=[1, 1], moved=[1] * 50) < 1.0


def test_each_mark_is_counted_by_itself(traffic) -> None:
    events = traffic(1, 60, foreign=np.arange(60) % 6, moved=np.arange(60) % 2, presented=np.arange(60) % 3)
    rows = np.zeros(1, Signature.state)
    for part in np.array_split(events, 3):
        Signature().update(rows, Batch(part))
    assert rows["foreign"][0].tolist() == [10, 10, 30]
    assert (rows["moved"][0], rows["presented"][0]) == (30, 40)
