"""Identity: which credential counts, what it becomes, what is scrubbed."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gateway.identify import Identifier, client_of, credential_of, scrub

steady = settings(deadline=None, derandomize=True)  # the same examples each time, however busy the machine

SECRET = b"s" * 40


@steady
@given(st.binary(min_size=1, max_size=200), st.binary(max_size=100))
def test_a_client_is_a_keyed_hash(secret, credential):
    expected = hmac.new(secret, b"client\0" + credential, hashlib.sha256).digest()[:8]
    assert Identifier(secret).client(credential) == int.from_bytes(expected, "big")


ALL = [(b"x-goog-api-key", b"g"), (b"api-key", b"a"), (b"x-api-key", b"x"), (b"authorization", b"Bearer b")]


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        (ALL, b"key=q", b"b"),
        (ALL[:3], b"key=q", b"x"),
        (ALL[:2], b"key=q", b"a"),
        (ALL[:1], b"key=q", b"g"),
        ([], b"a=1&key=q%2F+z&key=2", b"q/ z"),
        ([], b"%6Bey=hidden", b"hidden"),
        ([], b"api-version=1&api-key=azure", b"azure"),
        ([(b"Sec-WebSocket-Protocol", b"realtime, openai-insecure-api-key.sk-1, beta")], b"key=q", b"sk-1"),
        ([(b"Sec-WebSocket-Protocol", b"openai-insecure-api-key.sk-1")], b"", b"sk-1"),
        ([(b"Sec-WebSocket-Protocol", b"realtime,my-openai-insecure-api-key.no")], b"key=q", b"q"),
        ([], b"monkey=1", b"anonymous\x00203.0.113.7"),
        ([], b"key=", b"anonymous\x00203.0.113.7"),
        ([(b"Authorization", b"bearer  k ")], b"", b"k"),
        ([(b"Authorization", b"Basic dTpw")], b"", b"Basic dTpw"),
        ([(b"Authorization", b"Bearer "), (b"X-Api-Key", b"x")], b"", b"x"),
        ([(b"authorization", b"Bearer 1"), (b"authorization", b"Bearer 2")], b"", b"1"),
    ],
)
def test_the_order_of_credentials(headers, query, expected):
    assert credential_of(headers, query, "203.0.113.7") == expected


def test_the_same_key_in_another_carrier_is_the_same_client():
    assert client_of(SECRET, [(b"authorization", b"Bearer k")], b"", "") == client_of(SECRET, [], b"key=k", "9.9.9.9")
    assert client_of(SECRET, [], b"", "1.1.1.1") != client_of(SECRET, [], b"", "1.1.1.2")
    assert client_of(SECRET, [], b"key=k", "") != client_of(b"t" * 40, [], b"key=k", "")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/a", b"/a"),
        (b"/a?key=K&x=1", b"/a?key=&x=1"),
        (b"/a?x=1&KEY=K", b"/a?x=1&KEY="),
        (b"/a?%6b%65y=K;api-key=L", b"/a?%6b%65y=;api-key="),
        (b"/a?monkey=K", b"/a?monkey=K"),
        (b"/a?b?key=K", b"/a?b?key="),
    ],
)
def test_scrub(target, expected):
    assert scrub(target) == expected
