"""The server's side of a connection: what is refused, what is kept in step, what is remembered."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time

import pytest

from app.gateway.server import Protocol

POST = b"POST / HTTP/1.1\r\nHost: g\r\n"
SMUGGLING = {
    "length and chunked": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "equal lengths": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "folded header": b"GET / HTTP/1.1\r\nHost: g\r\nX: a\r\n b\r\n\r\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost : g\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: g\n\n",
    "bare carriage return": b"GET / HTTP/1.1\r\nHost: g\r\nX: a\rY: b\r\n\r\n",
    "nul": b"GET / HTTP/1.1\r\nHost: g\r\nX: a\0b\r\n\r\n",
    "unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked under 1.0": b"POST / HTTP/1.0\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "bad host": b"GET / HTTP/1.1\r\nHost: a/b c\r\n\r\n",
    "no path": b"GET path HTTP/1.1\r\nHost: g\r\n\r\n",
}


@pytest.mark.parametrize("name", list(SMUGGLING))
def test_case_46_ambiguous_requests_are_400_and_never_forwarded(model_api, client, name):
    client.send(SMUGGLING[name] + b"GET /smuggled HTTP/1.1\r\nHost: g\r\n\r\n")
    found = client.response()
    assert found.status == 400
    assert json.loads(found.read())["error"]["type"] == "stillwatch_gateway"
    assert client.rest() == b""  # closed, the smuggled request unread
    assert model_api.seen == []


@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip"])
def test_case_46_other_transfer_codings_are_refused(model_api, client, coding):
    client.send(f"POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n".encode())
    assert client.response().status in (400, 501)
    assert model_api.seen == []


def test_case_46_the_http_version_is_checked(model_api, client):
    client.send(b"GET / HTTP/2.0\r\nHost: g\r\n\r\n")
    assert client.response().status == 505
    assert model_api.seen == []


UPGRADES = [
    b"GET /v1/realtime HTTP/1.1\r\nHost: g\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket, h2c\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n",
    POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, other\r\nContent-Length: 3\r\n\r\nabc",
    b"CONNECT host:443 HTTP/1.1\r\nHost: host:443\r\n\r\n",
]


@pytest.mark.parametrize("request_bytes", UPGRADES)
def test_case_48_upgrades_are_refused_clearly_and_nothing_after_them_is_read(model_api, client, request_bytes):
    client.send(request_bytes + b"GET /smuggled HTTP/1.1\r\nHost: g\r\n\r\n")
    found = client.response()
    assert found.status == 501
    assert json.loads(found.read())["error"]["code"] == "upgrade_not_supported"
    assert client.rest() == b""
    assert model_api.seen == []


OFFER = b"Connection: keep-alive, Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nUpgrade: h2c\r\n"


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_case_48_an_offer_of_http_2_is_not_taken_and_costs_nothing(model_api, client, step):
    requests = [
        POST + OFFER + b"Content-Length: 3\r\n\r\nabc",
        POST + b"Transfer-Encoding: chunked\r\n" + OFFER + b"\r\n3\r\nabc\r\n0\r\n\r\n",
        POST.replace(b"POST", b"GET") + OFFER + b"\r\n",
        POST + OFFER + b"X: y\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Connection: close\r\nContent-Length: 3\r\n\r\nabc",
    ]
    data = b"".join(requests)
    for start in range(0, len(data), step):
        client.send(data[start : start + step])
    answers = client.rest().split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [answer.partition(b"\r\n\r\n")[2] for answer in answers] == [b"abc", b"abc", b"", b"abc", b"abc"]
    for seen in model_api.seen:
        assert seen.values("upgrade") == seen.values("http2-settings") == seen.values("connection") == []
    assert model_api.seen[3].values("x") == [b"y"]


def test_case_48_an_offer_of_http_2_hides_nothing(model_api, client):
    client.send(POST + OFFER + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert client.rest().startswith(b"HTTP/1.1 400 ")
    assert model_api.seen == []


def test_many_offers_of_http_2_at_once_do_not_nest(model_api, client):
    offer = POST.replace(b"POST", b"GET") + OFFER + b"\r\n"
    client.send(offer * 1500 + POST.replace(b"POST", b"GET") + b"Connection: close\r\n\r\n")
    assert client.rest().count(b"HTTP/1.1 200 OK\r\n") == 1501


def test_case_37_expect_is_answered_here_and_not_forwarded(model_api, client):
    client.send(b"POST /case37 HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")
    assert client.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"p" * 1000000)
    found = client.response()
    assert (found.status, len(found.read())) == (200, 1000000)
    assert model_api.last().values("expect") == []


def test_case_37_http_10_knows_no_interim_answer(client):
    client.send(b"POST / HTTP/1.0\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    client.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.sock.recv(100)
    client.sock.settimeout(10)
    client.send(b"{}")
    assert client.rest().startswith(b"HTTP/1.1 200 OK\r\n")


def test_case_37_a_refused_request_is_not_asked_to_continue(client):
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
    assert client.rest().startswith(b"HTTP/1.1 400 ")


def test_case_40_connections_stay_open_between_requests(model_api, client):
    for number in range(5):
        assert client.ask(f"/keep/{number}", b"x") == (200, b"x")
    assert client.ask("/keep/get") == (200, b"")


def test_idle_and_dawdling_connections_are_closed_in_time(gateway, client, kit):
    assert client.ask("/idle", b"x") == (200, b"x")
    (protocol,) = kit.until(lambda: list(gateway.server.server_state.connections)[:1])
    now = protocol.loop.time()
    gateway.app.state.parts.router.pools[0]._loop.call_soon_threadsafe(protocol.expire, now + 74, 75)
    assert client.ask("/idle", b"x") == (200, b"x")
    gateway.app.state.parts.router.pools[0]._loop.call_soon_threadsafe(protocol.expire, now + 80, 75)
    assert client.rest() == b""
    with gateway.client() as slow:
        slow.send(b"GET / HTTP/1.1\r\nHo")
        (protocol,) = kit.until(lambda: list(gateway.server.server_state.connections)[:1])
        gateway.app.state.parts.router.pools[0]._loop.call_soon_threadsafe(protocol.expire, now + 80, 75)
        assert slow.rest() == b""


def test_a_body_that_never_begins_holds_no_place(gateway, client, kit):
    client.send(b"POST /never HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\n\r\n")
    kit.until(lambda: gateway.counters()["in_flight"] == 1)
    (protocol,) = gateway.server.server_state.connections
    protocol.loop.call_soon_threadsafe(protocol.expire, protocol.loop.time() + 59, 75)
    client.send(b"12345")
    assert client.response().read() == b"12345"
    client.send(b"POST /never HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\n\r\n")
    kit.until(lambda: gateway.counters()["in_flight"] == 1)
    protocol.loop.call_soon_threadsafe(protocol.expire, protocol.loop.time() + 61, 75)
    assert client.rest() == b""
    kit.until(lambda: gateway.counters()["in_flight"] == 0)


def test_a_body_that_pauses_on_its_way_has_the_limit_of_the_model_api(gateway, model_api, client, kit):
    client.send(b"POST /pauses HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\n\r\n12")
    kit.until(lambda: model_api.seen)
    (protocol,) = gateway.server.server_state.connections
    protocol.loop.call_soon_threadsafe(protocol.expire, protocol.loop.time() + 300, 75)
    client.send(b"345")
    assert client.response().read() == b"12345"


def test_a_head_without_end_is_refused(client):
    client.send(b"GET / HTTP/1.1\r\nHost: g\r\nX: ")
    with pytest.raises(OSError):  # noqa: PT011, PT012
        for _ in range(64):
            client.send(b"x" * 8192)
        assert client.response().status == 431
        raise OSError


@pytest.mark.parametrize("endless", [b"0\r\nX-Trailer: ", b"2;extension="])
def test_what_stands_around_a_body_is_not_gathered_without_end(gateway, client, kit, endless):
    before = Protocol.unreadable
    client.send(b"POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n" + endless)
    with contextlib.suppress(OSError):
        for _ in range(96):
            client.send(b"x" * 8192)
    assert client.rest() == b""
    assert Protocol.unreadable == before + 1
    kit.until(lambda: gateway.counters()["in_flight"] == 0)


def test_a_body_longer_than_a_head_may_be_is_no_long_head(client):
    client.send(b"POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(400):
        client.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
    client.send(b"0\r\nX-Trailer: dropped\r\n\r\n")
    assert client.response().read() == b"x" * 409600
    assert client.ask("/next", b"y") == (200, b"y")


def test_a_head_that_begins_late_on_an_idle_connection_has_its_own_time(gateway, client, kit):
    assert client.ask("/idle", b"x") == (200, b"x")
    (protocol,) = kit.until(lambda: list(gateway.server.server_state.connections)[:1])
    protocol._since -= 70  # as if it had been idle for so long
    client.send(b"GET /late HTTP/1.1\r\nHo")
    kit.until(lambda: protocol._head_size)
    protocol.loop.call_soon_threadsafe(protocol.expire, protocol.loop.time(), 75)
    client.send(b"st: g\r\n\r\n")
    assert client.response().status == 200


def test_what_is_wrong_with_a_body_that_was_answered_already_is_no_second_answer(model_api, client, kit):
    model_api.behaviour = lambda seen, wire: wire.send(kit.answer(b"early", status="413 Content Too Large"))
    client.send(b"POST / HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
    found = client.response()
    assert (found.status, found.read()) == (413, b"early")
    client.send(b"NO CHUNK\r\n")
    assert client.rest() == b""


def test_pipelined_requests_are_answered_in_order(model_api, client, kit):
    model_api.behaviour = lambda seen, wire: (seen.read_body(wire), wire.send(kit.answer(seen.target + seen.body)))
    requests = [b"POST /p%d HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\n%03d" % (n, n) for n in range(200)]
    client.send(b"".join(requests) + b"GET /last HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n")
    found = re.findall(rb"/(?:p\d+|last)", client.rest())
    assert found == [b"/p%d%03d" % (n, n) for n in range(200)] + [b"/last"]


UNREAD = 600  # answers of 60,000 bytes: far more than two sockets hold


@pytest.fixture
def unread(gateway, model_api, kit):
    """A connection that asks and does not read, and whether the gateway has stopped serving it."""
    model_api.behaviour = lambda seen, wire: (seen.read_body(wire), wire.send(kit.answer(seen.target.ljust(60_000))))
    with gateway.client() as client:
        name = client.sock.getsockname()
        client.request("/first", b"x", "Authorization: Bearer k")
        kit.until(lambda: model_api.seen)
        connections = gateway.server.server_state.connections
        here = next(one for one in connections if one._transport.get_extra_info("peername")[:2] == name)
        yield client, here, lambda: here.write_paused and here in Protocol.unread and here._cycle.complete


def _read_all(client, targets):
    with client.sock.makefile("rb") as file:
        for target in targets:
            assert file.readline() == b"HTTP/1.1 200 OK\r\n"
            while file.readline() != b"\r\n":
                pass
            assert file.read(60_000) == target.encode().ljust(60_000)


def test_who_pipelines_and_does_not_read_is_not_served_on(unread, model_api, kit):
    client, here, stopped = unread
    targets = [f"/{number}" for number in range(UNREAD)]
    client.send(b"".join(b"GET %b HTTP/1.1\r\nHost: g\r\n\r\n" % target.encode() for target in targets))
    kit.until(lambda: stopped() or len(model_api.seen) > UNREAD)
    assert len(model_api.seen) < UNREAD
    assert here._transport.get_write_buffer_size() < 4 * 60_000
    _read_all(client, ["/first", *targets])  # who reads is served to the end, in order
    assert len(model_api.seen) == UNREAD + 1


def test_who_repeats_a_head_and_does_not_read_is_not_served_on(unread, model_api, kit):
    client, here, stopped = unread
    asked = 1
    while asked <= UNREAD and not stopped():
        client.request("/first", b"x", "Authorization: Bearer k")
        asked += 1
        kit.until(lambda asked=asked: stopped() or len(model_api.seen) == asked)
    assert asked < UNREAD
    assert here._transport.get_write_buffer_size() < 4 * 60_000
    for _ in range(5):
        client.request("/first", b"x", "Authorization: Bearer k")
    _read_all(client, ["/first"] * (asked + 5))


@pytest.mark.parametrize("split", [False, True])
def test_what_cannot_be_read_behind_a_request_costs_that_request_nothing(model_api, client, kit, split):
    def behave(seen, wire):
        body = seen.read_body(wire)
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n" + body[:1])
        if split:
            client.send(b"GARBAGE\r\n\r\n")
            kit.until(lambda: Protocol.unreadable > before, "the garbage")
        wire.send(body[1:])

    before = Protocol.unreadable
    model_api.behaviour = behave
    garbage = b"" if split else b"GARBAGE\r\n\r\n"
    client.send(b"POST /good HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\nabc" + garbage)
    found = client.rest()
    assert found.startswith(b"HTTP/1.1 200 OK")
    assert found.endswith(b"\r\n\r\nabc")
    assert found.count(b"HTTP/1.1 ") == 1
    assert Protocol.unreadable == before + 1


def test_many_refused_pipelined_requests_do_not_nest(client):
    client.send(b"GET /ok HTTP/1.1\r\nHost: g\r\n\r\n" + b"GET /x HTTP/1.1\r\nHost: a b\r\n\r\n" * 2000)
    assert client.rest().count(b"HTTP/1.1 ") == 2


def test_http_10_gets_no_chunks_and_a_close(model_api, client, kit):
    model_api.behaviour = lambda seen, wire: wire.send(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + kit.chunk(b"hello") + b"0\r\n\r\n"
    )
    client.send(b"GET /old HTTP/1.0\r\n\r\n")
    found = client.rest()
    assert found.endswith(b"\r\n\r\nhello")
    assert b"chunked" not in found
    assert model_api.last().version == b"HTTP/1.1"


@pytest.mark.parametrize("pieces", [1, 40])
def test_case_11_http_10_sees_a_broken_answer_by_a_reset(model_api, client, kit, pieces):
    def behave(seen, wire):
        wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + kit.chunk(b"half") * pieces)
        time.sleep(0.1)
        wire.close()

    model_api.behaviour = behave
    client.send(b"GET / HTTP/1.0\r\nHost: g\r\n\r\n")
    received = b""
    with pytest.raises(ConnectionResetError):  # noqa: PT012
        while data := client.sock.recv(65536):
            received += data
    assert received.partition(b"\r\n\r\n")[2] == b"half" * pieces


def test_connection_close_is_obeyed(client):
    client.request("/close", b"x", "Connection: close")
    assert client.rest().endswith(b"connection: close\r\n\r\nx")


# A client library repeats its head: then the head is not parsed again (Protocol._same_again).

HEAD = "POST /same HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer one\r\nContent-Length: {}\r\nX-Last: 1\r\n\r\n"


def _same(body, head=HEAD):
    return head.format(len(body)).encode() + body


def test_a_repeated_head_passes_as_the_first_did(model_api, client, sink, kit):
    bodies = [b"a" * size for size in (5, 5, 1, 0, 12, 70000, 3, 999)]
    for body in bodies:
        client.send(_same(body))
        assert client.response().read() == body
    assert [seen.values("content-length") for seen in model_api.seen] == [[b"%d" % len(body)] for body in bodies]
    assert {b"\n".join(seen.lines[:2]) for seen in model_api.seen} == {
        model_api.last().lines[0] + b"\nAuthorization: Bearer one"
    }
    kit.until(lambda: len(sink.copies(b"/same")) >= len(bodies))
    copies = sink.copies(b"/same")[-len(bodies) :]
    assert [copy.request_bytes for copy in copies] == [len(body) for body in bodies]
    assert [dict(copy.request_headers)[b"content-length"] for copy in copies] == [b"%d" % len(body) for body in bodies]
    assert len({copy.client for copy in copies}) == 1


def test_another_credential_or_target_on_the_same_connection_is_seen(model_api, client, sink, kit):
    for who in ("one", "two", "one"):
        client.send(_same(b"x", HEAD.replace("/same", "/other").replace("Bearer one", f"Bearer {who}")))
        assert client.response().read() == b"x"
    kit.until(lambda: len(sink.copies(b"/other")) >= 3)
    first, second, third = (copy.client for copy in sink.copies(b"/other")[-3:])
    assert first == third != second


@pytest.mark.parametrize("cut", [1, 60, 120, 128])
def test_a_repeated_head_in_pieces_is_parsed(client, cut):
    for _ in range(2):
        client.send(_same(b"whole"))
        assert client.response().read() == b"whole"
        data = _same(b"in pieces")
        client.send(data[:cut])
        time.sleep(0.01)
        client.send(data[cut:])
        assert client.response().read() == b"in pieces"


def test_a_head_that_began_behind_another_body_is_never_taken_for_a_whole_one(model_api, client, kit):
    model_api.behaviour = lambda seen, wire: (seen.read_body(wire), wire.send(kit.answer(seen.target)))
    for target in (b"/one", b"/two"):
        client.send(b"POST /first HTTP/1.1\r\nHost: g\r\nContent-Length: 4\r\n\r\n{}")
        kit.until(lambda: model_api.seen and model_api.last().target == b"/first")
        client.send(
            b"{}POST " + target + b" HTTP/1.1\r\nHost: g\r\nX-Cut: "
        )  # what is behind the cut is always the same
        assert client.response().read() == b"/first"
        client.send(b"here\r\nContent-Length: 2\r\n\r\n{}")
        assert client.response().read() == target
    assert client.ask("/after", b"x") == (200, b"/after")


def test_a_repeated_head_with_too_much_or_an_odd_length_is_parsed(model_api, client):
    client.send(_same(b"abc"))
    assert client.response().read() == b"abc"
    client.send(_same(b"abc") + _same(b"second"))
    client.sock.settimeout(5)
    found = b""
    while not found.endswith(b"second"):
        found += client.sock.recv(65536)
    assert found.count(b"HTTP/1.1 200 OK") == 2
    client.send(HEAD.format("-3").encode() + b"abc")
    assert client.response().status == 400
    assert len(model_api.seen) == 3


def test_a_repeated_head_while_the_last_answer_is_not_complete_waits_its_turn(model_api, client, kit):
    client.send(_same(b"zero"))
    assert client.response().read() == b"zero"
    go = threading.Event()
    model_api.behaviour = lambda seen, wire: (go.wait(60), kit.echo(seen, wire))
    client.send(_same(b"first"))
    kit.until(lambda: len(model_api.seen) == 2)
    client.send(_same(b"second"))
    time.sleep(0.05)
    assert len(model_api.seen) == 2
    go.set()
    found = b""
    while not found.endswith(b"second"):
        found += client.sock.recv(65536)
    assert found.index(b"first") < found.index(b"second")


def test_a_fault_inside_is_500_and_touches_nobody_else(gateway, client, kit, monkeypatch, caplog):
    def broken(_call):
        raise ZeroDivisionError("a bug")

    before = gateway.counters()["faults"]
    with monkeypatch.context() as patch:
        patch.setattr(gateway.parts.proxy, "_plan", broken)
        client.request("/fault")
        found = client.response()
        assert found.status == 500
        assert b"a bug" not in found.read()
    with gateway.client() as other:
        assert other.ask("/after", b"x") == (200, b"x")
    assert gateway.counters()["faults"] == before + 1
    assert "ZeroDivisionError" in caplog.text


def test_half_closed_clients_are_treated_as_gone(gateway, model_api, kit):
    released = threading.Event()
    noticed = []
    model_api.behaviour = lambda seen, wire: (released.set(), noticed.append(wire.gone_within(2)))
    with gateway.client() as client:
        client.request("/half")
        assert released.wait(60)
        client.sock.shutdown(socket.SHUT_WR)
        kit.until(lambda: noticed)
