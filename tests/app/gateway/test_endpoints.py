"""The gateway's own endpoints: who sees what, on the customers' port."""

from __future__ import annotations

import json

import pytest
from starlette.requests import Request

from app.gateway.endpoints import Access

TOKEN = "a-token-of-many-characters"
OPEN, CLOSED = ("livez", "readyz"), ("status", "metrics")
SECRETS = (b"mode", b"observe", b"decisions", b"would_have", b"upstream", b"redis", b"extractor")


def _request(host: str, /, **headers: str) -> Request:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "client": (host, 1), "headers": lines})


def _not_there(client) -> tuple[int, bytes]:
    return client.ask("/_stillwatch/nothing")


@pytest.mark.parametrize(
    ("host", "headers", "allowed"),
    [
        ("127.0.0.1", {}, True),
        ("127.8.8.8", {}, True),
        ("::1", {}, True),
        ("::ffff:127.0.0.1", {}, True),
        ("127.0.0.1", {"authorization": "Bearer k", "host": "gateway"}, True),
        ("10.0.0.1", {}, False),
        ("203.0.113.9", {}, False),
        ("::ffff:203.0.113.9", {}, False),
        ("2001:db8::1", {}, False),
        ("", {}, False),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}, False),
        ("127.0.0.1", {"x-forwarded-proto": "https"}, False),
        ("127.0.0.1", {"forwarded": "for=127.0.0.1"}, False),
        ("127.0.0.1", {"via": "1.1 proxy"}, False),
        ("::1", {"x-real-ip": "203.0.113.9"}, False),
    ],
)
def test_without_a_token_this_host_alone_is_allowed(host, headers, allowed):
    assert Access("").allows(_request(host, **headers)) is allowed


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer  {TOKEN}", True),
        ("Bearer a-token-of-many-character", False),
        (f"Bearer {TOKEN}x", False),
        ("Bearer ", False),
        ("Bearer \xff", False),
        (TOKEN, False),
        (f"Basic {TOKEN}", False),
        ("", False),
    ],
)
def test_with_a_token_whoever_has_it_is_allowed_from_anywhere(given, allowed):
    access = Access(TOKEN)
    assert access.allows(_request("203.0.113.9", authorization=given, x_forwarded_for="x")) is allowed
    assert access.allows(_request("127.0.0.1", authorization=given)) is allowed
    assert not access.allows(_request("127.0.0.1"))


@pytest.mark.parametrize("line", ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "Via: 1.1 proxy"])
def test_a_customer_behind_a_proxy_on_this_host_learns_nothing(client, line):
    for name in CLOSED:
        assert client.ask(f"/_stillwatch/{name}", b"", line) == _not_there(client)
    for name in OPEN:
        status, body = client.ask(f"/_stillwatch/{name}", b"", line)
        assert (status, list(json.loads(body))) == (200, ["status"])
        assert not [word for word in SECRETS if word in body]


def test_every_endpoint_answers_head(client):
    for name in (*OPEN, *CLOSED):
        client.request(f"/_stillwatch/{name}", method="HEAD")
        found = client.response("HEAD")
        assert (found.status, int(found.getheader("content-length")) > 0, found.read()) == (200, True, b"")
    client.request("/_stillwatch/status", b"", "Via: 1.1 proxy", method="HEAD")
    assert client.response("HEAD").status == 404
    assert client.ask("/_stillwatch/livez")[0] == 200  # nothing of a body was left on the connection


def test_a_token_opens_what_is_closed(make_gateway):
    gateway = make_gateway(STILLWATCH_STATUS_TOKEN=TOKEN)
    with gateway.client() as client:
        for name in CLOSED:
            assert client.ask(f"/_stillwatch/{name}") == _not_there(client)
            assert client.ask(f"/_stillwatch/{name}", b"", "Authorization: Bearer wrong") == _not_there(client)
            status, body = client.ask(f"/_stillwatch/{name}", b"", f"Authorization: Bearer {TOKEN}", "Via: 1.1 proxy")
            assert (status, b"would_have" in body) == (200, True)
        assert json.loads(client.ask("/_stillwatch/readyz")[1]) == {"status": "ready"}
        told = client.ask("/_stillwatch/readyz", b"", f"Authorization: Bearer {TOKEN}")[1]
        assert json.loads(told)["mode"] == "observe"


def test_refusals_have_the_form_of_the_gateways_errors(client):
    for status, body in (_not_there(client), client.ask("/_stillwatch/livez", b"x")):
        error = json.loads(body)["error"]
        assert (error["type"], bool(error["message"])) == ("stillwatch_gateway", True)
        assert (status, error["code"]) in ((404, "not_found"), (405, "method_not_allowed"))
