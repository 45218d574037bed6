"""Rings: the latest units of time, however events arrive, and merged as if they were one client's."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors import rings

ROW = np.dtype([("latest", "<i4"), ("ring", "u1", (5,)), ("pairs", "<u2", (5, 2))])


def folded(parts):
    rows = np.zeros(2, ROW)
    for part in parts:
        for row, unit, times in part:
            rings.count(rows["latest"], rows["ring"], row, unit, unit % 5, times, 255)
    return rows


events = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 40), st.integers(1, 160)), max_size=30)


@given(events, st.randoms(use_true_random=False))
def test_the_latest_units_are_counted_in_any_order(some, shuffler):
    shuffled = list(some)
    shuffler.shuffle(shuffled)
    one, other = folded([some]), folded([shuffled[:7], shuffled[7:]])
    assert np.array_equal(one["ring"], other["ring"])
    for row in (0, 1):
        mine = [(unit, count) for who, unit, count in some if who == row]
        newest = max((unit for unit, _ in mine), default=0)
        wanted = [sum(c for u, c in mine if u == at) for at in range(newest - 4, newest + 1)]
        assert rings.ordered(one["latest"], one["ring"])[row].tolist() == [min(count, 255) for count in wanted]


@given(events)
def test_merging_is_counting_all_as_one(some):
    apart = folded([some])
    together = folded([[(0, unit, count) for _, unit, count in some]])
    latest, ring = rings.merge(apart["latest"], apart["ring"])
    assert latest == together["latest"][0]
    assert np.array_equal(ring, together["ring"][0])


def test_cells_of_several_numbers_stay_together():
    rows = np.zeros(2, ROW)
    rows["latest"] = 6, 4
    rows["pairs"][0, [1, 2]] = (0, 9), (1, 1)  # units 6 and 2
    rows["pairs"][1, [4, 1]] = (2, 0), (8, 8)  # units 4 and 1
    ordered = rings.ordered(rows["latest"], rows["pairs"])
    assert ordered[0].tolist() == [[1, 1], [0, 0], [0, 0], [0, 0], [0, 9]]
    latest, merged = rings.merge(rows["latest"], rows["pairs"])
    assert latest == 6
    assert rings.ordered(np.array([latest]), merged[None])[0].tolist() == [[1, 1], [0, 0], [2, 0], [0, 0], [0, 9]]
