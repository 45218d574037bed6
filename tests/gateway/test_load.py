"""Redis, load and memory (cases 60 to 67): what breaks behind the gateway costs its customers nothing."""

from __future__ import annotations

import json
import random
import socket
import statistics
import threading
import time

import pytest

MIB = 1 << 20


@pytest.fixture
def black_hole():
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def times(gateway, wire, count=60):
    """Seconds that requests take on one connection, sorted."""
    taken = []
    with gateway.client() as client:
        for _ in range(count):
            began = time.monotonic()
            assert client.ask(wire.request(body=b"{}")).status == 200
            taken.append(time.monotonic() - began)
    return sorted(taken)


def readyz(gateway):
    return json.loads(gateway.own("readyz").body)


@pytest.mark.parametrize("fault", ["refused", "black hole"])
def test_case_60_to_62_an_absent_redis_costs_no_time_few_lines_and_is_shown(
    another, upstream, wire, free_port, black_hole, fault
):
    port = free_port() if fault == "refused" else black_hole
    gateway = another(REDIS_URL=f"redis://127.0.0.1:{port}/0", STILLWATCH_LOG_LEVEL="info")
    assert statistics.median(times(gateway, wire)) < 0.05
    assert gateway.own("readyz").status == 200  # customers are served
    assert readyz(gateway)["redis"] == "away"
    lines = len(gateway.log.read_text().splitlines())
    began = time.monotonic()
    while time.monotonic() - began < 2:
        times(gateway, wire, 20)
    assert len(gateway.log.read_text().splitlines()) - lines <= 6
    assert "Traceback" not in gateway.log.read_text()


def test_case_60_a_paused_redis_costs_no_time_and_comes_back(another, upstream, wire, private_valkey):
    private_valkey.start()
    gateway = another(REDIS_URL=private_valkey.url)
    wire.eventually(lambda: readyz(gateway)["redis"] == "connected", "a connected Redis")
    private_valkey.pause()
    try:
        assert statistics.median(times(gateway, wire)) < 0.05
    finally:
        private_valkey.resume()
    wire.eventually(lambda: readyz(gateway)["redis"] == "connected", "a connected Redis")
    private_valkey.kill()
    wire.eventually(lambda: readyz(gateway)["redis"] == "away", "a missed Redis")
    assert statistics.median(times(gateway, wire)) < 0.05
    private_valkey.start()
    wire.eventually(lambda: readyz(gateway)["redis"] == "connected", "a connected Redis")


def test_case_60_and_62_an_absent_extractor_costs_copies_which_are_counted(another, sink, upstream, wire):
    gateway = another(STILLWATCH_CHANNEL_BYTES=str(MIB), STILLWATCH_COPY_BYTES="65536")
    body = b"x" * 60_000
    with gateway.client() as client:
        for _ in range(60):
            assert client.ask(wire.request("POST", b"/away", body)).status == 200
    assert readyz(gateway)["extractor"] == "away"
    dropped = gateway.counters()["handoff_dropped"]
    assert dropped > 0
    copies = sink(gateway)
    assert gateway.ask(wire.request("POST", b"/back", b"{}")).status == 200
    copies.of(b"/back")
    assert len(copies.copies) + gateway.counters()["handoff_dropped"] == 61  # every one here or counted


def test_case_65_aborts_and_errors_leave_no_memory_behind(gateway, copies, upstream, wire):
    chance = random.Random(65)

    def script(link, asked):
        link.body(asked)
        if asked.target == b"/stream":
            link.send(wire.chunked_head(), *[wire.chunk(b"data: x\n\n")] * 4)
            if chance.random() < 0.3:
                link.abandoned(0.2)
                link.close()
                return
            link.send(wire.end)
        else:
            link.send(wire.plain())

    upstream.script = script

    def batch(count):
        for number in range(count):
            with gateway.client() as client:
                client.send(wire.request("POST", b"/stream" if number % 5 == 0 else b"/plain", b"{}" * 50))
                if number % 5 == 0:
                    client.until(b"data: x\n\n")
                    client.reset()
                else:
                    assert client.answer().status == 200

    began = gateway.counters()
    batch(300)
    before = gateway.settled(began["requests"] + 300)
    size = gateway.rss()
    batch(500)
    after = gateway.settled(before["requests"] + 500)
    assert gateway.rss() - size < 3 * MIB
    assert after["in_flight"] == 0
    wire.eventually(lambda: len(copies.copies) == 800, "one copy for each request")
    wire.eventually(lambda: gateway.sockets(8, gateway.port) == 0, "no CLOSE_WAIT")


def test_case_66_no_metric_has_a_client_for_a_label(gateway, upstream, wire):
    def names():
        lines = gateway.own("metrics").body.decode().splitlines()
        return {line.rpartition(" ")[0] for line in lines if not line.startswith("#")}

    gateway.ask(wire.request(body=b"{}"))
    before = names()
    for number in range(50):
        gateway.ask(wire.request("POST", b"/v1/%d" % number, b"{}", b"Authorization: Bearer key-%d" % number))
    assert names() == before
    assert any("requests" in name for name in before)


def test_case_67_three_hundred_streams_at_once(gateway, upstream, wire):
    release = threading.Event()

    def script(link, asked):
        link.body(asked)
        link.send(wire.chunked_head(), wire.chunk(b"data: 1\n\n"))
        release.wait(60)
        link.send(wire.chunk(b"data: 2\n\n"), wire.end)

    upstream.script = script
    clients = [gateway.client() for _ in range(300)]
    for client in clients:
        client.send(wire.request(body=b"{}"))
    for client in clients:
        client.until(b"data: 1\n\n")
    assert gateway.own("livez").status == 200
    assert gateway.counters()["in_flight"] == 300
    release.set()
    for client in clients:
        client.until(b"data: 2\n\n\r\n0\r\n\r\n")
        client.sock.close()
    wire.eventually(gateway.idle, "an idle gateway")


def test_case_67_few_file_descriptors_are_told_at_the_start_and_survived(another, upstream, wire):
    gateway = another(limit=96)
    assert "open files" in gateway.log.read_text()
    clients = [gateway.client() for _ in range(150)]
    time.sleep(0.3)
    for client in clients:
        client.sock.close()
    wire.eventually(lambda: answers(gateway, wire), "an answer after the storm")


def answers(gateway, wire):
    try:
        with gateway.client(timeout=1) as client:
            return client.ask(wire.request(body=b"{}")).status == 200
    except (OSError, EOFError):
        return False
