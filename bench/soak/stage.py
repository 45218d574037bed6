"""The product's processes, started by their commands on ports and in a folder of their own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.store.db import migrate

ROOT = Path(__file__).parents[2]
TOKEN = "soak-admin-token-0123456789"
SECRET = "a-secret-of-the-soak-and-system-tests-0123456789"
PARTITIONS = 4
READY_SECONDS = 180.0  # on a machine that does much else
STOP_SECONDS = 60.0
ROLES = ("extractor", "gateway", "worker", "console")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], object], what: str, seconds: float = READY_SECONDS) -> float:
    """Poll until `holds()` is true; the seconds it took. Raises TimeoutError."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)
    return time.monotonic() - started


class Stage:
    """One instance of the product over a Redis and a database; `env` overrides settings."""

    def __init__(
        self, folder: Path, upstream: str, redis_url: str, database_url: str = "", env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.gateway, self.console = free_port(), free_port()
        self.database_url = database_url or f"sqlite+aiosqlite:///{folder / 'stillwatch.db'}"
        self.env = {
            "UPSTREAM": upstream,
            "REDIS_URL": redis_url,
            "DATABASE_URL": self.database_url,
            "STILLWATCH_DATA": str(folder),
            "STILLWATCH_SECRET": SECRET,
            "STILLWATCH_ADMIN_TOKEN": TOKEN,
            "STILLWATCH_GATEWAY_PORT": str(self.gateway),
            "STILLWATCH_CONSOLE_PORT": str(self.console),
            "STILLWATCH_PARTITIONS": str(PARTITIONS),
            "STILLWATCH_DRAIN_SECONDS": "5",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
            **(env or {}),
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *roles: str) -> None:
        """Bring the database up to date, start the processes and wait until each lives."""
        migrate(self.database_url)
        for role in roles or ROLES:
            self.launch(role)
        for role in roles or ROLES:
            self.await_life(role)

    def launch(self, role: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start one process without waiting for it; its output goes to its log."""
        command = [*prefix, sys.executable, "-P", "-m", "app.cli", role]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("STILLWATCH_")}
        with self.log(role).open("ab") as log:
            process = subprocess.Popen(
                command, env={**inherited, **self.env}, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT
            )
        self.processes[role] = process
        return process

    def log(self, role: str) -> Path:
        """The file with everything that a role has said."""
        return self.folder / f"{role}.log"

    def await_life(self, role: str) -> None:
        """Wait until a process does its work; raises TimeoutError with its last words."""
        checks: dict[str, Callable[[], object]] = {
            "gateway": lambda: self.get(self.gateway, "/_stillwatch/livez")[0] == 200,
            "console": lambda: self.get(self.console, "/livez")[0] == 200,
            "extractor": (self.folder / "handoff.sock").exists,
            "worker": lambda: b"stopping" in self.log(role).read_bytes() or self.beats("worker"),
            "linker": lambda: self.beats("linker"),
        }
        with contextlib.suppress(TimeoutError):
            until(lambda: self.processes[role].poll() is not None or checks[role](), role)
            if self.processes[role].poll() is None:
                return
        raise TimeoutError(f"{role} does not live: {self.log(role).read_text('utf-8', 'replace')[-2000:]}")

    def beats(self, role: str) -> bool:
        """Whether a process of the role has a heartbeat; true where no console could tell."""
        if "console" not in self.processes:
            return True
        return any(one["role"] == role for one in self.status().get("processes", ()))

    def get(self, port: int, path: str, accept: str = "*/*") -> tuple[int, bytes]:
        """Status and body of a GET with the admin token; 0 where there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path, headers={"authorization": f"Bearer {TOKEN}", "accept": accept})
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                return 0, b""

    def status(self) -> dict[str, Any]:
        """What `GET /api/v1/status` says; empty where it does not answer."""
        status, body = self.get(self.console, "/api/v1/status")
        found: dict[str, Any] = json.loads(body) if status == 200 else {}
        return found

    def counters(self) -> dict[str, float]:
        """The gateway's own counters, at this moment."""
        status, body = self.get(self.gateway, "/_stillwatch/status")
        found: dict[str, float] = json.loads(body)["counters"] if status == 200 else {}
        return found

    def stop(self, role: str, number: int = signal.SIGTERM, seconds: float = STOP_SECONDS) -> int:
        """Signal one process and wait for its end; its exit code."""
        process = self.processes.pop(role)
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def close(self) -> None:
        """Stop everything, the gateway first."""
        for role in ("gateway", "extractor", "worker", "linker", "console"):
            if role in self.processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.stop(role)
