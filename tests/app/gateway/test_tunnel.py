"""Tunnels on raw sockets: early bytes, half-closes, resets, slow sides, silence, a stop; what ends, and how."""

from __future__ import annotations

import contextlib
import json
import threading

import pytest

ASK = (
    b"GET /ws HTTP/1.1\r\nHost: g\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Key: abc\r\nX-Odd:  1\r\n\r\n"
)
AGREE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: xyz\r\nX-Odd: 2\r\n\r\n"
)


def _head(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _exactly(sock, count):
    data = b""
    while len(data) < count and (piece := sock.recv(65536)):
        data += piece
    return data


def _reset(sock):
    """The bytes that came before the connection's reset."""
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except ConnectionResetError:
        return data
    raise AssertionError("an orderly end")


def _outcome(gateway, kit, name, count=1):
    kit.until(lambda: gateway.counters()[f"requests_{name}"] == count, name)
    assert gateway.counters()["in_flight"] == 0


@pytest.fixture
def alone(make_gateway):
    """A gateway with counters of its own."""
    return make_gateway(STILLWATCH_MODE="bypass", STILLWATCH_IDLE_SECONDS="900")


def test_the_handshake_passes_as_it_is_and_so_do_early_bytes(alone, model_api, kit):
    def behave(seen, wire):
        wire.send(AGREE + b"early down")
        wire.send(wire.exactly(8))

    model_api.behaviour = behave
    with alone.client() as client:
        client.send(ASK + b"early up")
        head, rest = _head(client.sock)
        assert rest + _exactly(client.sock, len(b"early downearly up") - len(rest)) == b"early downearly up"
    assert head.startswith(b"HTTP/1.1 101 ")
    lines = [line.lower() for line in head.split(b"\r\n")]
    for line in (b"upgrade: websocket", b"connection: upgrade", b"sec-websocket-accept: xyz", b"x-odd: 2"):
        assert lines.count(line) == 1
    seen = model_api.last()
    assert (seen.values("upgrade"), seen.values("connection")) == ([b"websocket"], [b"Upgrade"])
    assert (seen.values("sec-websocket-key"), seen.values("x-odd")) == ([b"abc"], [b"1"])
    _outcome(alone, kit, "ok")


def test_an_answer_in_pieces_after_interim_ones_is_understood(alone, model_api):
    whole = b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + AGREE + b"first bytes"
    model_api.behaviour = lambda seen, wire: [wire.send(whole[at : at + 1]) for at in range(len(whole))]
    with alone.client() as client:
        client.send(ASK)
        head, rest = _head(client.sock)
        assert b"101" in head
        assert b"link" not in head.lower()
        assert rest + _exactly(client.sock, 11 - len(rest)) == b"first bytes"


@pytest.mark.parametrize("first", ["client", "model"])
def test_a_half_close_passes_and_the_other_direction_stays_open(alone, model_api, kit, first):
    def behave(seen, wire):
        wire.send(AGREE)
        if first == "client":
            assert wire.sock.recv(10) == b""
            wire.send(b"last words")
        else:
            wire.sock.shutdown(1)
            assert wire.exactly(10) == b"last words"
            heard.set()
        wire.close()

    heard = threading.Event()
    model_api.behaviour = behave
    with alone.client() as client:
        client.send(ASK)
        _head(client.sock)
        if first == "client":
            client.sock.shutdown(1)
            assert client.rest() == b"last words"
        else:
            assert client.sock.recv(10) == b""
            client.send(b"last words")
            assert heard.wait(60)
    _outcome(alone, kit, "ok")


def test_a_clients_reset_reaches_the_model_api_at_once(alone, model_api, kit):
    took = []

    def behave(seen, wire):
        wire.send(AGREE)
        took.append(wire.gone_within(30))

    model_api.behaviour = behave
    client = alone.client()
    client.send(ASK)
    _head(client.sock)
    client.reset()
    kit.until(lambda: took)
    assert took[0] < 15
    _outcome(alone, kit, "client_aborted")


def test_a_model_apis_reset_reaches_the_client_as_a_reset(alone, model_api, kit):
    model_api.behaviour = lambda seen, wire: (wire.send(AGREE), wire.exactly(1), wire.reset())
    with alone.client() as client:
        client.send(ASK)
        _head(client.sock)
        client.send(b"x")
        _reset(client.sock)
    _outcome(alone, kit, "upstream_truncated")


def test_a_client_that_leaves_before_the_answer_ends_the_handshake(alone, model_api, kit):
    asked = threading.Event()
    took = []

    def behave(seen, wire):
        asked.set()
        took.append(wire.gone_within(30))

    model_api.behaviour = behave
    with alone.client() as client:
        client.send(ASK)
        assert asked.wait(60)
    kit.until(lambda: took)
    assert took[0] < 15
    _outcome(alone, kit, "client_aborted")


def test_a_slow_side_holds_the_other_back(alone, model_api, kit):
    """Without that, the gateway would hold what the model API sends faster than the client reads."""
    sent = []

    def behave(seen, wire):
        wire.send(AGREE)
        wire.sock.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while sum(sent) < 100_000_000:
                sent.append(wire.sock.send(b"x" * 100_000))
        wire.sock.settimeout(20)
        done.set()
        wire.send(b"!")
        wire.close()

    done = threading.Event()
    model_api.behaviour = behave
    with alone.client() as client:
        client.send(ASK)
        _, rest = _head(client.sock)
        assert done.wait(60)
        assert sum(sent) < 50_000_000
        got = len(rest) + len(client.rest())
        assert got == sum(sent) + 1
    _outcome(alone, kit, "ok")


def test_silence_both_ways_has_the_limit_and_a_byte_either_way_renews_it(make_gateway, model_api, kit):
    gateway = make_gateway(STILLWATCH_MODE="bypass", STILLWATCH_IDLE_SECONDS="1")
    beats = threading.Event()

    def behave(seen, wire):
        wire.send(AGREE)
        for _ in range(8):
            beats.wait(0.25)
            wire.send(b".")
        wire.gone_within(10)

    model_api.behaviour = behave
    with gateway.client() as client:
        client.send(ASK)
        _, rest = _head(client.sock)
        rest += _reset(client.sock)
    assert rest == b"." * 8
    _outcome(gateway, kit, "timeout")


def test_a_stop_lets_it_run_up_to_the_limit(make_gateway, model_api, kit):
    gateway = make_gateway(STILLWATCH_MODE="bypass", STILLWATCH_DRAIN_SECONDS="1")
    model_api.behaviour = lambda seen, wire: (wire.send(AGREE), wire.send(wire.exactly(4)), wire.gone_within(10))
    with gateway.client() as client:
        client.send(ASK)
        _head(client.sock)
        gateway.server.should_exit = True
        kit.until(lambda: gateway.parts.stopping)
        client.send(b"more")
        assert _exactly(client.sock, 4) == b"more"
        client.rest()
    gateway.thread.join(60)
    assert not gateway.thread.is_alive()
    assert gateway.counters()["requests_timeout"] == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_agrees_to_nothing_is_502(alone, model_api, kit, answer):
    model_api.behaviour = lambda seen, wire: (wire.send(answer), wire.close())
    with alone.client() as client:
        client.send(ASK)
        found = client.response()
        assert found.status == 502
        assert json.loads(found.read())["error"]["code"] in ("upstream_invalid", "upstream_closed")
        assert client.rest() == b""
    _outcome(alone, kit, "upstream_error")


def test_a_model_api_that_answers_as_to_any_request_is_relayed_so(alone, model_api, kit):
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(b"plain", "x-odd: 3"))
    with alone.client() as client:
        client.send(ASK)
        found = client.response()
        assert (found.status, found.getheader("x-odd"), found.read()) == (200, "3", b"plain")
        assert client.rest() == b""  # what the client would send next may be anything: no second request
    _outcome(alone, kit, "ok")


def test_a_101_that_nobody_asked_for_stays_502(alone, model_api):
    model_api.behaviour = lambda seen, wire: wire.send(AGREE)
    with alone.client() as client:
        assert client.ask("/plain", b"x")[0] == 502


@pytest.mark.parametrize(
    "request_",
    [
        ASK.replace(b"WebSocket", b"tcp"),
        ASK.replace(b"GET", b"POST"),
        ASK.replace(b"HTTP/1.1", b"HTTP/1.0"),
        ASK.replace(b"X-Odd:  1", b"Content-Length: 3"),
        ASK.replace(b"X-Odd:  1", b"Transfer-Encoding: chunked"),
        ASK.replace(b"X-Odd:  1", b"Upgrade: h2c"),
    ],
)
def test_what_is_no_websocket_is_501_and_never_reaches_the_model_api(alone, model_api, request_):
    with alone.client() as client:
        client.send(request_ + (b"0\r\n\r\n" if b"chunked" in request_ else b"abc"))
        assert client.response().status == 501
    assert model_api.seen == []


def test_upgrade_without_connection_is_an_ordinary_request(alone, model_api, kit):
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(b"plain"))
    with alone.client() as client:
        assert client.ask("/x", b"", "Upgrade: websocket") == (200, b"plain")
    assert model_api.last().values("upgrade") == []


def test_many_sessions_leave_nothing_behind(alone, model_api, kit):
    model_api.behaviour = lambda seen, wire: (wire.send(AGREE), wire.send(wire.exactly(3)), wire.close())
    for turn in range(40):
        with alone.client() as client:
            client.send(ASK)
            _head(client.sock)
            client.send(b"abc")
            if turn % 4 == 0:
                client.reset()
            else:
                assert client.rest() == b"abc"
    kit.until(lambda: alone.counters()["requests"] == 40)
    kit.until(lambda: not alone.parts.router.pools[0]._all)
    assert alone.counters()["in_flight"] == 0
    assert not alone.server.server_state.connections
