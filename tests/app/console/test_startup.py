"""Startup: nobody is missing before it had the time to report, and nobody is excused after that."""

from __future__ import annotations

from app.console.startup import GRACE_SECONDS, Startup
from app.store.heartbeat import Heartbeat


def beat(role, started):
    return Heartbeat(role, "1", at=started + 1, started=started)


def test_who_has_not_reported_yet_is_starting_until_the_grace_is_over():
    start = Startup(1000.0, 50.0)
    assert start.waiting([], 51.0) == {"gateway", "extractor", "worker", "linker"}
    assert "worker" in start.waiting([beat("gateway", 1001.0)], 50.0 + GRACE_SECONDS)
    assert start.waiting([], 51.0 + GRACE_SECONDS) == frozenset()


def test_who_was_heard_and_fell_silent_is_missing():
    start = Startup(1000.0, 50.0)
    assert "worker" not in start.waiting([beat("worker", 1001.0)], 60.0)
    assert "worker" not in start.waiting([], 61.0)
    assert "gateway" in start.waiting([], 61.0)


def test_what_an_earlier_start_left_in_redis_is_no_report():
    start = Startup(1000.0, 50.0)
    assert "worker" not in start.waiting([beat("worker", 900.0)], 51.0)  # it may be one that goes on
    assert "worker" in start.waiting([], 62.0)
    assert "worker" not in start.waiting([beat("worker", 900.0)], 63.0)  # it does go on
    assert "worker" not in start.waiting([], 74.0)


def test_while_redis_is_away_nobody_is_said_to_be_starting():
    assert Startup(1000.0, 50.0).waiting(None, 51.0) == frozenset()
