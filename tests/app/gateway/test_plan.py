"""A plan says how a request with this head goes on; the length is put in later."""

from __future__ import annotations

from app.gateway.identify import Identifier
from app.gateway.plan import Plan
from app.gateway.problems import TWO_CREDENTIALS
from app.gateway.routes import Route, Router
from app.gateway.upstream import Pool

HEADERS = [
    (b"Host", b"g"),
    (b"Authorization", b"Bearer k"),
    (b"A", b"1"),
    (b"Content-Length", b"12"),
    (b"Cookie", b"c"),
    (b"B", b"2"),
]


IDENTIFIER = Identifier(b"s" * 32)
ROUTER = Router([Route(b"", False, b"up:1", b"/base", 0, Pool("http://up:1", 5, 900))])


def _plan(headers, target=b"/p?key=K", identifier=IDENTIFIER):
    return Plan("POST", target, "1.1", headers, "192.0.2.1", ROUTER, identifier)


def test_the_length_goes_between_the_two_parts():
    plan = _plan(HEADERS)
    assert plan.length == b"12"
    assert b"7".join(plan.opening) == (
        b"POST /base/p?key=K HTTP/1.1\r\nhost: up:1\r\nAuthorization: Bearer k\r\nA: 1\r\n"
        b"Content-Length: 7\r\nCookie: c\r\nB: 2\r\n\r\n"
    )
    assert b"7".join(plan.copied) == b"A: 1\r\nContent-Length: 7\r\nB: 2\r\n"
    assert plan.subject.text == b"192.0.2.1POST/p?key="
    assert plan.repeatable


def test_a_request_without_length_has_one_part():
    plan = _plan([HEADERS[0], HEADERS[2]])
    assert plan.opening == (b"POST /base/p?key=K HTTP/1.1\r\nhost: up:1\r\nA: 1\r\n", b"\r\n")
    assert (plan.length, plan.copied) == (b"", (b"A: 1\r\n", b""))


def test_chunked_bodies_and_expectations_are_not_repeatable():
    chunked = _plan([HEADERS[0], (b"Transfer-Encoding", b"chunked")])
    assert chunked.opening[1] == b"transfer-encoding: chunked\r\n\r\n"
    assert not chunked.repeatable
    assert not _plan([*HEADERS, (b"Expect", b"100-continue")]).repeatable


def test_a_refused_request_has_its_problem_and_its_client():
    plan = _plan([(b"Authorization", b"Bearer k")])
    assert plan.problem is not None
    assert plan.problem.status == 400
    assert plan.client == _plan(HEADERS).client


def test_of_several_credentials_the_one_that_is_read_names_the_client():
    both = [HEADERS[0], (b"Authorization", b"Bearer made-up"), (b"X-Api-Key", b"k")]
    key, made_up = IDENTIFIER.client(b"k"), IDENTIFIER.client(b"made-up")
    plan = _plan(both, b"/v1/messages")
    assert (plan.client, plan.others) == (key, (made_up,))
    plan = _plan(both, b"/v1/chat/completions")
    assert (plan.client, plan.others) == (made_up, (key,))
    assert _plan(both[:2], b"/v1/messages").others == ()


def test_a_credential_that_is_there_twice_is_refused_where_clients_are_named():
    twice = [HEADERS[0], (b"X-Api-Key", b"1"), (b"x-api-key", b"2")]
    assert _plan(twice).problem == TWO_CREDENTIALS
    assert not _plan(twice).repeatable
    assert _plan(twice, identifier=None).problem is None  # bypass only relays


def test_without_an_identifier_nothing_is_copied():
    assert _plan(HEADERS, identifier=None).client == 0
