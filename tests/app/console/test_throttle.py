"""Guessing is slowed by address; success costs nothing."""

from app.console.throttle import Throttle


def test_failures_in_a_window_shut_the_door_until_it_ends():
    throttle = Throttle(failures=3, window_seconds=60)
    for second in range(3):
        assert throttle.wait("192.0.2.1", second) == 0
        throttle.failed("192.0.2.1", second)
    assert throttle.wait("192.0.2.1", 10) == 50
    assert throttle.wait("192.0.2.2", 10) == 0
    assert throttle.wait("192.0.2.1", 60) == 0
    throttle.failed("192.0.2.1", 61)
    assert throttle.wait("192.0.2.1", 62) == 0


def test_its_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("app.console.throttle.ADDRESSES", 5)
    throttle = Throttle(failures=1)
    for number in range(20):
        throttle.failed(f"192.0.2.{number}", 0)
    assert throttle.wait("192.0.2.19", 1) > 0
    assert throttle.wait("192.0.2.1", 1) == 0


def test_a_neighbour_in_the_network_of_one_person_is_that_person():
    throttle = Throttle(failures=1)
    throttle.failed("2001:db8::1", 0)
    assert throttle.wait("2001:db8::ffff", 1) > 0
    assert throttle.wait("2001:db8:0:1::1", 1) == 0
