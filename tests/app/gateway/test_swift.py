"""Exchanges without a coroutine, and the points at which one takes over."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bench.gateway.fuzz import Stage, turns

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture
def swiftly(gateway, client, kit, monkeypatch):
    """A client whose next requests have a pooled connection, on a gateway that knows no other way to serve them."""

    def barred(_call):
        raise AssertionError("a coroutine was made")

    assert client.ask("/prime", b"x") == (200, b"x")
    kit.until(lambda: gateway.counters()["upstream_idle"] > 0, "an idle connection")
    monkeypatch.setattr(gateway.parts.proxy, "serve", barred)
    return client


def test_requests_with_and_without_a_body_need_no_coroutine(swiftly, gateway, sink):
    before = gateway.parts.counts.outcomes[0]
    for number in range(3):
        assert swiftly.ask("/swift/post", b"body %d" % number) == (200, b"body %d" % number)
    assert swiftly.ask("/swift/get") == (200, b"")
    copy = sink.copy(b"/swift/post")
    assert (copy.request_body, copy.response_body, copy.outcome, copy.status) == (b"body 0", b"body 0", 0, 200)
    assert 0 <= copy.ttfb <= copy.duration
    assert gateway.counters()["in_flight"] == 0
    assert gateway.parts.counts.outcomes[0] == before + 4


def test_each_chunk_of_a_stream_passes_before_the_next_is_sent(swiftly, model_api, kit, sink):
    steps = [threading.Event() for _ in range(5)]

    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(STREAM)
        for number, step in enumerate(steps):
            assert step.wait(60)
            wire.send(kit.chunk(b"data: %d\n\n" % number))
        wire.send(b"0\r\n\r\n")

    model_api.behaviour = behave
    swiftly.request("/swift/stream", b"{}")
    found = swiftly.response()
    for number, step in enumerate(steps):
        step.set()
        assert found.read1(64) == b"data: %d\n\n" % number
    assert found.read() == b""
    copy = sink.copy(b"/swift/stream")
    assert copy.response_body == b"".join(b"data: %d\n\n" % number for number in range(5))
    assert (copy.outcome, copy.response_cut) == (0, -1)


def test_bodies_over_the_limit_are_copied_at_both_ends(gateway, client, model_api, kit, sink):
    said = b"[" + b"a" * 70_000 + b"]"
    model_api.behaviour = lambda seen, wire: (seen.read_body(wire), wire.send(kit.answer(said)))
    for target in ("/swift/prime", "/swift/long"):
        assert client.ask(target, b"<" + b"q" * 70_000 + b">") == (200, said)
    copy = sink.copy(b"/swift/long")
    assert (copy.request_bytes, copy.request_cut) == (70_002, 32768)
    assert (copy.request_body[:2], copy.request_body[-2:]) == (b"<q", b"q>")
    assert (copy.response_bytes, copy.response_cut) == (70_002, 32768)
    assert (copy.response_body[:2], copy.response_body[-2:]) == (b"[a", b"a]")


@pytest.mark.parametrize("begun", [False, True])
def test_a_client_that_leaves_is_noticed_at_once(swiftly, model_api, gateway, kit, sink, begun):
    noticed, arrived = [], threading.Event()

    def behave(seen, wire):
        seen.read_body(wire)
        if begun:
            wire.send(STREAM + kit.chunk(b"data: 0\n\n"))
        arrived.set()
        noticed.append(wire.gone_within(1.0))

    model_api.behaviour = behave
    target = f"/swift/leave/{begun}"
    swiftly.request(target, b"{}")
    assert arrived.wait(60)
    if begun:
        assert swiftly.response().read1(64) == b"data: 0\n\n"
    swiftly.close()
    kit.until(lambda: noticed, "the upstream's close")
    copy = sink.copy(target.encode())
    assert (copy.outcome, copy.status) == (1, 200 if begun else 0)
    kit.until(lambda: gateway.counters()["in_flight"] == 0, "in_flight 0")


def test_a_truncated_answer_is_cut_off(swiftly, model_api, kit, sink):
    def behave(seen, wire):
        seen.read_body(wire)
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        wire.close()

    model_api.behaviour = behave
    swiftly.request("/swift/truncated", b"{}")
    assert swiftly.rest().endswith(b"\r\n\r\nhalf")
    assert sink.copy(b"/swift/truncated").outcome == 3


def test_an_invalid_head_is_502_and_the_client_may_go_on(swiftly, model_api, kit):
    model_api.behaviour = lambda seen, wire: (
        seen.read_body(wire),
        wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    )
    status, body = swiftly.ask("/swift/invalid", b"{}")
    assert (status, b"upstream_invalid" in body) == (502, True)


@pytest.mark.parametrize(("streamed", "how"), [(False, "swiftly"), (True, "swiftly"), (True, "client")])
def test_a_slow_client_is_given_everything_and_the_copy_counts_it(request, model_api, kit, sink, streamed, how):
    asking = request.getfixturevalue(how)  # on a pooled connection, or by a coroutine on a new one
    size = 24 << 20

    def behave(seen, wire):
        seen.read_body(wire)
        if not streamed:
            wire.send(kit.answer(b"z" * size))
            return
        wire.send(STREAM)
        for _ in range(size // 4096):
            wire.send(kit.chunk(b"z" * 4096))
        wire.send(b"0\r\n\r\n")

    model_api.behaviour = behave
    target = f"/{how}/slow/{streamed}"
    asking.request(target, b"{}")
    found = asking.response()
    kit.until(lambda: model_api.last().body == b"{}")
    assert found.read() == b"z" * size
    copy = sink.copy(target.encode())
    assert (copy.response_bytes, copy.outcome) == (size, 0)
    assert copy.request_body == b"{}"


async def test_a_client_that_is_slow_more_than_once_gets_everything_once(tmp_path):
    stage = Stage(tmp_path, asyncio.get_running_loop())
    client, upstream = stage.client(), stage.upstream()
    stage.pool.put(upstream.protocol)
    client.protocol.data_received(b"POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}")
    for data in (STREAM, b"1\r\na\r\n", b"1\r\nb\r\n"):
        client.slow()
        upstream.protocol.data_received(data)
        client.read_on()
        await turns()
    client.slow()
    upstream.protocol.data_received(b"1\r\nc\r\n")
    upstream.protocol.data_received(b"0\r\n\r\n")
    await turns()
    client.read_on()
    await turns()
    chunks = [b"1\r\na\r\n", b"1\r\nb\r\n", b"1\r\nc\r\n"]
    assert b"".join(client.written).partition(b"\r\n\r\n")[2] == b"".join(chunks) + b"0\r\n\r\n"
    assert (stage.parts.counts.in_flight, upstream.closing) == (0, False)


def test_a_stale_connection_is_replaced(model_api, gateway, client, kit, sink):
    def once(seen, wire):
        wire.send(kit.answer(seen.read_body(wire)))
        wire.reset()

    model_api.behaviour = once
    assert client.ask("/swift/first", b"1") == (200, b"1")
    model_api.behaviour = kit.echo
    assert client.ask("/swift/second", b"2") == (200, b"2")
    copy = sink.copy(b"/swift/second")
    assert (copy.request_body, copy.response_body, copy.outcome) == (b"2", b"2", 0)


def test_silence_has_a_limit(make_gateway, model_api, kit):
    gateway = make_gateway(STILLWATCH_MODE="bypass", STILLWATCH_IDLE_SECONDS="1")
    with gateway.client() as client:
        assert client.ask("/swift/prime", b"x") == (200, b"x")
        model_api.behaviour = lambda seen, wire: wire.gone_within(5)
        assert client.ask("/swift/silent", b"{}")[0] == 504
    assert gateway.counters()["in_flight"] == 0


def test_a_stop_cuts_what_is_under_way(make_gateway, model_api, kit):
    gateway = make_gateway(STILLWATCH_MODE="bypass")
    arrived = threading.Event()

    def behave(seen, wire):
        seen.read_body(wire)
        arrived.set()
        wire.gone_within(10)

    with gateway.client() as client:
        assert client.ask("/swift/prime", b"x") == (200, b"x")
        model_api.behaviour = behave
        client.request("/swift/open", b"{}")
        assert arrived.wait(60)
        gateway.stop()
        assert not gateway.thread.is_alive()
        assert client.rest() == b""
    assert gateway.parts.counts.in_flight == 0
    assert gateway.parts.counts.outcomes[4] == 1
