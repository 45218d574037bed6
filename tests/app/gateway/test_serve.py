"""The gateway as a process: its listener, its stop."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from app.errors import SettingError
from app.gateway.serve import _listen

PROGRAM = "import os, sys; from app.settings import read_settings; from app.gateway.serve import main; "
PROGRAM += "sys.exit(main(read_settings(os.environ)))"


@pytest.fixture
def process(model_api, tmp_path, free_port, kit):
    """Starts gateway processes."""
    started = []

    def start(**settings):
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "UPSTREAM": f"http://127.0.0.1:{model_api.port}",
            "STILLWATCH_GATEWAY_PORT": str(port),
            "STILLWATCH_DATA": str(tmp_path),
            "STILLWATCH_SECRET": kit.SECRET,
            **settings,
        }
        running = subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stderr=subprocess.PIPE)
        started.append(running)

        def up():
            with contextlib.suppress(OSError):
                return kit.Client(port)
            return None

        kit.until(up, "the listener").close()
        return running, port

    yield start
    for running in started:
        if running.poll() is None:
            running.kill()
        running.communicate()


def test_case_09_a_stop_fails_readiness_ends_streams_in_time_and_flushes(model_api, process, kit, tmp_path):
    def behave(seen, wire):
        seen.read_body(wire)
        if seen.target == b"/stream":
            wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + kit.chunk(b"data: 1\n\n"))
            wire.gone_within(20)
        elif seen.target == b"/short":
            wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nfirs")
            time.sleep(0.6)
            wire.send(b"t+la")
        else:
            kit.echo(seen, wire)

    model_api.behaviour = behave
    sink = kit.Sink(tmp_path / "handoff.sock")
    running, port = process(STILLWATCH_DRAIN_SECONDS="3")
    with kit.Client(port) as client, kit.Client(port) as short, kit.Client(port) as observer:
        client.request("/stream", b"{}")
        assert client.response().read1(100) == b"data: 1\n\n"
        short.request("/short", b"{}")
        found = short.response()
        assert observer.ask("/_stillwatch/readyz")[0] == 200
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        kit.until(lambda: observer.ask("/_stillwatch/readyz")[0] == 503, "readiness failing")
        assert found.read() == b"first+la"  # an answer that ends within the limit is whole
        assert client.rest().endswith(b"\r\n0\r\n\r\n") is False
        assert running.wait(60) == 0
        assert time.monotonic() - began < 15
    with pytest.raises(ConnectionRefusedError):
        kit.Client(port)
    assert (sink.copy(b"/short").outcome, sink.copy(b"/stream").outcome) == (0, 4)
    sink.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_gateway_stops_at_once_with_exit_code_0(process, kit, number):
    running, port = process()
    with kit.Client(port) as client:
        assert client.ask("/x", b"x") == (200, b"x")
        running.send_signal(number)
        assert running.wait(60) == 0
        assert b"Traceback" not in running.stderr.read()


def test_case_56_no_log_line_carries_a_query_or_a_credential(model_api, process, kit):
    running, port = process(STILLWATCH_LOG_LEVEL="debug")
    with kit.Client(port) as client:
        client.ask("/v1/x?key=canary-query", b"canary-body", "Authorization: Bearer canary-header")
        client.send(b"GET / canary-line\r\n\r\n")
        client.rest()
    running.send_signal(signal.SIGTERM)
    log = running.communicate(timeout=60)[1].decode()
    assert "path=/v1/x" in log
    assert "canary" not in log


def test_a_port_in_use_is_a_setting_error():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingError, match="GATEWAY_PORT"):
        _listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.1", "nosuch.invalid", "a..b"])
def test_a_host_that_is_not_ours_is_named_by_its_own_setting(host, free_port):
    with pytest.raises(SettingError, match="Remedy: give an address of this machine") as caught:
        _listen(host, free_port())
    assert caught.value.setting == "STILLWATCH_GATEWAY_HOST"


def test_few_descriptors_are_warned_of(model_api, tmp_path, free_port, kit):
    command = f"ulimit -n 512; exec {sys.executable} -c '{PROGRAM}'"
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "UPSTREAM": "http://127.0.0.1:9",
        "STILLWATCH_GATEWAY_PORT": str(port),
        "STILLWATCH_DATA": str(tmp_path),
        "STILLWATCH_MODE": "bypass",
    }
    running = subprocess.Popen(["bash", "-c", command], env=environment, stderr=subprocess.PIPE)

    def status():
        with contextlib.suppress(OSError), kit.Client(port) as client:
            return json.loads(client.ask("/_stillwatch/status")[1])
        return None

    assert kit.until(status, "the listener")["mode"] == "bypass"
    running.send_signal(signal.SIGTERM)
    assert b"512 open files" in running.communicate(timeout=60)[1]
    assert running.returncode == 0
