"""A degraded client through a real gateway: lengths, codings and framings stay right whatever is taken out."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from app.gateway import degraded
from app.gateway.identify import client_of
from app.store.decisions import Decision

KEY = "Authorization: Bearer degraded"
JSON = "Content-Type: application/json"
WHOLE = {"choices": [{"message": {"content": "answer", "reasoning_content": "secret thought"}}]}


@pytest.fixture
def degrade(make_gateway, kit):
    """A function that starts an enforcing gateway in which the client of KEY is degraded."""

    def start(**policy):
        gateway = make_gateway(STILLWATCH_MODE="enforce")
        client = client_of(kit.SECRET.encode(), [(b"authorization", b"Bearer degraded")], b"", "")
        now = time.time()
        made = Decision("dc_1", client, "degrade", False, now - 1, now + 600, False, policy)
        gateway.parts.table.apply(made, now, time.monotonic())
        return gateway

    return start


def answering(kit, body, *lines):
    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(kit.answer(body, *lines))

    return behave


def streaming(kit, kind, *pieces, last=b"0\r\n\r\n"):
    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        for piece in pieces:
            wire.send(kit.chunk(piece))
        wire.send(last)

    return behave


def test_fewer_answers_are_asked_for_and_the_copy_has_what_was_asked(degrade, model_api, kit):
    gateway = degrade(max_n=1)
    sink = kit.Sink(gateway.settings.handoff)
    asked = json.dumps({"model": "m", "n": 8}).encode()
    with gateway.client() as client:
        status, body = client.ask("/v1/chat/completions", asked, KEY, JSON)
        assert (status, json.loads(body)) == (200, {"model": "m", "n": 1})
        assert model_api.last().values("content-length") == [b"%d" % len(body)]
        assert client.ask("/v1/chat/completions", b'{"n": 1}', KEY, JSON)[1] == b'{"n": 1}'
        other = client.ask("/v1/chat/completions", asked, "Authorization: Bearer other", JSON)
        assert other == (200, asked)
    kit.until(lambda: len(sink.copies(b"/v1/chat")) == 3)
    first = sink.copies(b"/v1/chat")[0]
    assert (first.request_body, first.request_bytes) == (asked, len(asked))
    gateway.stop()  # before the sink, which would leave its connection open
    sink.stop()
    assert gateway.counters()["acted_degrade"] == 2
    assert gateway.counters()["degrade_untouched"] == 0


def test_a_chunked_request_is_rewritten_too(degrade, model_api, kit):
    gateway = degrade(max_n=1)
    with gateway.client() as client:
        head = f"POST /v1/completions HTTP/1.1\r\nHost: g\r\n{KEY}\r\n{JSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.send(head.encode() + kit.chunk(b'{"n"') + kit.chunk(b": 9}") + b"0\r\n\r\n")
        assert client.response("POST").read() == b'{"n":1}'
        assert model_api.last().values("transfer-encoding") == [b"chunked"]


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ((JSON, "Content-Encoding: gzip"), gzip.compress(b'{"n": 8}', mtime=0)),
        ((JSON,), b'{"n": 8'),
        ((JSON,), b"[8]"),
        (("Content-Type: multipart/form-data; boundary=x",), b'--x\r\n\r\n{"n": 8}\r\n--x--\r\n'),
        (("Content-Type: audio/wav",), bytes(range(256))),
    ],
)
def test_what_is_no_plain_json_passes_untouched_and_is_counted(degrade, lines, body):
    gateway = degrade(max_n=1, refuse_logprobs=True)
    with gateway.client() as client:
        assert client.ask("/v1/completions", body, KEY, *lines) == (200, body)
    assert gateway.counters()["degrade_untouched"] == 1


@pytest.mark.parametrize(
    "lines",
    [(), ("Content-Type: text/plain",), (JSON, "Content-Encoding: identity"), (JSON, "Content-Encoding: gzip")],
)
def test_json_that_the_head_calls_something_else_is_rewritten_too(degrade, lines):
    gateway = degrade(max_n=1, refuse_logprobs=True)
    with gateway.client() as client:
        assert client.ask("/v1/completions", b'{"n": 8}', KEY, *lines) == (200, b'{"n":1}')
        assert client.ask("/v1/completions", b'{"logprobs": 5}', KEY, *lines)[0] == 403
    assert gateway.counters()["degrade_untouched"] == 0


def test_a_body_over_the_limit_passes_untouched(degrade, monkeypatch):
    monkeypatch.setattr(degraded, "REQUEST_BYTES", 1000)
    gateway = degrade(max_n=1)
    body = json.dumps({"n": 8, "prompt": "x" * 300_000}).encode()
    with gateway.client() as client:
        assert client.ask("/v1/completions", body, KEY, JSON) == (200, body)
        assert client.ask("/v1/completions", b'{"n": 8}', KEY, JSON) == (200, b'{"n":1}')
    assert gateway.counters()["degrade_untouched"] == 1


def test_a_request_that_waits_for_100_continue_is_rewritten(degrade):
    gateway = degrade(max_n=1)
    with gateway.client() as client:
        client.request("/v1/completions", b"", KEY, JSON, "Content-Length: 8", "Expect: 100-continue", method="POST")
        assert client.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b'{"n": 8}')
        assert client.response("POST").read() == b'{"n":1}'


def test_log_probabilities_are_refused_and_the_connection_goes_on(degrade, model_api):
    gateway = degrade(refuse_logprobs=True)
    with gateway.client() as client:
        status, body = client.ask("/v1/chat/completions", b'{"logprobs": true}', KEY, JSON)
        assert (status, json.loads(body)["error"]["param"]) == (403, "logprobs")
        assert client.ask("/v1/chat/completions", b'{"logprobs": false}', KEY, JSON)[0] == 200
    assert len(model_api.seen) == 1
    assert gateway.counters()["requests_rejected"] == 1


def test_a_whole_answer_loses_its_reasoning_and_keeps_its_framing(degrade, model_api, kit):
    model_api.behaviour = answering(
        kit, json.dumps(WHOLE).encode(), "content-type: application/json; charset=utf-8", "etag: x", "x-request-id: r1"
    )
    gateway = degrade(drop_reasoning=True)
    sink = kit.Sink(gateway.settings.handoff)
    with gateway.client() as client:
        for _ in range(2):  # over one connection: the length was right
            client.request("/v1/chat/completions", b"{}", KEY, JSON, "Accept-Encoding: gzip, br")
            found = client.response()
            assert json.loads(found.read()) == {"choices": [{"message": {"content": "answer"}}]}
            assert (found.getheader("x-request-id"), found.getheader("etag")) == ("r1", None)
        assert model_api.last().values("accept-encoding") == [b"identity"]
    kit.until(lambda: sink.copies(b"/v1/chat"))
    assert b"secret thought" in sink.copies(b"/v1/chat")[0].response_body  # what the model said is still seen
    gateway.stop()  # before the sink, which would leave its connection open
    sink.stop()


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (
            ("content-type: application/json", "content-encoding: gzip"),
            gzip.compress(json.dumps(WHOLE).encode(), mtime=0),
        ),
        (("content-type: application/json",), b"{not json"),
        (("content-type: text/plain",), json.dumps(WHOLE).encode()),
        (("content-type: application/json",), b'{"choices": [] }'),
    ],
)
def test_other_answers_are_the_very_same(degrade, model_api, kit, lines, body):
    model_api.behaviour = answering(kit, body, *lines)
    with degrade(drop_reasoning=True).client() as client:
        assert client.ask("/v1/chat/completions", b"{}", KEY, JSON) == (200, body)


def test_an_answer_over_the_limit_passes_as_it_is(degrade, model_api, kit, monkeypatch):
    monkeypatch.setattr(degraded, "ANSWER_BYTES", 1000)
    body = json.dumps(WHOLE | {"filler": "x" * 5000}).encode()
    model_api.behaviour = answering(kit, body, "content-type: application/json")
    gateway = degrade(drop_reasoning=True)
    with gateway.client() as client:
        assert client.ask("/v1/chat/completions", b"{}", KEY, JSON) == (200, body)
        pieces = [body[start : start + 100] for start in range(0, len(body), 100)]
        model_api.behaviour = streaming(kit, "application/json", *pieces)
        assert client.ask("/v1/chat/completions", b"{}", KEY, JSON) == (200, body)
    assert gateway.counters()["degrade_untouched"] == 2


def test_a_stream_arrives_event_by_event_without_the_reasoning(degrade, model_api, kit):
    def event(delta):
        return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': None}]})}\n\n".encode()

    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        wire.send(kit.chunk(event({"reasoning_content": "secret"})))
        wire.send(kit.chunk(event({"content": "first"})))
        wire.until(b"go on")
        wire.send(kit.chunk(event({"reasoning": "secret"}) + event({"content": "second"}) + b"data: [DONE]\n\n"))
        wire.send(b"0\r\n\r\n")

    model_api.behaviour = behave
    with degrade(drop_reasoning=True).client() as client:
        client.request("/v1/chat/completions", b"{}", KEY, JSON)
        found = client.response()
        assert found.readline() == event({"content": "first"})[:-1]  # before the stream goes on
        model_api.wires[-1].buffer += b"go on"
        model_api.wires[-1].sock.shutdown(0)
        assert found.read() == b"\n" + event({"content": "second"}) + b"data: [DONE]\n\n"
        assert client.ask("/v1/models", b"", KEY, method="HEAD")[0] in (200, 502)


def test_an_answer_that_breaks_off_is_seen_to_break_off(degrade, model_api, kit):
    part = json.dumps(WHOLE).encode()[:-5]
    model_api.behaviour = lambda seen, wire: (
        seen.read_body(wire),
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n" + part),
        wire.close(),
    )
    gateway = degrade(drop_reasoning=True)
    with gateway.client() as client:
        client.request("/v1/chat/completions", b"{}", KEY, JSON)
        raw = client.rest()
    assert raw.startswith(b"HTTP/1.1 200")
    assert b"content-length: 900" in raw
    assert raw.endswith(part)
    kit.until(lambda: gateway.counters()["requests_upstream_truncated"] == 1)


def test_a_client_that_leaves_while_it_writes_is_noticed(degrade, kit):
    gateway = degrade(max_n=1)
    with gateway.client() as client:
        client.request("/v1/completions", b"", KEY, JSON, "Content-Length: 100", method="POST")
        client.send(b'{"n"')
        kit.until(lambda: gateway.counters()["in_flight"] == 1)
    kit.until(lambda: gateway.counters()["requests_client_aborted"] == 1)
    assert gateway.counters()["in_flight"] == 0
