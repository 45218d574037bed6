"""What counts as one address."""

from __future__ import annotations

import pytest

from app.addresses import group, read_address


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("testclient", "testclient", True),
    ],
)
def test_an_address_is_what_one_person_owns(one, other, same):
    assert (group(one) == group(other)) is same


def test_an_address_is_read_without_zone_and_wrapping():
    assert str(read_address("::ffff:192.0.2.1")) == "192.0.2.1"
    assert str(read_address("fe80::1%eth0")) == "fe80::1"
    assert read_address("testclient") is None
    assert read_address("") is None
