"""Headers, bodies as they are, identity and routing (cases 22, 32 to 34, 49 to 59)."""

from __future__ import annotations

import hashlib

import pytest

END_TO_END = [
    b"x-request-id: req_1",
    b"request-id: req_2",
    b"openai-organization: org",
    b"openai-processing-ms: 12",
    b"openai-version: 2020-10-01",
    b"openai-model: m",
    b"x-ratelimit-limit-requests: 10",
    b"x-ratelimit-remaining-tokens: 9",
    b"x-ratelimit-reset-tokens: 6m0s",
    b"anthropic-ratelimit-requests-remaining: 1",
    b"anthropic-ratelimit-tokens-reset: 2026-01-01T00:00:00Z",
    b"anthropic-organization-id: o",
    b"retry-after: 7",
    b"retry-after-ms: 7000",
    b"x-should-retry: true",
    b"x-goog-upload-url: https://upload.test/?id=1&x=%2F",
    b"x-goog-upload-status: active",
    b"Server: upstream/1",
    b"Date: Mon, 01 Jan 2029 00:00:00 GMT",
    b"Via: 1.1 edge",
    b"Cache-Control: no-store",
    b"Strict-Transport-Security: max-age=1",
    b"Set-Cookie: a=1; Path=/",
    b"Set-Cookie: b=2; HttpOnly",
    b"Set-Cookie: c=3",
    b"set-cookie: d=4",
    b"Set-Cookie: e=5",
    b"Link: </a>; rel=next",
    b"Link: </b>; rel=prev",
    b"X-Empty:",
    b"X-Latin: caf\xe9",
    b"X-MiXeD-CaSe: Value",
    b"X-Spaces:    around   ",
]
HOP = [b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"Proxy-Authenticate: Basic", b"Trailer: X-T"]
OWN = (b"content-type", b"content-length", b"transfer-encoding", b"connection", b"x-accel-buffering")


def pairs(lines):
    return [(line.partition(b":")[0].lower(), line.partition(b":")[2].strip()) for line in lines]


def others(headers):
    return [(name.lower(), value) for name, value in headers if name.lower() not in OWN]


@pytest.mark.parametrize("status", [b"200 OK", b"429 Too Many Requests"])
@pytest.mark.parametrize("framing", ["length", "stream"])
def test_case_33_34_and_49_every_end_to_end_header_comes_back_in_order(gateway, upstream, wire, status, framing):
    if framing == "length":
        upstream.says(wire.plain(b"{}", *END_TO_END, status=status))
    else:
        upstream.says(wire.chunked_head(*END_TO_END).replace(b"200 OK", status), wire.end)
    answer = gateway.ask(wire.request(body=b"{}"))
    assert b"%d" % answer.status == status[:3]
    assert others(answer.headers) == pairs(END_TO_END)
    assert len(answer.values("server")) == len(answer.values("date")) == 1


def test_case_34_no_server_or_date_is_made_up(gateway, upstream, wire):
    answer = gateway.ask(wire.request(body=b"{}"))
    assert sorted(name.lower() for name, _ in answer.headers) == [b"content-length", b"content-type"]


def test_case_32_hop_by_hop_headers_of_answers_stay_here(gateway, upstream, wire):
    upstream.says(wire.plain(b"{}", *HOP, b"Connection: close, X-Secret-Hop", b"X-Secret-Hop: 1", b"X-Kept: 1"))
    answer = gateway.ask(wire.request(body=b"{}"))
    assert others(answer.headers) == [(b"x-kept", b"1")]
    assert answer.values("connection") == []  # that the upstream closes is no business of the client's


def test_case_32_hop_by_hop_headers_of_requests_stay_here(gateway, upstream, wire):
    sent = [b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"Proxy-Authorization: Basic x", b"TE: trailers"]
    sent += [b"Connection: X-Secret-Hop, x-other , keep-alive", b"X-Secret-Hop: 1", b"X-Other: 2", b"X-Kept: 1"]
    assert gateway.ask(wire.request("POST", b"/v1/x", b"{}", *sent)).status == 200
    names = [name.lower() for name, _ in upstream.asked[-1].headers]
    assert sorted(names) == [b"content-length", b"host", b"x-kept"]


@pytest.mark.parametrize("named", [b"content-length", b"host", b"Transfer-Encoding", b"close, content-length"])
def test_case_32_connection_cannot_take_the_framing_away(gateway, upstream, wire, named):
    assert gateway.ask(wire.request("POST", b"/v1/x", b"12345", b"Connection: " + named)).status == 200
    assert upstream.asked[-1].body == b"12345"
    assert upstream.asked[-1].values("host") == [b"127.0.0.1:%d" % upstream.port]


def test_case_50_request_headers_arrive_in_order_with_their_duplicates(gateway, upstream, wire):
    sent = [
        b"anthropic-beta: a-2026-01-01,b",
        b"anthropic-beta: c",
        b"anthropic-version: 2023-06-01",
        b"OpenAI-Beta: assistants=v2",
        b"OpenAI-Organization: org",
        b"x-stainless-retry-count: 1",
        b"X-Stainless-Lang: python",
        b"x-goog-api-client: genai/1",
        b"User-Agent: Test/1 (x; y)",
        b"Accept: */*",
        b"Accept-Encoding: gzip",
        b"Cookie: a=1; b=2",
        b"Cookie: c=3",
        b"Authorization: Bearer sk-test",
        b"x-api-key: k",
        b"X-Forwarded-For: 1.2.3.4",
        b"Idempotency-Key: i",
        b"X-Empty:",
        b"traceparent: 00-1-2-01",
    ]
    gateway.ask(wire.request("POST", b"/v1/x", b"{}", *sent))
    got = [(name.lower(), value) for name, value in upstream.asked[-1].headers]
    assert [pair for pair in got if pair[0] not in (b"host", b"content-length")] == pairs(sent)


BODIES = [
    b'{"a": 1, "a": 2}',
    b'{"big": 123456789012345678901234567890, "one": 1.0, "e": 1e400}',
    b'{"text": "\\u00e9\\ud83e\\udd89 \xc3\xa9"}   \r\n\t ',
    b"{'not': json",
    b'\xef\xbb\xbf{"bom": true}',
    b'{"stream": true}',
    b'{"stream": true, "stream_options": {"include_usage": false}}',
    b'{"messages": [{"cache_control": {"type": "ephemeral", "ttl": "1h"}, "thinking": {"signature": "x=="}}]}',
    b'{"nested": ' + b"[" * 3000 + b"]" * 3000 + b"}",
    b"\x00\xff\xfe" * 50,
    b"",
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("kind", [b"application/json", b"application/octet-stream"])
def test_case_22_and_51_bodies_are_never_rewritten(gateway, upstream, wire, body, kind):
    upstream.script = lambda link, asked: link.send(wire.plain(link.body(asked)))
    answer = gateway.ask(wire.request("POST", b"/v1/chat/completions", body, b"Content-Type: " + kind))
    assert hashlib.sha256(upstream.asked[-1].body).digest() == hashlib.sha256(body).digest()
    assert answer.body == body


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/messages/count_tokens",
        b"/v1beta/models/m:countTokens",
        b"/v1/files",
        b"/v1/batches",
        b"/v1/messages/batches",
        b"/v1/unheard-of",
        b"/",
        b"/docs",
        b"/openapi.json",
        b"/healthz",
        b"/metrics",
    ],
)
def test_case_52_and_53_every_route_passes(gateway, upstream, wire, path):
    for method in ("GET", "POST", "HEAD", "OPTIONS"):
        assert gateway.ask(wire.request(method, path, b"{}"), bodiless=method == "HEAD").status == 200
    assert [asked.target for asked in upstream.asked] == [path] * 4


def test_case_28_and_29_one_copy_for_each_request_with_its_outcome(gateway, copies, upstream, wire):
    def script(link, asked):
        link.body(asked)
        link.send(wire.plain(b"{}", status=b"503 Busy" if asked.target == b"/busy" else b"404 No"))

    upstream.script = script
    for path in (b"/busy", b"/none", b"/none", b"/none"):
        gateway.ask(wire.request("POST", path, b"{}"))
    gateway.ask(b"POST /refused HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
    assert copies.outcomes(b"/busy") == ["upstream_error"]
    assert copies.outcomes(b"/none", 3) == ["ok"] * 3
    assert copies.outcomes(b"/refused") == ["rejected"]
    assert [copy.status for copy in copies.of(b"/refused")] == [400]
    assert len(copies.copies) == 5


def test_case_54_a_thousand_users_under_one_key_are_one_client(gateway, copies, upstream, wire):
    with gateway.client() as client:
        for number in range(100):
            body = b'{"user": "u%d", "safety_identifier": "s%d", "metadata": {"user_id": "m%d"}}' % ((number,) * 3)
            extra = [b"Authorization: Bearer one-key", b"X-User-Id: %d" % number, b"X-Litellm-End-User-Id: %d" % number]
            assert client.ask(wire.request("POST", b"/one", body, *extra)).status == 200
        client.ask(wire.request("POST", b"/two", b"{}", b"Authorization: Bearer another-key"))
    assert len({copy.client for copy in copies.of(b"/one", 100)}) == 1
    assert copies.of(b"/two")[0].client != copies.of(b"/one", 100)[0].client


def test_case_55_forwarded_addresses_of_strangers_are_not_believed(gateway, copies, upstream, wire):
    claims = [
        [],
        [b"X-Forwarded-For: 1.2.3.4"],
        [b"X-Forwarded-For: 5.6.7.8, 1.2.3.4", b"X-Forwarded-For: [::1]:99"],
        [b"Forwarded: for=9.9.9.9;proto=https"],
        [b'Forwarded: for="[2001:db8::1]:4711"'],
        [b"X-Real-IP: 4.4.4.4"],
        [b"CF-Connecting-IP: 4.4.4.4"],
    ]
    for claim in claims:
        gateway.ask(wire.request("POST", b"/claims", b"{}", *claim))
    seen = copies.of(b"/claims", len(claims))
    assert {copy.peer for copy in seen} == {"127.0.0.1"}
    assert len({copy.client for copy in seen}) == 1


@pytest.mark.parametrize(
    "extra",
    [
        b"X-Forwarded-Host: other.test",
        b"X-Portkey-Custom-Host: http://127.0.0.1:1",
        b"X-Upstream: http://127.0.0.1:1",
        b"Forwarded: host=other.test",
        b"X-Original-URL: /other",
        b"X-Rewrite-URL: /other",
        b"X-HTTP-Method-Override: DELETE",
    ],
)
def test_case_59_no_header_chooses_the_upstream(gateway, upstream, wire, extra):
    assert gateway.ask(wire.request("POST", b"/v1/x", b"{}", extra, host=b"Host: 127.0.0.1:1")).status == 200
    asked = upstream.asked[-1]
    assert (asked.method, asked.target) == ("POST", b"/v1/x")
    assert asked.values("host") == [b"127.0.0.1:%d" % upstream.port]


def test_cookies_of_one_client_never_reach_another(gateway, upstream, wire):
    def script(link, asked):
        link.body(asked)
        link.send(wire.plain(b"{}", *([b"Set-Cookie: session=secret; Path=/"] if asked.target == b"/login" else [])))

    upstream.script = script
    assert gateway.ask(wire.request("POST", b"/login", b"{}")).values("set-cookie") == [b"session=secret; Path=/"]
    with gateway.client() as client:
        for _ in range(3):
            assert client.ask(wire.request("POST", b"/next", b"{}")).values("set-cookie") == []
    assert all(asked.values("cookie") == [] for asked in upstream.asked)


def test_case_57_and_58_the_gateways_own_answers_tell_nothing(another, free_port, wire):
    gateway = another(f"http://user-host.invalid:{free_port()}")
    secrets = [b"Authorization: Bearer canary-1", b"x-api-key: canary-2", b"Cookie: canary-3"]
    answers = [gateway.ask(wire.request("POST", b"/v1/x?key=canary-4", b"canary-5", *secrets))]
    answers.append(gateway.ask(wire.request("POST", b"/v1/x?key=canary-4", b"canary-5", *secrets, host=b"X: y")))
    assert [answer.status for answer in answers] == [502, 400]
    for answer in answers:
        assert answer.values("content-type") == [b"application/json"]
        for word in (b"canary", b"user-host", b"Traceback", b"app.gateway", b"uvicorn", b"/app/"):
            assert word not in answer.body + answer.head
