"""Lifetimes and streams: who sees whose end, when, and what passes meanwhile. Numbers are GATEWAY.md's cases."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time

import pytest

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
DIALECTS = ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1beta/models/m:streamGenerateContent"]


@pytest.mark.parametrize("path", DIALECTS)
def test_case_01_and_04_client_leaves_a_stream_and_the_upstream_is_closed_at_once(model_api, client, kit, sink, path):
    noticed = []

    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(STREAM)
        for number in range(3):
            wire.send(kit.chunk(b"data: %d\n\n" % number))
        noticed.append(wire.gone_within(1.0))

    model_api.behaviour = behave
    client.request(f"{path}?case01", b'{"stream": true}')
    found = client.response()
    received = b""
    while b"data: 2" not in received:
        received += found.read1(64)
    client.close()
    kit.until(lambda: noticed, "the upstream's close")
    assert noticed[0] < 1.0
    assert sink.copy(f"{path}?case01".encode()).outcome == 1


@pytest.mark.parametrize("stream", [True, False])
def test_case_02_and_03_client_leaves_before_the_first_byte(model_api, gateway, kit, sink, stream):
    noticed = []
    arrived = threading.Event()

    def behave(seen, wire):
        seen.read_body(wire)
        arrived.set()
        noticed.append(wire.gone_within(1.0))

    model_api.behaviour = behave
    target = f"/case02/{stream}"
    with gateway.client() as client:
        client.request(target, json.dumps({"stream": stream}).encode())
        assert arrived.wait(60)
    kit.until(lambda: noticed, "the upstream's close")
    copy = sink.copy(target.encode())
    assert (copy.outcome, copy.status) == (1, 0)
    assert copy.ttfb != copy.ttfb


def test_case_06_clients_that_reset_right_away_leave_nothing_behind(model_api, gateway, kit):
    model_api.behaviour = lambda seen, wire: (seen.read_body(wire), time.sleep(0.05), wire.send(kit.answer(b"late")))
    for _ in range(50):
        client = gateway.client()
        client.request("/case06", b"{}")
        client.reset()
    model_api.behaviour = kit.echo
    with gateway.client() as client:
        assert client.ask("/case06/after", b"still here") == (200, b"still here")
    kit.until(lambda: gateway.counters()["in_flight"] == 0, "in_flight 0")


def test_case_10_in_flight_returns_to_zero_after_aborted_requests(model_api, gateway, kit):
    released = threading.Event()

    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(STREAM)
        released.wait(60)

    model_api.behaviour = behave
    before = gateway.counters()
    clients = [gateway.client() for _ in range(30)]
    for client in clients:
        client.request("/case10", b"{}")
    kit.until(lambda: gateway.counters()["in_flight"] == 30, "30 in flight")
    for client in clients:
        client.close()
    kit.until(lambda: gateway.counters()["in_flight"] == 0, "in_flight 0")
    released.set()
    after = gateway.counters()
    assert after["requests_client_aborted"] - before["requests_client_aborted"] == 30


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_case_11_upstream_dies_in_mid_stream_and_the_client_sees_a_cut(model_api, client, kit, sink, reset, framing):
    def behave(seen, wire):
        seen.read_body(wire)
        if framing == "chunked":
            wire.send(STREAM + kit.chunk(b"data: 1\n\n") + kit.chunk(b"data: 2\n\n"))
        else:
            wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\ndata: 1\n\ndata: 2\n\n")
        kit.until(passed.is_set, "the client's reading")
        wire.reset() if reset else wire.close()

    passed = threading.Event()
    model_api.behaviour = behave
    target = f"/case11/{reset}/{framing}"
    client.request(target, b"{}")
    found = client.response()
    received = b""
    with pytest.raises((http.client.IncompleteRead, ConnectionError)) as raised:  # noqa: PT012
        while b"data: 2" not in received:
            received += found.read1(1000)
        passed.set()
        while True:
            piece = found.read(1000)
            received += piece
            if not piece:
                raise http.client.IncompleteRead(b"") if found.length else AssertionError("a clean end")
    assert raised.type is not AssertionError
    assert b"[DONE]" not in received
    assert sink.copy(target.encode()).outcome == 3


def test_case_13_chunks_are_forwarded_as_they_come(model_api, client, kit):
    sent: list[float] = []
    go = threading.Semaphore(0)

    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(STREAM)
        for number in range(5):
            go.acquire(timeout=60)
            sent.append(time.monotonic())
            wire.send(kit.chunk(b"data: %d\n\n" % number))
        wire.send(b"0\r\n\r\n")

    model_api.behaviour = behave
    client.request("/case13", b"{}")
    found = client.response()
    assert found.getheader("x-accel-buffering") == "no"
    for number in range(5):
        go.release()  # the next chunk is sent only after this one has passed
        assert found.read1(100) == b"data: %d\n\n" % number
        assert time.monotonic() - sent[-1] < 3
    assert found.read() == b""


def test_case_13_an_upstreams_own_word_on_buffering_stands(model_api, client, kit):
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nX-Accel-Buffering: yes\r\ncontent-length: 0\r\n\r\n"
    model_api.behaviour = lambda seen, wire: (seen.read_body(wire), wire.send(head))
    client.request("/case13b", b"{}")
    assert client.response().headers.get_all("x-accel-buffering") == ["yes"]


def test_case_14_the_head_passes_before_the_body_comes(model_api, client, kit):
    go = threading.Event()

    def behave(seen, wire):
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n")
        go.wait(60)
        wire.send(b"body")

    model_api.behaviour = behave
    client.request("/case14")
    found = client.response()  # the body is not even sent yet
    go.set()
    assert found.read() == b"body"


def test_case_16_a_stream_without_a_newline_passes_and_only_its_ends_are_copied(model_api, client, kit, sink):
    block = b"x" * 65536

    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(STREAM)
        for number in range(320):
            wire.send(kit.chunk(block[:-4] + b"%04d" % number))
        wire.send(b"0\r\n\r\n")

    model_api.behaviour = behave
    client.request("/case16", b"{}")
    whole = client.response().read()
    assert len(whole) == 320 * 65536
    copy = sink.copy(b"/case16")
    assert copy.response_bytes == len(whole)
    assert len(copy.response_body) == 65536
    assert copy.response_body == whole[: copy.response_cut] + whole[copy.response_cut - 65536 :]


def test_case_17_a_slow_reader_holds_the_upstream_back(model_api, gateway, kit):
    sent = [0]
    ended = threading.Event()

    def behave(seen, wire):
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 268435456\r\n\r\n")
        wire.sock.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while sent[0] < 268435456:
                sent[0] += wire.sock.send(b"y" * 65536)
        ended.set()
        wire.close()

    model_api.behaviour = behave
    with gateway.client() as client:
        client.request("/case17")
        assert client.response().status == 200
        assert ended.wait(60)
        assert sent[0] < 96 << 20  # what the sockets' buffers hold, not what the gateway would


def test_a_slow_upstream_holds_the_client_back(model_api, gateway, kit):
    go = threading.Event()

    def behave(seen, wire):
        go.wait(60)
        wire.send(kit.answer(b"%d" % len(seen.read_body(wire))))

    model_api.behaviour = behave
    with gateway.client() as client:
        size = 64 << 20
        client.send(b"POST /slow HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n" % size)
        client.sock.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < size:
                sent += client.sock.send(b"z" * min(65536, size - sent))
        assert sent < 40 << 20
        go.set()
        client.sock.settimeout(20)
        while sent < size:
            sent += client.sock.send(b"z" * min(65536, size - sent))
        assert client.response().read() == b"%d" % size


def test_case_19_no_pings_are_injected_into_a_silent_stream(model_api, client, kit):
    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(STREAM + kit.chunk(b"data: a\n\n"))
        time.sleep(0.3)
        wire.send(kit.chunk(b"data: b\n\n") + b"0\r\n\r\n")

    model_api.behaviour = behave
    client.request("/case19", b"{}")
    assert client.response().read() == b"data: a\n\ndata: b\n\n"


@pytest.mark.parametrize("ending", ["close", "keep", "reset"])
def test_case_38_an_answer_before_the_body_is_sent_reaches_the_client(model_api, gateway, kit, ending):
    def behave(seen, wire):
        wire.exactly(65536)
        wire.send(kit.answer(b"too large", status="413 Payload Too Large"))
        if ending == "reset":
            time.sleep(0.05)
            wire.reset()
        elif ending == "close":
            wire.close()
        else:
            wire.exactly(size - 65536)  # all of it, or to the end that the gateway makes

    size = 8 << 20
    model_api.behaviour = behave
    for _ in range(5):
        with gateway.client() as client:
            client.send(b"POST /case38 HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n" % size)
            writer = threading.Thread(target=_push, args=(client, size), daemon=True)
            writer.start()
            found = client.response()
            assert (found.status, found.read()) == (413, b"too large")
            writer.join(60)


def _push(client, size):
    with contextlib.suppress(OSError):
        for _ in range(size // 65536):
            client.send(b"b" * 65536)


def test_case_42_silence_has_a_limit_of_its_own_and_no_total(model_api, make_gateway, kit):
    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(STREAM)
        for number in range(6):
            time.sleep(0.4)  # never silent for the limit, longer than it in all
            wire.send(kit.chunk(b"data: %d\n\n" % number))
        wire.send(b"0\r\n\r\n")

    model_api.behaviour = behave
    gateway = make_gateway(STILLWATCH_MODE="bypass", STILLWATCH_IDLE_SECONDS="1")
    with gateway.client() as client:
        client.request("/case42", b"{}")
        assert client.response().read().count(b"data:") == 6


@pytest.mark.parametrize("begun", [True, False])
def test_case_42_silence_beyond_the_limit_is_504_or_a_cut(model_api, make_gateway, kit, begun):
    def behave(seen, wire):
        seen.read_body(wire)
        if begun:
            wire.send(STREAM + kit.chunk(b"data: 1\n\n"))
        wire.gone_within(5)

    model_api.behaviour = behave
    gateway = make_gateway(STILLWATCH_MODE="bypass", STILLWATCH_IDLE_SECONDS="1")
    with gateway.client() as client:
        client.request("/case42", b"{}")
        found = client.response()
        if begun:
            with pytest.raises(http.client.IncompleteRead):
                found.read()
        else:
            assert found.status == 504
            error = json.loads(found.read())["error"]
            assert (error["type"], error["code"]) == ("stillwatch_gateway", "upstream_timeout")
    kit.until(lambda: gateway.counters()["requests_timeout"] == 1, "the timeout's count")


def test_case_43_a_big_body_streams_up_and_only_its_ends_are_copied(model_api, gateway, kit, sink):
    first = threading.Event()

    def behave(seen, wire):
        wire.exactly(1)
        first.set()
        size = 1
        while size < 60 << 20:
            size += len(wire.buffer) or len(wire.read())
            wire.buffer = b""
        wire.send(kit.answer(b"%d" % size))

    model_api.behaviour = behave
    with gateway.client() as client:
        size = 60 << 20
        client.send(b"POST /case43 HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n" % size)
        client.send(b"head" + b"a" * 65532)
        assert first.wait(60)  # the first byte is up before the last has left the client
        for _ in range(size // 65536 - 2):
            client.send(b"a" * 65536)
        client.send(b"a" * 65532 + b"tail")
        assert client.response().read() == b"%d" % size
    copy = sink.copy(b"/case43")
    assert copy.request_bytes == size
    assert len(copy.request_body) == 65536
    assert copy.request_body.startswith(b"head")
    assert copy.request_body.endswith(b"tail")
