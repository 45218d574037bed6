"""Who is the client where tokens and trusted headers count: order, trust, what is counted, what is remembered."""

from __future__ import annotations

import base64
import json
import time

import jwt
import pytest

from app.errors import SettingError
from app.gateway import naming as module
from app.gateway.identify import Identifier
from app.gateway.naming import Naming, identifier
from app.settings import read_settings

SECRET = b"s" * 32
KEY = b"k" * 32
PROXY, STRANGER = "10.0.0.1", "198.51.100.1"


@pytest.fixture
def make(tmp_path):
    """Naming by these settings; the file `jwks` has the key KEY."""
    encoded = base64.urlsafe_b64encode(KEY).rstrip(b"=").decode()
    (tmp_path / "jwks").write_text(json.dumps({"kty": "oct", "k": encoded}))

    def build(identity, **more):
        settings = {
            "STILLWATCH_IDENTITY": identity,
            "STILLWATCH_TRUSTED_PEERS": "10.0.0.0/8",
            "STILLWATCH_JWT_KEYS": str(tmp_path / "jwks"),
            **more,
        }
        return Naming(SECRET, read_settings(settings))

    return build


def _token(**claims):
    return jwt.encode(claims, KEY, "HS256").encode()


PLAIN = Identifier(SECRET)


def test_by_default_nothing_but_the_credential_is_asked():
    plain = identifier(SECRET, read_settings({}))
    assert type(plain) is Identifier
    named = plain.name((b"k",), [(b"X-Forwarded-For", b"6.6.6.6"), (b"X-Account", b"a")], STRANGER)
    assert (named.client, named.peer, named.ja4) == (PLAIN.client(b"k"), STRANGER, b"")
    assert type(identifier(SECRET, read_settings({"STILLWATCH_TRUSTED_PEERS": "10.0.0.0/8"}))) is Naming


def test_a_verified_claim_names_the_client_over_all_its_tokens(make):
    naming = make("jwt:sub, credential")
    first = naming.name((_token(sub="a", iat=1),), [], STRANGER)
    assert naming.name((_token(sub="a", iat=2),), [], PROXY).client == first.client
    assert naming.name((_token(sub="b"),), [], STRANGER).client != first.client
    assert naming.name((_token(sub="a", iss="other"),), [], STRANGER).client != first.client
    assert make("jwt:org").name((_token(org="a"),), [], STRANGER).client != first.client
    assert naming.readings()["identity_unverified"] == 0


def test_a_number_is_a_claim_too(make):
    naming = make("jwt:org")
    assert naming.name((_token(org=7),), [], "").client == naming.name((_token(org=7, iat=1),), [], "").client


@pytest.mark.parametrize("value", [None, True, 1.5, "", ["a"], {"a": 1}, "a\0b", "x" * 600])
def test_other_claims_name_nobody(make, value):
    naming = make("jwt:sub")
    token = _token(claim=value) if value is None else jwt.encode({"sub": 1, "claim": value}, KEY, "HS256").encode()
    naming = make("jwt:claim")
    assert naming.name((token,), [], STRANGER).client == PLAIN.client(token)
    assert naming.unverified == 1


def test_case_54_a_token_that_is_not_verified_names_only_itself_and_is_counted(make):
    naming = make("jwt:sub")
    victim = naming.name((_token(sub="victim"),), [], STRANGER).client
    forged = jwt.encode({"sub": "victim"}, b"x" * 32, "HS256").encode()
    expired = _token(sub="victim", exp=int(time.time()) - 100)
    for token in (forged, expired):
        assert naming.name((token,), [], STRANGER).client == PLAIN.client(token) != victim
    assert naming.readings()["identity_unverified"] == 2
    assert naming.name((b"sk-no.token.atall",), [], STRANGER).client == PLAIN.client(b"sk-no.token.atall")
    assert naming.readings()["identity_unverified"] == 2


def test_a_verified_token_names_the_client_wherever_it_stands(make):
    naming = make("jwt:sub")
    alone = naming.name((_token(sub="a"),), [], STRANGER)
    beside = naming.name((b"sk-key", _token(sub="a")), [], STRANGER)
    assert (beside.client, beside.others) == (alone.client, ())
    unverified = naming.name((b"sk-key", b"ey.no.token"), [], STRANGER)
    assert (unverified.client, unverified.others) == (PLAIN.client(b"sk-key"), (PLAIN.client(b"ey.no.token"),))
    assert naming.readings()["identity_unverified"] == 1


def test_case_54_no_credential_can_pose_as_a_verified_name(make):
    naming = make("jwt:sub, header:x-account, mtls:x-cert")
    names = [
        naming.name((_token(sub="victim"),), [], PROXY).client,
        naming.name((), [(b"x-account", b"victim")], PROXY).client,
        naming.name((), [(b"x-cert", b"victim")], PROXY).client,
    ]
    made_up = [b"token\0sub\0\0victim", b"header\0x-account\0victim", b"certificate\0victim", b"victim"]
    assert len({*names, *(PLAIN.client(one) for one in made_up)}) == 7


def test_until_when_a_name_may_be_remembered(make):
    expires = int(time.time()) + 50
    naming = make("jwt:sub")
    for _ in range(2):  # verified, then remembered
        assert naming.name((_token(sub="a", exp=expires),), [], "").until == expires + 30


def test_what_is_remembered_of_tokens_is_bounded_and_is_no_token(make, monkeypatch):
    monkeypatch.setattr(module, "MEMO_LIMIT", 3)
    naming = make("jwt:sub")
    tokens = [_token(sub=str(number)) for number in range(10)]
    for token in tokens:
        naming.name((token,), [], "")
    assert len(naming._tokens) <= 3
    assert not any(token in naming._tokens for token in tokens)


def test_case_54_a_header_counts_only_from_trusted_peers(make):
    naming = make("header:X-Account")
    header = [(b"x-ACCOUNT", b" team-7 ")]
    named = naming.name((b"k",), header, PROXY)
    assert named.client not in (PLAIN.client(b"k"), PLAIN.client(b"team-7"))
    assert naming.name((b"other",), [(b"x-account", b"team-7")], "10.9.9.9").client == named.client
    assert naming.name((b"k",), header, STRANGER).client == PLAIN.client(b"k")
    assert naming.readings()["identity_untrusted"] == 1


@pytest.mark.parametrize("headers", [[b""], [b"a", b"b"], [b"a", b"a"], [b"x" * 600]])
def test_a_header_that_is_empty_double_or_huge_names_nobody_and_is_counted(make, headers):
    naming = make("header:x-account")
    named = naming.name((b"k",), [(b"x-account", value) for value in headers], PROXY)
    assert named.client == PLAIN.client(b"k")
    assert naming.readings()["identity_unusable"] == 1


def test_the_first_source_that_a_request_has_counts(make):
    headers = [(b"x-account", b"a")]
    by_header = make("header:x-account").name((b"k",), headers, PROXY).client
    assert make("jwt:sub,header:x-account").name((b"k",), headers, PROXY).client == by_header
    assert make("credential,header:x-account").name((b"k",), headers, PROXY).client == PLAIN.client(b"k")
    assert make("credential,header:x-account").name((), headers, PROXY).client == by_header
    assert make("credential,header:x-account").name((b"q",), headers, PROXY).client == PLAIN.client(b"q")


def test_a_client_certificate_names_the_client_over_its_renewals(make):
    naming = make("mtls:x-forwarded-client-cert")
    old, new = (b'Hash=%b;Subject="CN=a";URI=spiffe://a' % number for number in (b"1", b"2"))
    header = b"X-Forwarded-Client-Cert"
    named = naming.name((), [(header, old)], PROXY)
    assert naming.name((), [(header, new)], PROXY).client == named.client
    assert naming.name((), [(header, b"lie, " + new)], PROXY).client == named.client
    assert naming.name((), [(header, new)], STRANGER).client != named.client
    by_hash = make("mtls:x-client-cert-hash")
    assert by_hash.name((), [(b"x-client-cert-hash", b"ab")], PROXY).client != named.client


def test_case_55_a_request_without_credential_is_its_addresss_behind_the_proxy(make):
    naming = make("credential")
    named = naming.name((), [(b"X-Forwarded-For", b"6.6.6.6, 203.0.113.9")], PROXY)
    assert (named.client, named.peer) == (PLAIN.client(b"anonymous\x00203.0.113.9"), "203.0.113.9")
    named = naming.name((), [(b"X-Forwarded-For", b"203.0.113.9")], STRANGER)
    assert (named.client, named.peer) == (PLAIN.client(b"anonymous\0" + STRANGER.encode()), STRANGER)
    named = naming.name((), [(b"Forwarded", b"for=203.0.113.9")], PROXY)
    assert named.peer == PROXY
    named = make("credential", STILLWATCH_FORWARDED="forwarded").name((), [(b"Forwarded", b"for=203.0.113.9")], PROXY)
    assert named.peer == "203.0.113.9"


def test_addresses_that_cannot_be_read_are_counted(make):
    naming = make("credential")
    assert naming.name((), [(b"X-Forwarded-For", b"unknown")], PROXY).peer == PROXY
    assert naming.readings()["forwarded_unreadable"] == 1


@pytest.mark.parametrize(
    ("headers", "peer", "expected"),
    [
        ([(b"X-JA4", b"t13d1516h2_8daaf6152771_b186095e22b6")], PROXY, b"t13d1516h2_8daaf6152771_b186095e22b6"),
        ([(b"X-JA4", b"t13d1516h2_8daaf6152771_b186095e22b6")], STRANGER, b""),
        ([(b"X-JA4", b"a"), (b"X-JA4", b"b")], PROXY, b""),
        ([(b"X-JA4", b"a b")], PROXY, b""),
        ([(b"X-JA4", b"a" * 65)], PROXY, b""),
        ([], PROXY, b""),
    ],
)
def test_the_fingerprint_of_the_clients_tls_comes_from_trusted_peers(make, headers, peer, expected):
    assert make("credential").name((b"k",), headers, peer).ja4 == expected


@pytest.mark.parametrize(
    ("settings", "name", "remedy"),
    [
        ({"STILLWATCH_IDENTITY": "cookie"}, "STILLWATCH_IDENTITY", "list credential, jwt:CLAIM"),
        ({"STILLWATCH_IDENTITY": "jwt"}, "STILLWATCH_IDENTITY", "list credential"),
        ({"STILLWATCH_IDENTITY": "credential:x"}, "STILLWATCH_IDENTITY", "list credential"),
        ({"STILLWATCH_IDENTITY": "header:x y"}, "STILLWATCH_IDENTITY", "list credential"),
        ({"STILLWATCH_IDENTITY": "jwt:sub"}, "STILLWATCH_IDENTITY", "STILLWATCH_JWT_KEYS"),
        ({"STILLWATCH_IDENTITY": "header:x-account"}, "STILLWATCH_IDENTITY", "STILLWATCH_TRUSTED_PEERS"),
        ({"STILLWATCH_IDENTITY": "mtls:x-cert"}, "STILLWATCH_IDENTITY", "STILLWATCH_TRUSTED_PEERS"),
        ({"STILLWATCH_TRUSTED_PEERS": "all"}, "STILLWATCH_TRUSTED_PEERS", "10.0.0.0/8"),
        ({"STILLWATCH_FINGERPRINT_HEADER": "x ja4"}, "STILLWATCH_FINGERPRINT_HEADER", "x-ja4"),
        ({"STILLWATCH_FINGERPRINT_HEADER": "x-ja4:"}, "STILLWATCH_FINGERPRINT_HEADER", "x-ja4"),
    ],
)
def test_what_cannot_be_done_is_said_at_the_start(settings, name, remedy):
    with pytest.raises(SettingError, match=f"Remedy: .*{remedy}") as caught:
        identifier(SECRET, read_settings(settings))
    assert caught.value.setting == name


# Through a gateway: what its memory of a connection's heads does with names.


def test_through_a_gateway_each_head_of_one_connection_has_its_own_client(make_gateway, kit, tmp_path, make):
    make("credential")  # writes the keys
    gateway = make_gateway(
        STILLWATCH_IDENTITY="jwt:sub,header:x-account",
        STILLWATCH_JWT_KEYS=str(tmp_path / "jwks"),
        STILLWATCH_TRUSTED_PEERS="127.0.0.0/8",
    )
    sink = kit.Sink(gateway.settings.handoff)
    alice, bob = (_token(sub=name).decode() for name in ("alice", "bob"))
    heads = {
        "/alice": [f"Authorization: Bearer {alice}"],
        "/bob": [f"Authorization: Bearer {bob}", "X-Forwarded-For: 203.0.113.9", "X-JA4: t13d_a_b"],
        "/team": ["x-account: team", "X-Forwarded-For: 2001:db8::9"],
        "/nobody": [],
    }
    with gateway.client() as client:
        for _ in range(3):
            for path, lines in heads.items():
                for _ in range(2):  # the second is served from memory
                    assert client.ask(path, b"x", *lines)[0] == 200
    for path in heads:
        kit.until(lambda path=path: len(sink.copies(path.encode())) == 6)
    found = {path: {copy.client for copy in sink.copies(path.encode())} for path in heads}
    assert all(len(clients) == 1 for clients in found.values())
    assert len(set.union(*found.values())) == 4
    assert {copy.peer for copy in sink.copies(b"/bob")} == {"203.0.113.9"}
    assert {copy.ja4 for copy in sink.copies(b"/bob")} == {"t13d_a_b"}
    assert {copy.peer for copy in sink.copies(b"/team")} == {"2001:db8::9"}
    assert {copy.ja4 for copy in sink.copies(b"/alice")} == {""}
    gateway.stop()
    sink.stop()


def test_through_a_gateway_a_token_that_expires_names_nobody_from_then_on(make_gateway, kit, tmp_path, make):
    """The connection's memory of the head must not outlive the token."""
    make("credential")
    gateway = make_gateway(STILLWATCH_IDENTITY="jwt:sub", STILLWATCH_JWT_KEYS=str(tmp_path / "jwks"))
    sink = kit.Sink(gateway.settings.handoff)
    token = _token(sub="a", exp=int(time.time()) - 28).decode()  # two more seconds within the leeway
    with gateway.client() as client:
        deadline = time.monotonic() + 10
        while gateway.counters()["identity_unverified"] == 0:
            assert client.ask("/v1", b"x", f"Authorization: Bearer {token}")[0] == 200
            assert time.monotonic() < deadline
            time.sleep(0.05)
        client.ask("/v1", b"x", f"Authorization: Bearer {token}")
    kit.until(lambda: len({copy.client for copy in sink.copies(b"/v1")}) == 2)
    clients = [copy.client for copy in sink.copies(b"/v1")]
    assert clients[0] != clients[-1]
    assert clients == sorted(clients, key=lambda one: one == clients[-1])
    assert gateway.counters()["identity_unverified"] == 1  # the new name is remembered too
    gateway.stop()
    sink.stop()


def test_a_claim_names_the_account_of_a_client_once(make):
    naming = make("credential", STILLWATCH_ACCOUNT="jwt:org")
    token = _token(org="acme")
    client = naming.name((token,), [], STRANGER).client
    assert client == PLAIN.client(token)
    assert naming.new_accounts() == {f"{client:016x}": "acme"}
    naming.name((token,), [], STRANGER)
    assert naming.new_accounts() == {}
    assert naming.name((_token(org=5),), [], "").client != client
    assert list(naming.new_accounts().values()) == ["5"]


def test_the_id_of_another_s_key_does_not_move_its_client_to_another_account(make):
    naming = make("header:x-team, credential", STILLWATCH_ACCOUNT="jwt:org")
    token = _token(org="mine")
    assert naming.name((b"AWS4 AKIA1", token), [], STRANGER).client == PLAIN.client(b"AWS4 AKIA1")
    assert naming.new_accounts() == {}
    named = naming.name((b"AWS4 AKIA1", token), [(b"x-team", b"red")], PROXY)
    assert naming.new_accounts() == {f"{named.client:016x}": "mine"}


def test_what_is_no_account_names_none(make):
    naming = make("credential", STILLWATCH_ACCOUNT="jwt:org")
    forged = jwt.encode({"org": "acme"}, b"x" * 32, "HS256").encode()
    for credential in (forged, b"key", b"", _token(sub="a"), _token(org="line\nbreak"), _token(org=True)):
        naming.name((credential,), [], STRANGER)
    assert naming.new_accounts() == {}


def test_a_trusted_header_names_the_account_and_no_other_does(make):
    naming = make("credential", STILLWATCH_ACCOUNT="header:X-Customer")
    client = naming.name((b"k",), [(b"x-customer", b" Acme & Co ")], PROXY).client
    naming.name((b"j",), [(b"x-customer", b"victim")], STRANGER)
    naming.name((b"i",), [(b"x-customer", b"one"), (b"X-Customer", b"two")], PROXY)
    assert naming.new_accounts() == {f"{client:016x}": "Acme & Co"}
    naming.name((b"k",), [(b"x-customer", b"Other")], PROXY)
    assert naming.new_accounts() == {f"{client:016x}": "Other"}


def test_accounts_are_told_again_in_time_and_bounded(make, monkeypatch):
    naming = make("credential", STILLWATCH_ACCOUNT="header:x-customer")
    monkeypatch.setattr(module, "ACCOUNTS_WAITING", 3)
    for number in range(5):
        naming.name((b"%d" % number,), [(b"x-customer", b"acme")], PROXY)
    assert len(naming.new_accounts()) == 3
    monkeypatch.setattr(naming, "_retell", 0.0)
    naming.new_accounts()
    naming.name((b"0",), [(b"x-customer", b"acme")], PROXY)
    assert len(naming.new_accounts()) == 1


@pytest.mark.parametrize(
    ("account", "more"),
    [
        ("jwt:org", {"STILLWATCH_JWT_KEYS": ""}),
        ("header:x-customer", {"STILLWATCH_TRUSTED_PEERS": ""}),
        ("header:", {}),
        ("claim:org", {}),
    ],
)
def test_an_account_that_cannot_be_named_is_refused_at_the_start(make, account, more):
    with pytest.raises(SettingError, match="STILLWATCH_ACCOUNT"):
        make("credential", STILLWATCH_ACCOUNT=account, **more)


def test_a_token_that_names_both_is_verified_once(make, monkeypatch):
    naming = make("jwt:sub", STILLWATCH_ACCOUNT="jwt:org")
    verify, seen = naming._verifier.verify, []
    monkeypatch.setattr(naming._verifier, "verify", lambda token: seen.append(token) or verify(token))
    token = _token(sub="a", org="acme")
    client = naming.name((token,), [], STRANGER).client
    assert naming.new_accounts() == {f"{client:016x}": "acme"}
    assert len(seen) == 1
