"""Connections to the model API: stale ones are replaced, nothing is sent twice, odd answers are judged."""

from __future__ import annotations

import contextlib
import json
import random
import select
import threading
import time

import pytest


def test_case_39_connections_that_close_when_idle_cost_no_request(model_api, gateway, kit):
    executed: list[bytes] = []
    chance = random.Random(39)

    def behave(seen, wire):
        executed.append(seen.read_body(wire))
        wire.send(kit.answer(b"ok"))
        if chance.random() < 0.5:
            time.sleep(chance.random() * 0.004)
            wire.close()

    model_api.behaviour = behave
    before = gateway.counters()
    failed: list[object] = []

    def post(start):
        with gateway.client() as client:
            for number in range(start, start + 100):
                found = client.ask("/case39", b"%d" % number)
                if found != (200, b"ok"):
                    failed.append(found)
                time.sleep(chance.random() * 0.004)

    threads = [threading.Thread(target=post, args=(1000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(executed) == len(set(executed)) == 400
    assert gateway.counters()["upstream_reused"] > before["upstream_reused"]


def _pooled(gateway, model_api, kit):
    """Fill the pool with one fresh connection and return the model API's end of it."""
    model_api.behaviour = kit.echo
    kit.until(lambda: gateway.counters()["in_flight"] == 0)
    for connection in list(gateway.parts.router.pools[0]._idle):
        connection.loop.call_soon_threadsafe(connection.abort)
    kit.until(lambda: gateway.counters()["upstream_idle"] == 0)
    with gateway.client() as client:
        client.ask("/fill", b"x")
    kit.until(lambda: gateway.counters()["upstream_idle"] == 1)
    return model_api.wires[-1]


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_case_41_a_request_that_was_read_is_never_sent_again(model_api, gateway, kit, ending):
    _pooled(gateway, model_api, kit)
    model_api.seen.clear()

    def behave(seen, wire):
        seen.read_body(wire)
        time.sleep(0.1)  # its kernel has acknowledged the request
        wire.reset() if ending == "reset" else wire.close()

    model_api.behaviour = behave
    with gateway.client() as client:
        status, body = client.ask("/case41", b'{"expensive": true}')
    assert status == 502
    assert json.loads(body)["error"]["code"] == "upstream_closed"
    assert len(model_api.seen) == 1


def test_case_41_a_fresh_connection_that_dies_is_not_retried(model_api, make_gateway):
    model_api.behaviour = lambda seen, wire: wire.close()
    gateway = make_gateway(STILLWATCH_MODE="bypass")
    with gateway.client() as client:
        assert client.ask("/fresh", b"x")[0] == 502
    assert len(model_api.seen) == 1


def test_case_08_idle_connections_leave_no_close_wait(model_api, gateway, kit):
    model_api.behaviour = lambda seen, wire: (wire.send(kit.answer(seen.read_body(wire))), wire.close())
    with gateway.client() as client:
        for _ in range(50):
            assert client.ask("/case08", b"x") == (200, b"x")
    kit.until(lambda: gateway.counters()["upstream_idle"] == 0)
    assert _states(model_api.port).count("08") == 0


def _states(port):
    """States of this host's sockets whose far end is `port`; 08 is CLOSE_WAIT."""
    with open("/proc/net/tcp") as table:  # noqa: PTH123
        rows = [line.split() for line in table][1:]
    return [row[3] for row in rows if row[2].endswith(f":{port:04X}")]


INVALID = {
    "two framings": b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc",
    "two codings": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "no http": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\ncontent-length: 0\r\n\r\n",
    "line feeds": b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    "unasked upgrade": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nabc",
    "endless head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300000,
}


@pytest.mark.parametrize("name", list(INVALID))
def test_case_46_answers_that_are_not_valid_http_are_502(model_api, client, kit, name):
    def behave(seen, wire):
        with contextlib.suppress(OSError):
            wire.send(INVALID[name])
            wire.gone_within(5)
        wire.close()

    model_api.behaviour = behave
    found = client.ask("/invalid", b"{}")
    assert (found[0], json.loads(found[1])["error"]["code"]) == (502, "upstream_invalid")
    model_api.behaviour = kit.echo
    assert client.ask("/valid", b"x") == (200, b"x")


def test_interim_answers_are_not_mistaken_for_the_answer(model_api, client, kit):
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    for pieces in (1, 2, 40):

        def behave(seen, wire, pieces=pieces):
            seen.read_body(wire)
            data = interim + kit.answer(b"the answer", "X-Real: 1")
            step = len(data) // pieces + 1
            for start in range(0, len(data), step):
                wire.send(data[start : start + step])
                time.sleep(0.001)

        model_api.behaviour = behave
        client.request("/interim", b"{}")
        found = client.response()
        assert (found.status, found.getheaders()) == (200, [("X-Real", "1"), ("content-length", "10")])
        assert found.read() == b"the answer"


def test_bytes_after_an_answer_spoil_the_connection_not_the_answer(model_api, client, kit):
    model_api.behaviour = lambda seen, wire: (
        seen.read_body(wire),
        wire.send(kit.answer(b"ok") + b"HTTP/1.1 200 OK\r\n"),
    )
    before = model_api.connections
    assert client.ask("/extra", b"x") == (200, b"ok")
    model_api.behaviour = kit.echo
    assert client.ask("/extra", b"x") == (200, b"x")
    assert model_api.connections > before


def test_bytes_on_an_idle_connection_are_never_taken_for_an_answer(model_api, gateway, kit):
    wire = _pooled(gateway, model_api, kit)
    wire.send(kit.answer(b"poison"))
    kit.until(lambda: gateway.counters()["upstream_idle"] == 0)
    with gateway.client() as client:
        assert client.ask("/idle", b"clean") == (200, b"clean")


def test_a_head_answer_with_a_body_does_not_leak_into_the_next(model_api, client, kit):
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(b"a body that must not be"))
    client.request("/head", method="HEAD")
    assert client.response("HEAD").read() == b""
    model_api.behaviour = kit.echo
    for _ in range(3):
        assert client.ask("/after", b"x") == (200, b"x")


@pytest.mark.parametrize("size", [10, 200_000])
@pytest.mark.parametrize("ending", ["reset", "close"])
def test_case_39_a_request_that_nobody_read_is_sent_again_once(model_api, make_gateway, kit, ending, size):
    gateway = make_gateway(STILLWATCH_MODE="bypass")
    fresh = []

    def behave(seen, wire):
        body = seen.read_body(wire)
        if seen.target == b"/again":
            fresh.append(body)
        wire.send(kit.answer(b"%d" % len(body)))
        if seen.target == b"/fill":
            select.select([wire.sock], [], [], 5)  # the next request is here, and is not read
            wire.reset() if ending == "reset" else wire.close()

    model_api.behaviour = behave
    with gateway.client() as client:
        assert client.ask("/fill", b"x") == (200, b"1")
        assert client.ask("/again", b"y" * size) == (200, b"%d" % size)
    assert fresh == [b"y" * size]
    assert gateway.counters()["retries"] == 1
