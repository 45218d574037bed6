"""What the supervisor's tests share: a look into the process table, and waiting with a deadline."""

import contextlib
import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest


def _processes(mark):
    """Process ids whose environment holds `mark`, zombies left out."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and mark.encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
    return found


@pytest.fixture
def processes():
    """A function that lists the living processes whose environment holds a mark."""
    return _processes


@pytest.fixture
def wait_for():
    """A function that polls until something is true."""

    def wait(check, seconds=120.0, what="it"):
        deadline = time.monotonic() + seconds
        while True:
            found = check()
            if found:
                return found
            assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
            time.sleep(0.05)

    return wait


class Run:
    """One `stillwatch run` of a test: its ports, its folder, what it printed."""

    def __init__(self, folder, ports, env):
        self.mark = f"SW_TEST_MARK={uuid.uuid4().hex}"
        self.gateway, self.console = ports
        self.folder, self.token = folder, "sw_test_admin_token"
        self.output = folder.with_name(f"{folder.name}-{self.mark[-6:]}.txt")
        values = {
            "STILLWATCH_GATEWAY_PORT": str(self.gateway),
            "STILLWATCH_CONSOLE_PORT": str(self.console),
            "STILLWATCH_DATA": str(folder),
            "STILLWATCH_ADMIN_TOKEN": self.token,
            "STILLWATCH_DRAIN_SECONDS": "5",
            "SW_TEST_MARK": self.mark.partition("=")[2],
        }
        command = [sys.executable, "-P", "-m", "app.cli", "run"]
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                command, env={**os.environ, **values, **env}, stdout=file, stderr=file, cwd=folder.parent
            )

    def said(self):
        return self.output.read_text("utf-8", "replace")

    def get(self, path, port=None):
        """Status and decoded JSON of a GET on the console, or on `port`."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.console, timeout=30)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                return 0, None
        try:
            return answer.status, json.loads(body)
        except ValueError:
            return answer.status, None

    def ready(self):
        assert self.process.poll() is None, self.said()
        return "Ctrl-C stops everything" in self.said()

    def children(self):
        """Process ids by role."""
        found = {}
        for pid, line in _processes(self.mark).items():
            words = line.split()
            if "app.cli" in words and words[words.index("app.cli") + 1] != "run":
                found[words[words.index("app.cli") + 1]] = pid
            elif words and words[0].endswith("valkey-server"):
                found["valkey"] = pid
        return found

    def interrupt(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def launch(tmp_path, free_port):
    """A function that starts `stillwatch run` on ports of its own; whatever is left of it is killed at the end."""
    runs = []

    def start(name="data", ports=None, **env):
        runs.append(Run(tmp_path / name, ports or (free_port(), free_port()), env))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()
        for pid in _processes(run.mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def quiet_upstream():
    """A model API of the test's own, so that no sample traffic plays."""

    ended = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/hang":
                ended.wait(120)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    ended.set()
    server.shutdown()
    thread.join()
    server.server_close()
