"""Guessing is slowed by address; success costs nothing."""

import pytest

from app.console.throttle import Throttle, group


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


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("testclient", "testclient", True),
    ],
)
def test_an_address_is_what_one_person_owns(one, other, same):
    assert (group(one) == group(other)) is same
