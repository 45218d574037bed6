"""A clock that jumped ahead costs nobody their sight."""

from __future__ import annotations

import numpy as np

from app.worker.clocks import AHEAD, revive, timely
from detectors.engine import window_of
from detectors.event import zeros

YEAR = 365 * 86_400.0


def test_what_is_dated_ahead_counts_as_of_now():
    events = zeros(4)
    events["at"] = [10.0, 1_000.0 + AHEAD, 1_000.1 + AHEAD, 1e10]
    found, many = timely(events, 1_000.0)
    assert many == 2
    assert found["at"].tolist() == [10.0, 1_000.0 + AHEAD, 1_000.0, 1_000.0]
    assert events["at"][3] == 1e10
    again, none = timely(found, 1_000.0)
    assert none == 0
    assert again is found


def test_rows_of_a_window_to_come_begin_anew(engine):
    now = 1.7e9
    rows = engine.empty(np.array([5, 6, 7], np.uint64))
    rows["window"] = window_of(rows["client"], np.array([now - YEAR, now, now + YEAR]))
    rows["events"] = 9
    assert revive(engine, rows, now) == 1
    assert rows["events"].tolist() == [9, 9, 0]
    assert rows["client"].tolist() == [5, 6, 7]
    assert revive(engine, rows, now) == 0
