"""Data quality: what was dropped or passed unseen within a window."""

from __future__ import annotations

from app.store.heartbeat import Heartbeat
from app.worker.quality import KEPT_PROCESSES, Quality


def beat(role, at, instance="a", started=1e9, **counters):
    return Heartbeat(role, instance, at=at, started=started, counters=counters)


def test_drops_are_summed_over_processes_and_told_by_window():
    quality = Quality(1000.0)
    for minute, dropped in enumerate([0, 5, 5, 12]):
        now = 1060.0 + 60 * minute
        beats = [beat("extractor", now, dropped_redis=dropped), beat("gateway", now, handoff_dropped=1)]
        quality.observe(beats, now, now)
    assert quality.window(0.0)["dropped_events"] == 13
    assert quality.window(1130.0)["dropped_events"] == 7
    assert quality.window(1300.0)["dropped_events"] == 0
    assert quality.window(0.0)["known_since"] == 1000.0


def test_a_restarted_process_begins_at_zero_and_nothing_is_taken_back():
    quality = Quality(0.0)
    quality.observe([beat("extractor", 1.0, dropped=9)], 1.0, 1.0)
    quality.observe([beat("extractor", 2.0, dropped=2)], 2.0, 2.0)
    quality.observe([beat("extractor", 3.0, dropped=4)], 3.0, 3.0)
    quality.observe([beat("extractor", 4.0, "b", dropped=3)], 4.0, 4.0)
    assert quality.window(0.0)["dropped_events"] == 9 + 2 + 3


def test_what_was_dropped_before_the_first_look_is_not_told_as_new():
    quality = Quality(1000.0)
    quality.observe([beat("extractor", 1001.0, started=10.0, dropped=500)], 1001.0, 1001.0)
    assert quality.window(0.0)["dropped_events"] == 0
    quality.observe([beat("extractor", 1002.0, started=10.0, dropped=503)], 1002.0, 1002.0)
    assert quality.window(0.0)["dropped_events"] == 3


def test_processes_that_are_gone_are_forgotten_and_living_ones_never():
    quality = Quality(0.0)
    for number in range(2 * KEPT_PROCESSES):
        now = float(number)
        beats = [beat("gateway", now, "lives", dropped=7), beat("extractor", now, f"e{number}", dropped=1)]
        quality.observe(beats, now, now)
    assert quality.window(0.0)["dropped_events"] == 7 + 2 * KEPT_PROCESSES
    assert len(quality._last) == KEPT_PROCESSES


def test_other_roles_and_counters_do_not_count():
    quality = Quality(0.0)
    quality.observe([beat("worker", 1.0, dropped=9), beat("extractor", 1.0, events=7)], 1.0, 1.0)
    assert quality.window(0.0) == {"dropped_events": 0, "fail_open_seconds": 0, "known_since": 0.0}


def test_time_without_an_extractor_is_fail_open():
    quality = Quality(0.0)
    for now in range(0, 100, 5):
        quality.observe([beat("extractor", float(now))], float(now), float(now))
    assert quality.window(0.0)["fail_open_seconds"] == 0
    for now in range(100, 200, 5):
        quality.observe([], float(now), float(now))
    assert 80 <= quality.window(0.0)["fail_open_seconds"] <= 100
    for now in range(200, 300, 5):
        quality.observe([beat("extractor", float(now))], float(now), float(now))
    assert 80 <= quality.window(0.0)["fail_open_seconds"] <= 105
    assert quality.window(260.0)["fail_open_seconds"] == 0


def test_before_the_first_extractor_nothing_is_judged():
    quality = Quality(0.0)
    for now in range(0, 100, 5):
        quality.observe([], float(now), float(now))
    assert quality.window(0.0)["fail_open_seconds"] == 0


def test_a_clock_that_is_stepped_or_differs_between_hosts_is_no_time_without_an_extractor():
    quality = Quality(10_000.0)
    ticks = 0.0
    for now in (10_000.0, 10_002.0, 13_602.0, 13_604.0, 10_004.0, 10_006.0):  # an hour on, and back again
        ticks += 2.0
        quality.observe([beat("extractor", now - 45.0)], now, ticks)  # and the extractor's host is 45 s slow
    assert quality.window(0.0)["fail_open_seconds"] == 0
    quality.observe([], 10_008.0, ticks + 2.0)
    assert quality.window(0.0)["fail_open_seconds"] == 2.0
