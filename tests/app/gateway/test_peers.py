"""Trust in peers: by network, hop by hop, and nobody by default (case 55)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import SettingError
from app.gateway import peers as module
from app.gateway.peers import Peers

PROXIES = "10.0.0.0/8, 192.0.2.7,2001:db8::/32"
XFF = "x-forwarded-for"


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("192.0.2.7", True),
        ("2001:db8:1::9", True),
        ("192.0.2.8", False),
        ("2001:db9::1", False),
        ("", False),
        ("unix:/run/socket", False),
    ],
)
def test_case_55_who_is_trusted(peer, trusted):
    assert Peers(PROXIES, 1, XFF).trusted(peer) == trusted
    assert not Peers("", 1, XFF).trusted(peer)


@pytest.mark.parametrize(
    ("peer", "hops", "values", "expected"),
    [
        ("198.51.100.1", 1, [b"203.0.113.9"], "198.51.100.1"),  # not trusted: nothing it says counts
        ("10.0.0.1", 1, [], "10.0.0.1"),
        ("10.0.0.1", 1, [b"203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", 1, [b"6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", 1, [b"6.6.6.6", b"203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", 2, [b"6.6.6.6, 203.0.113.9"], "203.0.113.9"),  # the nearer one is no proxy of ours
        ("10.0.0.1", 2, [b"6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", 1, [b"203.0.113.9, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", 3, [b"10.0.0.4, 10.0.0.3, 10.0.0.2"], "10.0.0.4"),
        ("10.0.0.1", 9, [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("2001:db8::1", 1, [b"[2001:DB8:9::1]:443"], "2001:db8:9::1"),
        ("::ffff:10.0.0.1", 1, [b"203.0.113.9:1234"], "203.0.113.9"),
        ("::ffff:198.51.100.1", 1, [b"203.0.113.9"], "198.51.100.1"),
    ],
)
def test_case_55_the_address_behind_a_peer(peer, hops, values, expected):
    assert Peers(PROXIES, hops, XFF).client(peer, values) == expected


@pytest.mark.parametrize("garbage", [b"unknown", b"_hidden", b"203.0.113.9 evil", b"<script>"])
def test_garbage_ends_the_walk_at_the_last_address_that_is_sure_and_is_counted(garbage):
    peers = Peers(PROXIES, 3, XFF)
    assert peers.client("10.0.0.1", [b"6.6.6.6, " + garbage + b", 10.0.0.2"]) == "10.0.0.2"
    assert peers.unreadable == 1


def test_only_the_configured_header_is_read():
    assert Peers(PROXIES, 1, "forwarded").client("10.0.0.1", [b"for=203.0.113.9"]) == "203.0.113.9"
    assert Peers(PROXIES, 1, "forwarded").client("10.0.0.1", [b"203.0.113.9"]) == "10.0.0.1"


@settings(deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=30), max_size=4), st.integers(1, 4))
def test_no_client_moves_an_address_that_its_proxy_wrote(lies, hops):
    peers = Peers(PROXIES, hops, XFF)
    assert peers.client("10.0.0.1", [*lies, b"203.0.113.9"]) == "203.0.113.9"


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MEMO_LIMIT", 3)
    peers = Peers(PROXIES, 1, XFF)
    assert [peers.trusted(f"10.0.0.{n}") for n in range(9)] == [True] * 9
    assert len(peers._memo) == 3


@pytest.mark.parametrize("networks", ["10.0.0.0/99", "10.0.0.1/8", "proxy.internal", "10.0.0.0-10.0.0.9"])
def test_what_is_no_network_is_named_with_the_remedy(networks):
    with pytest.raises(SettingError, match="Remedy: give networks such as") as caught:
        Peers(networks, 1, XFF)
    assert caught.value.setting == "STILLWATCH_TRUSTED_PEERS"
