"""The sample model API as a process of its own."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time

import pytest


def _until_it_answers(process, port, path):
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            assert connection.getresponse().status == 200
            return
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)


@pytest.fixture(scope="module")
def sample_api():
    """Its base URL; served on a socket that the test opened, as the supervisor does it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.set_inheritable(listener.fileno(), True)
        command = [sys.executable, "-m", "app.cli", "sample-api", "--fd", str(listener.fileno())]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
        port = listener.getsockname()[1]
    _until_it_answers(process, port, "/healthz")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    assert process.wait(60) == 0


@pytest.fixture(scope="module")
def fronted(sample_api, tmp_path_factory):
    """The base URL of a gateway in front of it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mine = {
        "UPSTREAM": sample_api,
        "STILLWATCH_GATEWAY_PORT": str(port),
        "STILLWATCH_DATA": str(tmp_path_factory.mktemp("gateway")),
        "STILLWATCH_SECRET": "a secret of thirty-two characters or more",
        "STILLWATCH_DRAIN_SECONDS": "0",
    }
    process = subprocess.Popen([sys.executable, "-m", "app.cli", "gateway"], env={**os.environ, **mine})
    _until_it_answers(process, port, "/_stillwatch/livez")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    assert process.wait(60) == 0


@pytest.fixture
def collect():
    """A function that runs the script of one lane: `count` calls, each answered with the same made-up reply."""
    from app.sample.persona import Reply
    from app.sample.traffic import lane_seed

    def run(persona, count, seed=7, lane=0, reply=None):
        script = persona.script(lane_seed(seed, persona, lane), lane)
        calls = [next(script)]
        while len(calls) < count:
            calls.append(script.send(reply or Reply("A made-up answer.")))
        script.close()
        return calls

    return run


@pytest.fixture
def named():
    """A function that finds a persona by its name."""
    from app.sample.traffic import PERSONAS

    return lambda name: next(persona for persona in PERSONAS if persona.name == name)
