"""Data quality: what was dropped or passed unseen within a window."""

from __future__ import annotations

from app.store.heartbeat import Heartbeat
from app.worker.quality import KEPT_OWED, KEPT_PROCESSES, SETTLED, Quality


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
    assert quality.window(0.0)["known_until"] == 1240.0


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
    assert quality.window(0.0)["dropped_events"] is None
    quality.observe([beat("extractor", 1002.0, started=10.0, dropped=503)], 1002.0, 1002.0)
    assert quality.window(0.0)["dropped_events"] == 3


def test_nothing_is_known_before_a_gateway_and_an_extractor_were_heard():
    quality = Quality(1000.0)
    quality.observe([beat("extractor", 1002.0)], 1002.0, 2.0)
    found = quality.window(1001.0)
    assert (found["dropped_events"], found["known_since"], found["known_until"]) == (None, None, None)
    quality.observe([beat("extractor", 1300.0), beat("gateway", 1299.0, dropped=7)], 1300.0, 300.0)
    found = quality.window(1001.0)  # the gateway began after us: its counters hold all of it
    assert (found["dropped_events"], found["known_since"], found["known_until"]) == (7, 1000.0, 1299.0)


def test_what_an_older_gateway_dropped_before_it_was_heard_stays_unknown():
    quality = Quality(1000.0)
    quality.observe([beat("extractor", 1002.0)], 1002.0, 2.0)
    beats = [beat("extractor", 1300.0), beat("gateway", 1300.0, started=990.0, dropped=969)]
    quality.observe(beats, 1300.0, 300.0)
    found = quality.window(1001.0)
    assert (found["dropped_events"], found["known_since"]) == (None, 1300.0)
    assert quality.window(1310.0)["dropped_events"] == 0


def test_an_older_gateway_that_dropped_nothing_in_its_life_leaves_nothing_unknown():
    quality = Quality(1000.0)
    beats = [beat("extractor", 1300.0), beat("gateway", 1300.0, started=990.0, dropped=0)]
    quality.observe(beats, 1300.0, 300.0)
    assert (quality.window(1001.0)["dropped_events"], quality.window(1001.0)["known_since"]) == (0, 1000.0)
    assert quality.window(999.0)["dropped_events"] is None


def both(quality, now, gateway="a", **counters):
    quality.observe([beat("extractor", now), beat("gateway", now, gateway, **counters)], now, now)


def test_while_a_gateway_is_silent_none_is_told_as_dropped_and_its_counters_settle_it():
    quality = Quality(1000.0)
    both(quality, 1002.0, dropped=0)
    assert quality.window(1001.0)["dropped_events"] == 0
    for now in range(1004, 1300, 2):
        quality.observe([beat("extractor", float(now))], float(now), float(now))
    found = quality.window(1001.0)
    assert (found["dropped_events"], found["known_until"]) == (None, 1002.0)
    assert 290 < found["uncounted_seconds"] < 310
    both(quality, 1300.0, dropped=969)
    found = quality.window(1001.0)
    assert (found["dropped_events"], found["uncounted_seconds"]) == (969, 0)


def test_the_end_of_a_gateway_that_never_comes_back_stays_unknown():
    quality = Quality(1000.0)
    both(quality, 1002.0)
    for now in range(1004, 5000, 2):
        both(quality, float(now), "b")
    found = quality.window(1001.0)
    assert found["dropped_events"] is None
    assert 50 <= found["uncounted_seconds"] <= 75
    assert quality.window(1100.0)["dropped_events"] == 0  # a window that began after it
    for now in range(5000, 6000, 2):  # and a later silence of another one does not make it longer
        quality.observe([beat("extractor", float(now))], float(now), float(now))
    both(quality, 6000.0, "b")
    assert 50 <= quality.window(1001.0)["uncounted_seconds"] <= 75


def test_a_look_after_a_long_time_without_redis_finds_who_did_not_come_back():
    quality = Quality(1000.0)
    both(quality, 1002.0)
    both(quality, 2000.0, "b")
    assert 990 <= quality.window(1001.0)["uncounted_seconds"] <= 1010


def test_what_was_said_too_early_is_settled_once_everybody_told_counts_after_it():
    quality = Quality(1000.0)
    both(quality, 1002.0)
    quality.owe(7, 1001.0, 1003.0)
    assert quality.settled() == {}  # the counts are older than what was said
    quality.observe([beat("extractor", 1010.0)], 1010.0, 10.0)
    assert quality.settled() == {}
    both(quality, 1020.0, dropped=9)
    found = quality.settled()
    assert found == {7: quality.window(1001.0)}
    assert found[7]["dropped_events"] == 9
    quality.paid(found)
    assert quality.settled() == {}


def test_what_is_owed_is_bounded_and_the_newest_stays():
    quality = Quality(1000.0)
    for client in range(KEPT_OWED + 5):
        quality.owe(client, 1001.0, 1003.0)
    both(quality, 1020.0)
    found = []
    while some := quality.settled():
        assert len(some) <= SETTLED  # one transaction takes no more
        found += some
        quality.paid(some)
    assert found == list(range(5, KEPT_OWED + 5))


def test_one_silent_gateway_of_two_is_enough():
    quality = Quality(1000.0)
    quality.observe([beat(role, 1002.0, name) for role, name in (("extractor", "a"), ("gateway", "a"))], 1002.0, 2.0)
    both(quality, 1004.0, "b")
    assert quality.window(1001.0)["dropped_events"] is None


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
    beats = [beat("worker", 1.0, dropped=9), beat("extractor", 1.0, events=7), beat("gateway", 1.0, requests=7)]
    quality.observe(beats, 1.0, 1.0)
    assert quality.window(0.0) == {
        "dropped_events": 0, "fail_open_seconds": 0, "uncounted_seconds": 0, "known_since": 0.0, "known_until": 1.0,
    }  # fmt: skip


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
