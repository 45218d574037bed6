"""The proxy as a plain ASGI application, under uvicorn's own protocol."""

from __future__ import annotations

import threading

import pytest
import uvicorn


@pytest.fixture
def stock(make_gateway, kit):
    """The same application behind uvicorn's httptools server."""
    inner = make_gateway(STILLWATCH_MODE="bypass")
    config = uvicorn.Config(
        inner.app, http="httptools", loop="uvloop", ws="none", interface="asgi3", lifespan="on", log_config=None,
        port=0, server_header=False, date_header=False, access_log=False,
    )  # fmt: skip
    from app.gateway.app import create_gateway_app

    config.app = create_gateway_app(inner.settings)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    kit.until(lambda: server.started)
    yield config.app.state.parts, server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(60)


def test_requests_pass(model_api, stock, kit):
    with kit.Client(stock[1]) as client:
        assert client.ask("/v1/x%2Fy?a=b", b"hello", "X-A: 1") == (200, b"hello")
        assert model_api.last().target == b"/v1/x%2Fy?a=b"
        assert client.ask("/big", b"b" * 3_000_000) == (200, b"b" * 3_000_000)
        assert client.ask("/_stillwatch/livez")[0] == 200
        model_api.behaviour = lambda seen, wire: wire.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            + kit.chunk(b"data: 1\n\n") + b"0\r\n\r\n"
        )  # fmt: skip
        client.request("/stream")
        found = client.response()
        assert (found.getheader("x-accel-buffering"), found.read()) == ("no", b"data: 1\n\n")


def test_case_02_a_client_that_leaves_is_noticed(model_api, stock, kit):
    parts, port = stock
    noticed = []
    arrived = threading.Event()

    def behave(seen, wire):
        seen.read_body(wire)
        arrived.set()
        noticed.append(wire.gone_within(2))

    model_api.behaviour = behave
    with kit.Client(port) as client:
        client.request("/leave", b"x")
        assert arrived.wait(60)
        assert parts.counts.in_flight == 1
    kit.until(lambda: noticed)
    kit.until(lambda: parts.counts.in_flight == 0)


def test_case_11_a_truncated_answer_is_cut(model_api, stock, kit, caplog):
    model_api.behaviour = lambda seen, wire: (
        wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + kit.chunk(b"data: 1\n\n")),
        wire.close(),
    )
    with kit.Client(stock[1]) as client:
        client.request("/cut")
        assert not client.rest().endswith(b"0\r\n\r\n")
