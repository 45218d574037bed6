"""A token bucket lets through what it promises, never more, and says truthfully when to come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway.bucket import Bucket


def test_the_burst_first_then_the_rate():
    bucket = Bucket(0.5, 2)
    assert [bucket.take(100.0) for _ in range(3)] == [0, 0, 2.0]
    assert bucket.take(101.0) == 1.0
    assert bucket.take(102.0) == 0
    assert bucket.take(1000.0) == 0
    assert bucket.take(1000.0) == 0
    assert bucket.take(1000.0) > 0


def test_to_look_takes_nothing():
    bucket = Bucket(0.5, 1)
    assert [bucket.wait(100.0), bucket.wait(100.0), bucket.take(100.0), bucket.wait(100.0)] == [0, 0, 0, 2.0]


def test_a_clock_that_does_not_move_on_gives_nothing():
    bucket = Bucket(10, 1)
    assert bucket.take(50.0) == 0
    assert bucket.take(40.0) == bucket.take(50.0) == pytest.approx(0.1)


@given(
    st.floats(0.001, 100),
    st.integers(1, 50),
    st.lists(st.floats(0, 30), min_size=1, max_size=300),
)
def test_no_window_has_more_than_rate_and_burst_allow(rate, burst, gaps):
    bucket, at, taken = Bucket(rate, burst), 1000.0, []
    for gap in gaps:
        at += gap
        if bucket.take(at) == 0:
            taken.append(at)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + rate * (taken[last] - taken[first]) + 1e-6


@given(st.floats(0.001, 100), st.integers(1, 20), st.lists(st.floats(0, 5), max_size=60))
def test_who_waits_as_told_is_served(rate, burst, gaps):
    bucket, at = Bucket(rate, burst), 0.0
    for gap in gaps:
        at += gap
        wait = bucket.take(at)
        if wait:
            at += wait * (1 + 1e-9) + 1e-9
            assert bucket.take(at) == 0
