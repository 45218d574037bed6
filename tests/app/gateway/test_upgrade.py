"""WebSockets through the gateway, with an independent library at both ends: case 48 of the field's failures."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import serve

SUBPROTOCOLS = ["realtime", "openai-insecure-api-key.sk-canary"]


@contextmanager
def model_server(handler, **options):
    """A WebSocket server in a thread; gives its port."""
    server = serve(handler, "127.0.0.1", 0, **options)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()
        thread.join()


def echo(connection):
    for message in connection:
        connection.send(message)


@contextmanager
def through(gateway, path="/v1/realtime?model=m", **options):
    with connect(f"ws://127.0.0.1:{gateway.port}{path}", open_timeout=60, proxy=None, **options) as client:
        yield client


@pytest.fixture
def relayed(make_gateway):
    """A gateway in front of a WebSocket server with this handler."""
    stack = []

    def start(handler=echo, options=None, **settings):
        context = model_server(handler, **(options or {}))
        port = context.__enter__()
        gateway = make_gateway(UPSTREAM=f"http://127.0.0.1:{port}", **settings)
        stack.append((context, gateway))
        return gateway

    yield start
    for context, gateway in stack:
        gateway.stop()
        context.__exit__(None, None, None)


def test_case_48_messages_of_every_kind_and_size_pass_both_ways(relayed):
    gateway = relayed()
    with through(gateway) as client:
        for message in ("text", b"\x00\xff", "ü" * 10, b"x" * 300_000, "", "y" * 900_000):
            client.send(message)
            assert client.recv() == message
        assert client.ping().wait(60)


def test_case_48_headers_subprotocol_and_extensions_pass_both_ways(relayed):
    asked = []

    def add(connection, request, response):
        asked.append(request.headers)
        response.headers["X-Request-Id"] = "req_1"
        response.headers["Set-Cookie"] = "a=1"
        return response

    gateway = relayed(options={"subprotocols": ["realtime"], "process_response": add})
    headers = {"OpenAI-Beta": "realtime=v1", "X-Odd": "1"}
    with through(gateway, subprotocols=SUBPROTOCOLS, additional_headers=headers) as client:
        assert client.subprotocol == "realtime"
        assert [extension.name for extension in client.protocol.extensions] == ["permessage-deflate"]
        assert client.response.headers["X-Request-Id"] == "req_1"
        assert client.response.headers["Set-Cookie"] == "a=1"
        client.send("z" * 10_000)
        assert client.recv() == "z" * 10_000
    assert asked[0]["OpenAI-Beta"] == "realtime=v1"
    assert asked[0]["X-Odd"] == "1"
    assert "openai-insecure-api-key.sk-canary" in asked[0]["Sec-WebSocket-Protocol"]


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (4001, "session expired"), (1011, "model overloaded")])
def test_case_48_a_close_by_the_model_api_reaches_the_client_with_code_and_reason(relayed, code, reason):
    gateway = relayed(lambda connection: connection.close(code, reason))
    with through(gateway) as client, pytest.raises(ConnectionClosed) as caught:
        client.recv(timeout=60)
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (code, reason)


def test_case_48_a_close_by_the_client_reaches_the_model_api_with_code_and_reason(relayed):
    seen, done = [], threading.Event()

    def handler(connection):
        try:
            connection.recv(timeout=60)
        except ConnectionClosed as closed:
            seen.append((closed.rcvd.code, closed.rcvd.reason))
        done.set()

    with through(relayed(handler)) as client:
        client.close(4002, "enough")
    assert done.wait(60)
    assert seen == [(4002, "enough")]


def test_case_48_a_refused_session_is_the_model_apis_own_refusal(relayed):
    def refuse(connection, request):
        response = connection.respond(401, '{"error": "no such key"}\n')
        response.headers["X-Request-Id"] = "req_2"
        return response

    gateway = relayed(options={"process_request": refuse})
    with pytest.raises(InvalidStatus) as caught, through(gateway):
        pass
    assert caught.value.response.status_code == 401
    assert caught.value.response.headers["X-Request-Id"] == "req_2"
    assert caught.value.response.body == b'{"error": "no such key"}\n'
    assert gateway.counters()["requests_ok"] == 1


def test_a_session_is_one_exchange_with_its_bytes_and_without_its_key(relayed, kit):
    gateway = relayed(options={"subprotocols": ["realtime"]})
    sink = kit.Sink(gateway.settings.handoff)
    with through(gateway, path="/v1/realtime?model=m&api-key=sk-query", subprotocols=SUBPROTOCOLS) as client:
        kit.until(lambda: gateway.counters()["in_flight"] == 1)
        client.send("x" * 1000)
        client.recv()
    copy = sink.copy(b"/v1/realtime")
    assert (copy.status, copy.outcome, copy.method) == (101, 0, "GET")
    assert copy.target == b"/v1/realtime?model=m&api-key="
    assert copy.request_bytes > 0
    assert copy.response_bytes > 0
    assert (copy.request_body, copy.response_body) == (b"", b"")
    assert b"sk-canary" not in repr(copy).encode()
    assert gateway.counters()["in_flight"] == 0
    assert gateway.counters()["requests"] == 1
    gateway.stop()
    sink.stop()


def test_a_browsers_key_names_the_same_client_as_the_header(relayed, kit):
    gateway = relayed(options={"subprotocols": ["realtime"]})
    sink = kit.Sink(gateway.settings.handoff)
    with through(gateway, path="/browser", subprotocols=SUBPROTOCOLS):
        pass
    header = {"Authorization": "Bearer sk-canary"}
    with through(gateway, path="/server", subprotocols=["realtime"], additional_headers=header):
        pass
    assert sink.copy(b"/browser").client == sink.copy(b"/server").client
    gateway.stop()
    sink.stop()


def test_over_https_to_the_model_api(make_gateway, tmp_path):
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with model_server(echo, ssl=context) as port:
        routes = tmp_path / "routes.toml"
        routes.write_text(f'[[route]]\nprefix = "/"\nupstream = "https://localhost:{port}"\ntls.ca_file = "cert.pem"\n')
        gateway = make_gateway(STILLWATCH_ROUTES=str(routes), UPSTREAM="", STILLWATCH_MODE="bypass")
        with through(gateway) as client:
            for message in ("text", b"x" * 300_000):
                client.send(message)
                assert client.recv() == message
            client.close(4003, "done")
        assert client.close_code == 4003
        gateway.stop()


def test_the_rest_of_the_gateway_is_as_before_meanwhile(relayed):
    gateway = relayed()
    with through(gateway) as one, through(gateway) as other:
        with gateway.client() as client:
            assert client.ask("/_stillwatch/livez")[0] == 200
            client.send(b"GET / HTTP/1.1\r\nHost: g\r\nConnection: upgrade\r\nUpgrade: TLS/1.0\r\n\r\n")
            found = client.response()
            assert (found.status, json.loads(found.read())["error"]["code"]) == (501, "upgrade_not_supported")
        for connection in (one, other):
            connection.send("still here")
            assert connection.recv() == "still here"
