"""Identity: what a credential becomes."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gateway.identify import Identifier, client_of, credential_of

steady = settings(deadline=None, derandomize=True)  # the same examples each time, however busy the machine

SECRET = b"s" * 40


@steady
@given(st.binary(min_size=1, max_size=200), st.binary(max_size=100))
def test_a_client_is_a_keyed_hash(secret, credential):
    expected = hmac.new(secret, b"client\0" + credential, hashlib.sha256).digest()[:8]
    assert Identifier(secret).client(credential) == int.from_bytes(expected, "big")


def test_the_same_key_in_another_carrier_is_the_same_client():
    assert client_of(SECRET, [(b"authorization", b"Bearer k")], b"", "") == client_of(SECRET, [], b"key=k", "9.9.9.9")
    assert client_of(SECRET, [], b"", "1.1.1.1") != client_of(SECRET, [], b"", "1.1.1.2")
    assert client_of(SECRET, [], b"key=k", "") != client_of(b"t" * 40, [], b"key=k", "")


def test_the_other_credentials_are_clients_too():
    identifier = Identifier(SECRET)
    named = identifier.name((b"one", b"two", b"three"), [], "1.1.1.1")
    assert named.client == identifier.client(b"one")
    assert named.others == (identifier.client(b"two"), identifier.client(b"three"))
    assert identifier.name((b"one",), [], "1.1.1.1").others == ()
    assert identifier.name((), [], "1.1.1.1").others == ()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_without_a_credential_the_network_of_one_person_is_one_client(one, other, same):
    identifier = Identifier(SECRET)
    assert (identifier.name((), [], one).client == identifier.name((), [], other).client) is same
    assert identifier.name((), [], one).peer == one


def test_without_a_credential_the_address_names_the_client():
    assert credential_of([], b"", "203.0.113.7") == b"anonymous\x00203.0.113.7"
    twice = [(b"x-api-key", b"1"), (b"x-api-key", b"2")]
    assert credential_of(twice, b"", "203.0.113.7") == b"anonymous\x00203.0.113.7"
