"""Fidelity: bytes in are bytes out, heads go on by the rules, copies carry no secret. Numbers: GATEWAY.md's cases."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import time
import zlib

import pytest

from app.gateway.identify import client_of

ODD_BODIES = [
    b'{"a": 1, "a": 2}',
    b'{"n": 123456789012345678901234567890, "x": 1.0, "y": 1e5}',
    '{"t": "\\u00e9\\ud83d\\ude00 \u00e9"}'.encode(),
    b'  {"trailing": true}   \n\n',
    b'{"broken": ',
    b"\x00\x01\xff\xfe not json at all",
]


@pytest.mark.parametrize("body", ODD_BODIES)
def test_case_22_and_51_bodies_pass_untouched(model_api, client, body):
    assert client.ask("/v1/chat/completions", body) == (200, body)
    assert model_api.last().body == body
    assert model_api.last().values("content-length") == [b"%d" % len(body)]


PAYLOAD = b"data: " + b"streamed text " * 200
ENCODED = {
    "gzip": gzip.compress(PAYLOAD),
    "deflate": zlib.compress(PAYLOAD),
    "br": b"\x0b\x02\x80not really brotli\x03",
    "zstd": b"\x28\xb5\x2f\xfdnot really zstd",
    "gzip, br": gzip.compress(gzip.compress(PAYLOAD)),
    "identity": PAYLOAD,
}


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
@pytest.mark.parametrize("coding", list(ENCODED))
def test_case_27_and_30_encoded_bodies_keep_bytes_and_header(model_api, client, kit, coding, status):
    data = ENCODED[coding]
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(data, f"content-encoding: {coding}", status=status))
    client.request("/case30", b"", "Accept-Encoding: gzip, br")
    found = client.response()
    assert found.getheader("content-encoding") == coding
    assert hashlib.sha256(found.read()).digest() == hashlib.sha256(data).digest()
    assert model_api.last().values("accept-encoding") == [b"gzip, br"]


def test_case_30_nothing_is_injected_into_a_request(model_api, client):
    client.request("/case30b", b"{}", "X-Custom: 1")
    client.response().read()
    names = [line.partition(b":")[0].lower() for line in model_api.last().lines]
    assert names == [b"host", b"x-custom", b"content-length"]


def test_case_31_length_stays_length_and_chunked_stays_chunked(model_api, client, kit):
    model_api.behaviour = kit.echo
    client.request("/length", b"12345")
    found = client.response()
    assert (found.getheader("content-length"), found.getheader("transfer-encoding")) == ("5", None)
    found.read()
    model_api.behaviour = lambda seen, wire: wire.send(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-trailer: 1\r\n\r\n"
    )
    client.request("/chunked")
    found = client.response()
    assert (found.getheader("content-length"), found.getheader("transfer-encoding")) == (None, "chunked")
    assert found.read() == b"hello"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_case_31_answers_without_a_body_have_none(model_api, client, kit, status):
    lines = "content-length: 7\r\n" if status.startswith("304") else ""
    model_api.behaviour = lambda seen, wire: wire.send(f"HTTP/1.1 {status}\r\nETag: a\r\n{lines}\r\n".encode())
    for _ in range(2):  # the second proves that neither connection was left out of step
        assert client.ask("/nothing") == (int(status[:3]), b"")
    model_api.behaviour = kit.echo
    assert client.ask("/after", b"in step") == (200, b"in step")


def test_case_31_head_has_a_length_and_no_body(model_api, client, kit):
    model_api.behaviour = lambda seen, wire: wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n")
    client.request("/head", method="HEAD")
    found = client.response("HEAD")
    assert (found.status, found.getheader("content-length"), found.read()) == (200, "1234", b"")
    model_api.behaviour = kit.echo
    assert client.ask("/after", b"in step") == (200, b"in step")


def test_case_31_an_answer_that_ends_with_its_connection_is_whole(model_api, client, kit):
    model_api.behaviour = lambda seen, wire: (wire.send(b"HTTP/1.1 200 OK\r\n\r\nuntil the end"), wire.close())
    assert client.ask("/eof") == (200, b"until the end")
    assert client.ask("/eof") == (200, b"until the end")


HOP = ["Keep-Alive: 5", "Proxy-Connection: x", "Proxy-Authorization: p", "TE: trailers", "Trailer: T", "Upgrade: h2c"]


def test_case_32_hop_by_hop_headers_stop_here_on_the_way_up(model_api, client):
    client.ask("/case32", b"{}", "Connection: keep-alive, X-Secret-Hop", "X-Secret-Hop: no", "X-Kept: yes", *HOP)
    seen = model_api.last()
    assert seen.values("x-kept") == [b"yes"]
    for name in ["connection", "x-secret-hop", *(line.partition(":")[0] for line in HOP)]:
        assert seen.values(name) == [], name


def test_case_32_hop_by_hop_headers_stop_here_on_the_way_down(model_api, client, kit):
    lines = ["Connection: X-Secret-Hop", "X-Secret-Hop: no", "X-Kept: yes", "Proxy-Authenticate: x", *HOP[:2], *HOP[3:]]
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(b"ok", *lines))
    client.request("/case32b")
    found = client.response()
    names = [name.lower() for name, _ in found.getheaders()]
    assert names == ["x-kept", "content-length"]


def test_case_32_connection_cannot_strip_what_frames_or_routes(model_api, client):
    assert client.ask("/case32c", b"four", "Connection: close, Content-Length, Host") == (200, b"four")
    assert model_api.last().values("content-length") == [b"4"]


def test_case_33_duplicates_and_order_are_kept_both_ways(model_api, client, kit):
    cookies = [f"Set-Cookie: c{n}={n}; Path=/" for n in range(5)]
    lines = [*cookies[:3], "Link: <a>", *cookies[3:], "Link: <b>", "x-CaSe: Kept"]
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(b"", *lines))
    client.request("/case33", b"", "X-A: 1", "X-B: 2", "X-A: 3", "x-ODD-case: yes")
    client.sock.settimeout(5)
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.sock.recv(65536)
    assert head.split(b"\r\n")[1:9] == [line.encode() for line in lines]
    assert [line for line in model_api.last().lines if line[:2].lower() == b"x-"] == [
        b"X-A: 1",
        b"X-B: 2",
        b"X-A: 3",
        b"x-ODD-case: yes",
    ]


def test_case_34_server_and_date_are_the_upstreams_alone(model_api, client, kit):
    lines = ("Server: model/1", "Date: Tue, 01 Jan 2030 00:00:00 GMT")
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(b"", *lines))
    client.request("/case34")
    found = client.response()
    assert found.headers.get_all("server") == ["model/1"]
    assert found.headers.get_all("date") == ["Tue, 01 Jan 2030 00:00:00 GMT"]
    found.read()
    model_api.behaviour = kit.echo
    client.request("/case34b")
    assert client.response().getheaders() == [("content-length", "0")]


TARGETS = [
    "/a%2Fb",
    "/a%252Fb",
    "/a;b=c/d",
    "/a//b",
    "///a",
    "/a/../b",
    "/a/./b",
    "/%E2%82%AC",
    "/%e2%82%ac",
    "/?",
    "/??",
    "/a?b=c&d=%20+x",
    "/a?b?c",
    "/a%00b",
    "/a:b@c",
    "/a?x=[1]",
    "/v1/models/arn%3Aaws%3Abedrock%3A/invoke",
    "/a%20b",
    "/a+b",
    "/~a",
    "/a?key=",
    "/a?=b",
    "/a?%",
    "/%zz",
    "/a,b",
    "/a'(b)!*$",
    "/a?q=%0d%0aX:1",
    "/v1beta/models/m:generateContent",
    "/a?a=1&a=2",
    "/a=b",
    "/_stillwatchx",
    "/_stillwatch",
]


@pytest.mark.parametrize("target", TARGETS)
def test_case_35_targets_pass_byte_for_byte(model_api, client, target):
    assert client.ask(target, b"x") == (200, b"x")
    assert model_api.last().target == target.encode()


def test_case_35_star_and_absolute_targets(model_api, client):
    client.ask("*", method="OPTIONS")
    assert model_api.last().line == b"OPTIONS * HTTP/1.1"
    client.ask("http://elsewhere.example/p?q=1", b"x")
    assert model_api.last().target == b"/p?q=1"
    client.ask("http://elsewhere.example?q=1", b"x")
    assert model_api.last().target == b"/?q=1"


@pytest.mark.parametrize("target", ["/v1/models", "/v1/models/", "/v1//models//"])
def test_case_36_slashes_are_never_redirected(model_api, client, target):
    assert client.ask(target, b"x")[0] == 200
    assert model_api.last().target == target.encode()


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "PURGE", "REPORT"])
def test_case_52_any_method_passes(model_api, client, method):
    assert client.ask("/unknown/route", method=method)[0] == 200
    assert model_api.last().method == method.encode()


def test_case_44_odd_uploads_are_opaque_bytes(model_api, client, kit, sink):
    boundary = "----odd'boundary=_?"
    body = f"--{boundary}\r\ncontent-disposition: form-data; name=f\r\n\r\n".encode() + bytes(range(256)) + b"\r\n--"
    client.send(
        f"POST /case44 HTTP/1.1\r\nHost: g\r\nContent-Type: multipart/form-data; boundary={boundary}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n".encode()
    )
    for start in range(0, len(body), 37):
        client.send(kit.chunk(body[start : start + 37]))
    client.send(b"0\r\nX-Trailer: dropped\r\n\r\n")
    found = client.response()
    assert found.read() == body
    seen = model_api.last()
    assert (seen.values("transfer-encoding"), seen.values("content-length")) == ([b"chunked"], [])
    assert seen.values("content-type") == [f"multipart/form-data; boundary={boundary}".encode()]
    assert sink.copy(b"/case44").request_body == body


@pytest.mark.parametrize(
    ("said", "told"), [("200 Fine", "200 OK"), ("529 Overloaded", "529 "), ("404 ", "404 Not Found")]
)
@pytest.mark.parametrize("length", [1, 300_000])
def test_the_words_behind_a_status_are_the_usual_ones(model_api, client, kit, said, told, length):
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(b"x" * length, status=said))
    client.send(b"GET /words HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n")
    assert client.rest().partition(b"\r\n")[0] == b"HTTP/1.1 " + told.encode()


def test_case_45_a_huge_error_body_streams_and_is_copied_in_part(model_api, client, kit, sink):
    data = b"e" * (8 << 20)
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(data, status="400 Bad Request"))
    assert client.ask("/case45") == (400, data)
    copy = sink.copy(b"/case45")
    assert (copy.status, copy.response_bytes, len(copy.response_body)) == (400, len(data), 65536)


PROVIDER = [
    "x-request-id",
    "request-id",
    "openai-organization",
    "openai-processing-ms",
    "openai-version",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "anthropic-ratelimit-requests-limit",
    "anthropic-organization-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-goog-upload-url",
    "x-goog-upload-status",
]


@pytest.mark.parametrize("status", ["200 OK", "429 Too Many Requests"])
def test_case_49_provider_headers_pass(model_api, client, kit, status):
    lines = [f"{name}: v-{name}" for name in PROVIDER]
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(b"{}", *lines, status=status))
    client.request("/case49")
    found = client.response()
    assert {name: value for name, value in found.getheaders() if name != "content-length"} == {
        name: f"v-{name}" for name in PROVIDER
    }


def test_case_50_beta_headers_pass(model_api, client):
    client.ask("/case50", b"{}", "anthropic-beta: a,b", "anthropic-beta: c", "anthropic-version: 2023-06-01")
    assert model_api.last().values("anthropic-beta") == [b"a,b", b"c"]


def test_case_20_a_json_array_stream_passes_like_any_other(model_api, client, kit, sink):
    parts = [b'[{"candidates":[1]}', b',\r\n{"candidates":[2]}', b"]"]
    model_api.behaviour = lambda seen, wire: wire.send(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        + b"".join(map(kit.chunk, parts))
        + b"0\r\n\r\n"
    )
    client.request("/case20", b"{}")
    found = client.response()
    assert found.getheader("x-accel-buffering") is None
    assert found.read() == b"".join(parts) == sink.copy(b"/case20").response_body


def test_case_15_a_stream_cut_at_every_byte_passes_whole(model_api, client, kit):
    event = 'data: {"t": "h\u00e9llo \U0001f600"}\r\n\r\ndata: [DONE]\n\n'.encode()
    wires = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + kit.chunk(event) + b"0\r\n\r\n"

    def behave(seen, wire):
        at = int(seen.target.rpartition(b"/")[2])
        wire.send(wires[:at])
        wire.sock.setblocking(True)
        wire.send(wires[at:])

    model_api.behaviour = behave
    for at in range(1, len(wires)):
        client.request(f"/case15/{at}")
        assert client.response().read() == event


CANARY = "canary-5e1d0c9b"
CARRIERS = {
    "bearer": ("/secret/bearer", f"Authorization: Bearer {CANARY}"),
    "basic": ("/secret/basic", f"Authorization: Basic {CANARY}"),
    "x-api-key": ("/secret/x-api-key", f"X-Api-Key: {CANARY}"),
    "api-key": ("/secret/api-key", f"api-key: {CANARY}"),
    "goog": ("/secret/goog", f"x-goog-api-key: {CANARY}"),
    "cookie": ("/secret/cookie", f"Cookie: session={CANARY}"),
    "proxy": ("/secret/proxy", f"Proxy-Authorization: {CANARY}"),
    "session": ("/secret/session", f"X-Amz-Security-Token: {CANARY}"),
    "signed": (f"/secret/signed?X-Amz-Signature={CANARY}&X-Amz-Security-Token={CANARY}", "X-Nothing: 1"),
    "query": (f"/secret/query?alt=sse&key={CANARY}&x=1", "X-Nothing: 1"),
    "encoded": (f"/secret/encoded?%6bey={CANARY}", "X-Nothing: 1"),
}


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_case_56_credentials_go_up_and_never_into_a_copy(model_api, client, kit, sink, carrier, caplog):
    target, line = CARRIERS[carrier]
    model_api.behaviour = lambda seen, wire: (
        seen.read_body(wire),
        wire.send(kit.answer(b"ok", f"Set-Cookie: s={CANARY}")),
    )
    client.request(target, b"{}", line)
    found = client.response()
    assert found.getheader("set-cookie") == f"s={CANARY}"
    found.read()
    if carrier != "proxy":
        assert CANARY.encode() in model_api.last().head
    copy = sink.copy(target.partition("?")[0].encode())
    assert CANARY not in repr(copy)
    assert CANARY not in caplog.text
    assert CANARY not in client.ask("/_stillwatch/metrics")[1].decode()
    assert CANARY not in client.ask("/_stillwatch/status")[1].decode()


def test_case_54_the_client_is_the_credential_whatever_the_body_says(model_api, client, kit, sink):
    for user in range(20):
        body = json.dumps({"user": f"u{user}", "metadata": {"user_id": f"m{user}"}}).encode()
        client.ask(f"/case54/{user}", body, "Authorization: Bearer sk-one", f"X-Forwarded-For: 10.0.0.{user}")
    clients = {sink.copy(f"/case54/{user}".encode()).client for user in range(20)}
    assert clients == {client_of(kit.SECRET.encode(), [(b"authorization", b"Bearer sk-one")], b"", "")}


SIGNED = "Authorization: AWS4-HMAC-SHA256 Credential=AKIA1/1/eu/bedrock/aws4_request, SignedHeaders=a, Signature="


def test_case_54_the_id_of_a_key_names_its_client_only_where_the_model_api_lets_the_request_through(
    model_api, client, gateway, kit, sink
):
    secret = kit.SECRET.encode()
    owner = client_of(secret, [(b"authorization", SIGNED.partition(": ")[2].encode() + b"1")], b"", "")
    stranger = client_of(secret, [], b"", "127.0.0.1")
    client.ask("/signed/answered", b"{}", SIGNED + "1")
    for status in ("403 Forbidden", "400 Bad Request", "503 Busy"):
        model_api.behaviour = lambda seen, wire, status=status: wire.send(kit.answer(b"no", status=status))
        client.ask(f"/signed/{status[:3]}", b"{}", SIGNED + "2")
        client.ask(f"/secret/{status[:3]}", b"{}", "Authorization: Bearer AKIA1")
    model_api.behaviour = lambda seen, wire: time.sleep(0.5)
    with gateway.client() as leaver:
        leaver.request("/signed/left", b"{}", SIGNED + "3")
        kit.until(lambda: model_api.seen and b"/signed/left" in model_api.last().head, "the request")
    assert sink.copy(b"/signed/answered").client == owner
    assert {sink.copy(b"/signed/" + end).client for end in (b"403", b"400", b"503", b"left")} == {stranger}
    # A secret that is refused is still its owner's.
    assert sink.copy(b"/secret/403").client == client_of(secret, [(b"authorization", b"AKIA1")], b"", "")


def test_case_29_every_request_is_copied_once_with_times_and_outcome(model_api, client, kit, sink):
    for number in range(30):
        client.ask(f"/case29/{number:02}/", b"x" * number)
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(b"no", status="503 Busy"))
    client.ask("/case29/30/")
    kit.until(lambda: len(sink.copies(b"/case29/")) >= 31, "31 copies")
    copies = sink.copies(b"/case29/")
    assert len(copies) == 31
    assert [len(copy.request_body) for copy in copies[:30]] == list(range(30))
    assert [copy.outcome for copy in copies] == [0] * 30 + [2]
    for copy in copies:
        assert copy.peer == "127.0.0.1"
        assert 0 <= copy.ttfb <= copy.duration < 5
        assert re.fullmatch(r"GET|POST", copy.method)


def test_case_57_bypass_copies_nothing_and_passes_the_same(model_api, make_gateway, sink):
    gateway = make_gateway(STILLWATCH_MODE="bypass")
    with gateway.client() as client:
        assert client.ask("/bypass", b"x", "Authorization: Bearer k") == (200, b"x")
        status = json.loads(client.ask("/_stillwatch/status")[1])
    assert model_api.last().values("authorization") == [b"Bearer k"]
    assert (status["mode"], status["extractor"], status["counters"]["requests_ok"]) == ("bypass", "off", 1)
    assert sink.copies(b"/bypass") == []
