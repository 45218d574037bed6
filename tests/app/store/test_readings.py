"""Readings: sums over processes, the slowest worker, and gateways that missed a change of the mode."""

from __future__ import annotations

from app.store import readings
from app.store.heartbeat import Heartbeat


def beat(role, instance="a", **more):
    return Heartbeat(role, instance, at=100.0, started=50.0, **more)


def test_counters_are_added_up_by_parts_of_their_names():
    beats = [
        beat("gateway", counters={"copies_dropped_full": 2, "requests_ok": 9}),
        beat("extractor", counters={"events_dropped": 5, "poison_blocks": 1, "dropped_odd": "another version's"}),
    ]
    assert readings.total(beats, "dropped") == 7
    assert readings.total(beats, "dropped", "poison") == 8
    assert readings.total([], "dropped") == 0


def test_no_count_of_drops_is_no_zero_while_nobody_tells_any():
    gateway, extractor = (Heartbeat(role, "1", 0.0, 0.0) for role in ("gateway", "extractor"))
    assert readings.dropped([gateway, extractor]) == 0
    for beats in (None, [], [extractor], [gateway]):
        assert readings.dropped(beats) is None
    assert readings.dropped([Heartbeat("extractor", "1", 0.0, 0.0, counters={"dropped_redis": 3.0})]) == 3


def test_the_slowest_worker_says_the_lag():
    beats = [
        beat("worker", "a", gauges={"lag_seconds": 2.0}),
        beat("worker", "b", gauges={"lag_seconds": 9.0, "lag_blocks": 70.0}),
        beat("extractor", gauges={"emit_lag_seconds": 400.0}),
    ]
    assert readings.lag_seconds(beats) == 9.0
    assert readings.lag_seconds([beat("worker"), *beats[2:]]) is None


def test_gateways_have_a_moment_to_take_up_the_mode():
    beats = [
        beat("gateway", "new", counters={"mode_version": 3}),
        beat("gateway", "old", counters={"mode_version": 2}),
        beat("gateway", "silent"),
        beat("worker"),
    ]
    moment = readings.TAKE_UP_SECONDS
    assert [one.instance for one in readings.behind_mode(beats, 3, moment)] == ["old", "silent"]
    assert readings.behind_mode(beats, 3, moment - 0.1) == []
