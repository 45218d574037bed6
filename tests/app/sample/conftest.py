"""The sample model API as a process of its own."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time

import pytest


@pytest.fixture(scope="module")
def sample_api():
    """Its base URL; served on a socket that the test opened, as the supervisor does it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.set_inheritable(listener.fileno(), True)
        command = [sys.executable, "-m", "app.cli", "sample-api", "--fd", str(listener.fileno())]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
        port = listener.getsockname()[1]
    deadline = time.monotonic() + 20
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/healthz")
            assert connection.getresponse().status == 200
            break
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
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
