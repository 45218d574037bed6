"""Lists of addresses: every spelling, garbage, and that nothing on the left changes what is read on the right."""

from __future__ import annotations

import ipaddress
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gateway.forwarded import address, certificate, forwarded, split_right, x_forwarded_for

steady = settings(deadline=None, derandomize=True)
ADDRESSES = st.ip_addresses().map(str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1\t", "192.0.2.1"),
        ("192.0.2.1:8080", "192.0.2.1"),
        ('"192.0.2.1:8080"', "192.0.2.1"),
        ("192.0.2.1:_port", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::FFFF:c000:201]:1", "192.0.2.1"),
        ("", None),
        ("unknown", None),
        ("_hidden", None),
        ('"_hidden:1"', None),
        ("192.0.2", None),
        ("192.0.2.256", None),
        ("192.0.02.1", None),
        ("192.0.2.1:", None),
        ("192.0.2.1:http", None),
        ("192.0.2.1:999999", None),
        ("[192.0.2.1", None),
        ("[]", None),
        ("[::1]x", None),
        ("[::1]:", None),
        ("fe80::1%eth0", None),
        ('"192.0.2.1', None),
        ('"', None),
        ("192.0.2.1 evil", None),
        ("localhost", None),
        ("1" * 10_000, None),
    ],
)
def test_address(text, expected):
    assert address(text) == expected


@steady
@given(st.text(max_size=60))
def test_an_address_is_an_address_or_none_whatever_the_text(text):
    found = address(text)
    assert found is None or str(ipaddress.ip_address(found)) == found


@steady
@given(ADDRESSES, st.sampled_from(["{}", "[{}]", "[{}]:1", '"[{}]:1"', " {} "]))
def test_every_address_is_read_in_every_spelling(one, form):
    if ":" not in one:
        form = form.replace("[", "").replace("]", "")
    mapped = getattr(ipaddress.ip_address(one), "ipv4_mapped", None)
    assert address(form.format(one)) == str(mapped or one)


@steady
@given(st.lists(st.text(max_size=40), max_size=3), ADDRESSES)
def test_what_a_client_writes_never_changes_what_its_proxy_appends(lies, true):
    headers = [lie.encode("utf-8") for lie in lies]
    mapped = getattr(ipaddress.ip_address(true), "ipv4_mapped", None)
    expected = str(mapped or true)
    assert next(x_forwarded_for([*headers, true.encode()])) == expected
    appended = f"proto=https;for={true}" if "." in true and ":" not in true else f'For="[{true}]:1"'
    assert next(forwarded([*headers, appended.encode()])) == expected
    inline = b", ".join([*headers, appended.encode()])
    assert next(forwarded([inline])) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"a, 192.0.2.1 , 192.0.2.2"], ["192.0.2.2", "192.0.2.1", None]),
        ([b"192.0.2.1", b"192.0.2.2,", b", 192.0.2.3"], ["192.0.2.3", "192.0.2.2", "192.0.2.1"]),
        ([b",, ,"], []),
        ([], []),
    ],
)
def test_x_forwarded_for_headers_are_one_list(values, expected):
    assert list(x_forwarded_for(values)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'for=192.0.2.43, for="[2001:db8:cafe::17]:4711"', ["2001:db8:cafe::17", "192.0.2.43"]),
        (b"FOR = 192.0.2.1;proto=http;by=203.0.113.43", ["192.0.2.1"]),
        (b"for=_hidden, for=unknown, proto=http", [None, None, None]),
        (b"for=192.0.2.1;for=192.0.2.2", [None]),
        (b'host="a,b;for=192.0.2.9";for=192.0.2.1', ["192.0.2.1"]),
        (b'host="a\\",for=192.0.2.9";for=192.0.2.1', ["192.0.2.1"]),
        (b'for="evil, for=192.0.2.1', ["192.0.2.1", None]),
        (b"", []),
    ],
)
def test_forwarded(value, expected):
    found = list(forwarded([value]))
    assert found[: len(expected)] == expected


@steady
@given(st.lists(st.text('ab=;"\\ ', max_size=8), max_size=6))
def test_pieces_joined_by_the_mark_are_the_text(pieces):
    text = ",".join(piece.strip() for piece in pieces)
    found = list(split_right(text, ","))
    assert [part.strip() for part in reversed(found)] == found[::-1]
    assert "".join(found[::-1]).replace(" ", "").replace(",", "") == text.replace(" ", "").replace(",", "")


def test_a_hostile_list_costs_no_more_than_its_limit():
    began = time.process_time()
    for value in (b'"' * 250_000, b"\\" * 250_000 + b'"', b"," * 250_000, b";=" * 125_000):
        list(forwarded([value]))
        list(x_forwarded_for([value]))
        certificate([value], 16)
    assert time.process_time() - began < 2


XFCC = (
    b'By=spiffe://a;Hash=aa;Subject="CN=far, O=\\"X\\"",'
    b'By=spiffe://b;Hash=bb;Subject="CN=near";URI=spiffe://prod/account-7'
)


@pytest.mark.parametrize(
    ("values", "hops", "expected"),
    [
        ([XFCC], 1, b"uri=spiffe://prod/account-7"),
        ([XFCC], 2, b'subject=CN=far, O="X"'),
        ([XFCC], 9, b'subject=CN=far, O="X"'),
        (XFCC.split(b",By", 1), 1, b"uri=spiffe://prod/account-7"),
        ([b"Hash=cc"], 1, b"hash=cc"),
        ([b'Subject="CN=lie, Hash=dd'], 1, b"hash=dd"),
        ([b"nothing"], 1, b""),
        ([b""], 1, b""),
    ],
)
def test_what_names_the_client_of_a_certificate(values, hops, expected):
    assert certificate(values, hops) == expected
