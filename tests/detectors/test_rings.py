"""Rings: the latest units of time, however events arrive, and merged as if they were one client's."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors import rings

ROW = np.dtype([("latest", "<i4"), ("ring", "<u2", (5,)), ("pairs", "<u2", (5, 2))])


def folded(parts):
    rows = np.zeros(2, ROW)
    for part in parts:
        for row, unit, count in sorted(part):
            where = np.array([row]), np.array([unit]), np.array([count])
            rings.add(rows, "latest", "ring", *where)
    return rows


events = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 40), st.integers(1, 40_000)), max_size=30)


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
        assert rings.ordered(one["latest"], one["ring"])[row].tolist() == [min(count, 65_535) for count in wanted]


@given(events)
def test_merging_is_counting_all_as_one(some):
    apart = folded([some])
    together = folded([[(0, unit, count) for _, unit, count in some]])
    latest, ring = rings.merge(apart["latest"], apart["ring"])
    assert latest == together["latest"][0]
    assert np.array_equal(ring, together["ring"][0])


def test_cells_of_several_numbers_move_together():
    rows = np.zeros(1, ROW)
    for unit, pair in ((1, (3, 0)), (2, (1, 1)), (6, (0, 9))):
        rings.add(rows, "latest", "pairs", np.array([0]), np.array([unit]), np.array([pair]))
    assert rings.ordered(rows["latest"], rows["pairs"])[0].tolist() == [[1, 1], [0, 0], [0, 0], [0, 0], [0, 9]]
    assert rings.merge(rows["latest"], rows["pairs"])[1].sum() == 11
