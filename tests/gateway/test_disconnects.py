"""Disconnects and lifetime (cases 1 to 10): who leaves, who must be told, and what must not be left behind."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import pytest

SOON = 5.0  # seconds, on a busy machine
WAIT = 60.0  # seconds
CLOSE_WAIT = 8  # in /proc/net/tcp
ROUTES = (
    b"/v1/chat/completions",
    b"/v1/responses",
    b"/v1/completions",
    b"/v1/messages",
    b"/v1beta/models/m:streamGenerateContent?alt=sse",
    b"/openai/deployments/d/chat/completions?api-version=1",
    b"/anything/else",
)


@pytest.fixture
def abandonment(upstream, wire):
    """The model API sends `first`, then waits; `.gone` is when the gateway left it."""

    class Watch:
        gone = 0.0
        begun = 0

        def waits(self, *first: bytes) -> None:
            def script(link, asked):
                link.body(asked)
                link.send(*first)
                self.begun += 1
                self.gone = link.abandoned()
                link.close()

            upstream.script = script

    return Watch()


def leave(client, how):
    left = time.monotonic()
    client.reset() if how == "reset" else client.sock.close()
    return left


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("route", ROUTES)
def test_case_01_and_04_client_of_a_stream_leaves_on_any_route(gateway, copies, wire, abandonment, route, how):
    delta = wire.chunk(b'data: {"choices":[]}\n\n')
    abandonment.waits(wire.chunked_head(), delta, delta, delta)
    client = gateway.client()
    client.send(wire.request("POST", route, b'{"stream":true}'))
    client.head()
    for _ in range(3):
        client.until(b"\n\n")
    left = leave(client, how)
    wire.eventually(lambda: abandonment.gone, "the upstream's notice")
    assert abandonment.gone - left < SOON
    assert copies.outcomes(route.partition(b"?")[0]) == ["client_aborted"]
    assert gateway.idle()


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("body", [b'{"stream":true}', b'{"stream":false}'], ids=["stream", "whole"])
def test_case_02_and_03_client_leaves_before_the_first_byte(gateway, copies, wire, abandonment, body, how):
    abandonment.waits()
    client = gateway.client()
    client.send(wire.request("POST", b"/early", body))
    wire.eventually(lambda: abandonment.begun, "the upstream's start")
    left = leave(client, how)
    wire.eventually(lambda: abandonment.gone, "the upstream's notice")
    assert abandonment.gone - left < SOON
    assert copies.outcomes(b"/early") == ["client_aborted"]


def test_case_03_client_leaves_in_the_middle_of_a_whole_answer(gateway, copies, wire, abandonment):
    abandonment.waits(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x" * 10)
    client = gateway.client()
    client.send(wire.request("POST", b"/middle", b"{}"))
    client.until(b"x" * 10)
    left = leave(client, "close")
    wire.eventually(lambda: abandonment.gone, "the upstream's notice")
    assert abandonment.gone - left < SOON
    assert copies.outcomes(b"/middle") == ["client_aborted"]


def test_case_01_client_leaves_while_it_uploads(gateway, copies, upstream, wire):
    noticed = []

    def script(link, asked):
        link.exactly(1000)
        noticed.append(0.0)
        noticed.append(link.abandoned())
        link.close()

    upstream.script = script
    client = gateway.client()
    client.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
    wire.eventually(lambda: noticed, "the upload's beginning")
    left = leave(client, "close")
    wire.eventually(lambda: len(noticed) > 1, "the upstream's notice")
    assert noticed[1] - left < SOON
    assert copies.outcomes(b"/upload") == ["client_aborted"]


def test_case_01_client_leaves_while_the_upstream_takes_no_more_of_its_upload(gateway, copies, upstream, wire):
    """The gateway has stopped reading from this client; it must see the end all the same.

    Only a reset: a FIN waits in the client's kernel behind the data that nobody takes.
    """
    seen = []

    def script(link, asked):
        seen.append("begun")
        wire.eventually(lambda: len(seen) == 2, "the client's leaving")
        link.abandoned()
        seen.append(time.monotonic())
        link.close()

    upstream.script = script
    client = gateway.client()
    client.send(b"POST /stalled HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
    client.sock.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        while True:
            client.send(b"x" * 65536)
    assert seen == ["begun"]
    left = leave(client, "reset")
    wire.eventually(lambda: gateway.counters()["in_flight"] == 0, "an idle gateway")
    assert time.monotonic() - left < SOON
    seen.append("left")
    assert copies.outcomes(b"/stalled") == ["client_aborted"]


def test_case_01_client_that_pipelines_and_leaves_costs_no_second_execution(gateway, upstream, wire, abandonment):
    abandonment.waits()
    client = gateway.client()
    client.send(wire.request("POST", b"/first", b"{}") + wire.request("POST", b"/second", b"{}"))
    wire.eventually(lambda: abandonment.begun, "the upstream's start")
    left = leave(client, "reset")
    wire.eventually(lambda: abandonment.gone, "the upstream's notice")
    assert abandonment.gone - left < SOON
    wire.eventually(gateway.idle, "an idle gateway")
    assert [asked.target for asked in upstream.asked] == [b"/first"]


def test_case_05_cleaning_up_after_many_leavers_blocks_nobody(gateway, upstream, wire):
    """30 streams of 2 MiB whose clients leave at once: the gateway goes on answering."""
    piece = b"data: " + b"x" * 65536 + b"\n\n"

    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head())
        for _ in range(32):
            link.send(wire.chunk(piece))
        link.abandoned()
        link.close()

    upstream.script = script
    clients = [gateway.client() for _ in range(30)]
    for client in clients:
        client.send(wire.request(body=b"{}"))
    for client in clients:
        for _ in range(31):
            client.until(b"x\n\n")
    waits = []
    with gateway.client() as probe:
        for client in clients:
            leave(client, "reset")
            began = time.monotonic()
            assert probe.ask(wire.request("GET", b"/_stillwatch/livez")).status == 200
            waits.append(time.monotonic() - began)
    wire.eventually(gateway.idle, "an idle gateway")
    waits.sort()
    assert waits[len(waits) // 2] < 0.1, waits


@pytest.mark.parametrize("moment", ["asked", "head"])
def test_case_06_and_08_fifty_resets_leave_no_socket_and_a_working_pool(gateway, upstream, wire, moment):
    began = gateway.counters()["requests"]
    release = threading.Event()

    def script(link, asked):
        link.body(asked)
        if asked.target == b"/reset":
            if moment == "head":
                link.send(wire.chunked_head())
            release.wait(WAIT)
            link.send(b"" if moment == "head" else wire.chunked_head(), wire.chunk(b"data: x\n\n"), wire.end)
            return
        link.send(wire.plain(b"normal"))

    upstream.script = script
    for _ in range(50):
        client = gateway.client()
        client.send(wire.request("POST", b"/reset", b"{}"))
        if moment == "head":
            client.head()
        client.reset()
    release.set()
    gateway.settled(began + 50)
    for _ in range(5):
        assert gateway.ask(wire.request(body=b"{}")).body == b"normal"
    wire.eventually(lambda: gateway.sockets(CLOSE_WAIT, upstream.port) == 0, "no CLOSE_WAIT")
    wire.eventually(lambda: gateway.sockets(CLOSE_WAIT, gateway.port) == 0, "no CLOSE_WAIT")


def test_case_07_a_stream_through_the_real_server_is_whole(gateway, upstream, wire):
    events = [b"data: %d\n\n" % number for number in range(50)]
    upstream.says(wire.chunked_head(), *(wire.chunk(event) for event in events), wire.end)
    answer = gateway.ask(wire.request(body=b"{}"))
    assert answer.whole
    assert answer.body == b"".join(events)


@pytest.mark.parametrize("says_so", [True, False], ids=["connection-close", "unannounced"])
def test_case_08_upstream_that_closes_after_each_answer_leaves_no_close_wait(gateway, upstream, wire, says_so):
    def script(link, asked):
        link.body(asked)
        link.send(wire.plain(b"{}", *([b"Connection: close"] if says_so else [])))
        link.close()

    upstream.script = script
    with gateway.client() as client:
        for _ in range(100):
            assert client.ask(wire.request(body=b"{}")).status == 200
    assert len(upstream.asked) == 100
    wire.eventually(lambda: gateway.sockets(CLOSE_WAIT, upstream.port) == 0, "no CLOSE_WAIT")


def test_case_08_idle_pooled_connections_are_closed_before_the_upstream_does(gateway, upstream, wire):
    """Model APIs close idle connections after 15 s: ours must be gone by 10."""
    gone = []

    def script(link, asked):
        link.body(asked)
        link.send(wire.plain())
        answered = time.monotonic()
        gone.append(link.abandoned() - answered)
        link.close()

    upstream.script = script
    assert gateway.ask(wire.request(body=b"{}")).status == 200
    wire.eventually(lambda: gone, "the end of the idle connection")
    assert 1.0 < gone[0] < 12.0


def test_case_09_on_sigterm_readiness_fails_first_and_streams_finish(another, upstream, wire):
    release = threading.Event()

    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head(), wire.chunk(b"data: 1\n\n"))
        release.wait(WAIT)
        link.send(wire.chunk(b"data: 2\n\n"), wire.end)

    upstream.script = script
    gateway = another(STILLWATCH_DRAIN_SECONDS="15")
    probe, stream = gateway.client(), gateway.client()
    with probe, stream:
        assert probe.ask(wire.request("GET", b"/_stillwatch/readyz")).status == 200
        stream.send(wire.request(body=b"{}"))
        stream.until(b"data: 1\n\n")
        gateway.terminate()
        unready = wire.eventually(lambda: refuses(probe, wire), "failed readiness")
        assert unready == "stopping"
        wire.eventually(lambda: not listens(gateway.port), "a closed listener")
        release.set()
        assert b"data: 2\n\n" in stream.rest()
    assert gateway.process.wait(WAIT) == 0


def refuses(probe, wire):
    answer = probe.ask(wire.request("GET", b"/_stillwatch/readyz"))
    return json.loads(answer.body)["status"] if answer.status == 503 else ""


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_case_09_on_sigterm_a_stream_without_end_is_cut_at_the_limit(another, upstream, wire, abandonment):
    abandonment.waits(wire.chunked_head(), wire.chunk(b"data: 1\n\n"))
    gateway = another(STILLWATCH_DRAIN_SECONDS="1", STILLWATCH_IDLE_SECONDS="60")
    with gateway.client() as stream:
        stream.send(wire.request(body=b"{}"))
        stream.until(b"data: 1\n\n")
        began = time.monotonic()
        gateway.terminate()
        assert gateway.process.wait(WAIT) == 0
        assert time.monotonic() - began < 1 + 2 + 9  # the limit, the grace, a slow machine
        with contextlib.suppress(ConnectionResetError):
            assert wire.end not in stream.rest()  # cut, not ended
    wire.eventually(lambda: abandonment.gone, "the upstream's notice")


def test_case_09_what_was_observed_before_sigterm_reaches_the_extractor(another, upstream, wire, sink):
    gateway = another(STILLWATCH_DRAIN_SECONDS="5")
    seen = sink(gateway)
    with gateway.client() as client:
        for _ in range(50):
            assert client.ask(wire.request("POST", b"/flushed", b"{}")).status == 200
        gateway.terminate()
    assert gateway.process.wait(WAIT) == 0
    assert seen.outcomes(b"/flushed", 50) == ["ok"] * 50


def test_case_09_sigterm_while_idle_ends_at_once(another, upstream, wire):
    gateway = another()
    with gateway.client() as client:
        assert client.ask(wire.request(body=b"{}")).status == 200
        began = time.monotonic()
        gateway.terminate()
        assert gateway.process.wait(WAIT) == 0
        assert time.monotonic() - began < 10.0


def test_case_10_in_flight_returns_to_zero_after_a_hundred_aborted_requests(gateway, copies, upstream, wire):
    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head(), wire.chunk(b"data: x\n\n"))
        link.abandoned()
        link.close()

    upstream.script = script
    began = gateway.counters()
    clients = [gateway.client() for _ in range(100)]
    for client in clients:
        client.send(wire.request("POST", b"/aborted", b"{}"))
    for client in clients:
        client.until(b"data: x\n\n")
    assert gateway.counters()["in_flight"] == 100
    for number, client in enumerate(clients):
        leave(client, "reset" if number % 2 else "close")
    ended = gateway.settled(began["requests"] + 100)
    assert ended["in_flight"] == 0
    assert ended["requests_client_aborted"] - began["requests_client_aborted"] == 100
    assert copies.outcomes(b"/aborted", 100) == ["client_aborted"] * 100
