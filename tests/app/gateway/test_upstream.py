"""The pool: connecting, verification, the path prefix, what is kept and for how long."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest

from app.gateway import upstream
from app.gateway.connection import Connection
from app.gateway.upstream import ConnectFailed, Pool


def test_a_path_prefix_goes_before_every_target(model_api, make_gateway):
    gateway = make_gateway(UPSTREAM=f"http://127.0.0.1:{model_api.port}/base/v2/", STILLWATCH_MODE="bypass")
    with gateway.client() as client:
        assert client.ask("/v1/models?x=%2F", b"x") == (200, b"x")
    assert model_api.last().target == b"/base/v2/v1/models?x=%2F"
    assert model_api.last().values("host") == [f"127.0.0.1:{model_api.port}".encode()]


def test_refused_connections_are_502_with_a_remedy(make_gateway, free_port):
    gateway = make_gateway(UPSTREAM=f"http://127.0.0.1:{free_port()}", STILLWATCH_MODE="bypass")
    with gateway.client() as client:
        for _ in range(2):
            status, body = client.ask("/", b"x")
            error = json.loads(body)["error"]
            assert (status, error["code"]) == (502, "upstream_unreachable")
            assert "UPSTREAM" in error["message"]
    assert gateway.counters()["upstream_failed"] == 2


def test_a_name_that_does_not_resolve_is_502(make_gateway):
    gateway = make_gateway(UPSTREAM="http://nowhere.invalid", STILLWATCH_MODE="bypass")
    with gateway.client() as client:
        assert client.ask("/", b"x")[0] == 502


def test_connections_that_are_not_accepted_in_time_are_504(make_gateway):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = []
        for _ in range(8):  # the backlog is full: further connections hang
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        gateway = make_gateway(
            UPSTREAM="http://{}:{}".format(*full.getsockname()),
            STILLWATCH_MODE="bypass",
            STILLWATCH_CONNECT_SECONDS="0.3",
        )
        with gateway.client() as client:
            status, body = client.ask("/", b"x")
        assert (status, json.loads(body)["error"]["code"]) == (504, "upstream_connect_timeout")
        for filler in fillers:
            filler.close()


def test_a_client_that_leaves_while_we_connect_ends_the_attempt(make_gateway, kit):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        gateway = make_gateway(UPSTREAM="http://{}:{}".format(*full.getsockname()), STILLWATCH_MODE="bypass")
        with gateway.client() as client:
            client.request("/", b"x")
            kit.until(lambda: gateway.counters()["in_flight"] == 1)
        kit.until(lambda: gateway.counters()["in_flight"] == 0)
        assert gateway.counters()["requests_client_aborted"] == 1
        for filler in fillers:
            filler.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    extra = ["-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run([*command.split(), *extra], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def tls_api(certificate):
    """An HTTPS server that echoes and counts its connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    listener = socket.create_server(("localhost", 0))
    names: list[object] = []
    context.sni_callback = lambda sock, name, ctx: names.append(name)

    def serve():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(plain,), daemon=True).start()

    def talk(plain):
        try:
            with context.wrap_socket(plain, server_side=True) as sock:
                data = b""
                while piece := sock.recv(65536):
                    data += piece
                    head, _, body = data.partition(b"\r\n\r\n")
                    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                    if len(body) == length:
                        sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (length, body))
                        data = b""
        except OSError:
            plain.close()

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1], names
    listener.close()


def test_https_is_verified_by_name_pooled_and_carries_big_bodies(make_gateway, certificate, tls_api, monkeypatch):
    port, names = tls_api
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    gateway = make_gateway(UPSTREAM=f"https://localhost:{port}", STILLWATCH_MODE="bypass")
    with gateway.client() as client:
        for size in (1, 1000, 3_000_000, 5):
            assert client.ask("/tls", b"s" * size) == (200, b"s" * size)
    assert names == ["localhost"]
    assert gateway.counters()["upstream_opened"] == 1


def test_https_without_a_trusted_certificate_is_502(make_gateway, tls_api):
    gateway = make_gateway(UPSTREAM=f"https://localhost:{tls_api[0]}", STILLWATCH_MODE="bypass")
    with gateway.client() as client:
        status, body = client.ask("/tls", b"secret")
    assert status == 502
    assert "certificate" in json.loads(body)["error"]["message"]


def test_https_with_another_servers_certificate_is_502(make_gateway, certificate, tls_api, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    gateway = make_gateway(UPSTREAM=f"https://127.0.0.1:{tls_api[0]}", STILLWATCH_MODE="bypass")
    with gateway.client() as client:
        assert client.ask("/tls", b"secret")[0] == 502


async def test_case_08_idle_connections_are_reaped_before_a_model_api_would(monkeypatch):
    closed = asyncio.Event()

    async def accept(reader, writer):
        await reader.read()
        closed.set()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    monkeypatch.setattr(upstream, "POOL_IDLE_SECONDS", 0.1)
    monkeypatch.setattr(upstream, "TICK_SECONDS", 0.05)
    pool = Pool(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", 5, 900)
    pool.start()
    connection = await pool.connect(Connection)
    pool.put(connection)
    assert pool.idle == 1
    began = time.monotonic()
    await asyncio.wait_for(closed.wait(), 5)
    assert time.monotonic() - began >= 0.09
    assert (pool.idle, pool.get()) == (0, None)
    pool.close()
    server.close()
    await server.wait_closed()


async def test_the_latest_used_connection_is_taken_first():
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    pool = Pool(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", 5, 900)
    first, second = await pool.connect(Connection), await pool.connect(Connection)
    pool.put(first)
    pool.put(second)
    assert pool.get() is second
    first.spoiled = True
    assert pool.get() is None
    pool.close()
    server.close()
    await server.wait_closed()


async def test_connect_fails_with_a_reason(free_port):
    pool = Pool(f"http://127.0.0.1:{free_port()}", 5, 900)
    with pytest.raises(ConnectFailed, match="refuses") as raised:
        await pool.connect(Connection)
    assert not raised.value.timed_out
