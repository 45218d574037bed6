"""Counters begin at nothing."""

from __future__ import annotations

from app.gateway.counts import Counts
from app.store.frames import OUTCOMES


def test_requests_are_the_sum_of_outcomes():
    counts = Counts()
    assert (counts.in_flight, counts.requests, len(counts.outcomes)) == (0, 0, len(OUTCOMES))
    counts.outcomes[2] += 3
    assert counts.requests == 3
