"""The processes under test and around them, pinned to cores, and the CPU they use."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LOAD_CORE, TARGET_CORE = 0, 1
PRIORITY = 10  # of real-time scheduling, where asked for
READY_SECONDS = 30.0
SETTLE_SECONDS, LOOK_SECONDS = 10.0, 0.05
QUIET_LOOKS, QUIET_SHARE = 3, 0.1  # looks in a row at which less than this share of a CPU was used


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*"):
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """CPU that a process and its descendants have used, by the scheduler's own count."""
    tasks = [task for member in family(pid) for task in Path(f"/proc/{member}/task").glob("*")]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_mib(pid: int) -> float:
    """Memory that a process and its descendants hold, shared pages counted in part; one that has ended holds none."""
    kib = 0
    for member in family(pid):
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):  # gone, or waited for by nobody yet
            continue
        kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024


@dataclass
class Target:
    """One proxy under test."""

    name: str
    port: int
    pid: int = 0  # 0: there is no proxy
    helpers: dict[str, int] = field(default_factory=dict)  # other processes whose CPU is reported beside it
    load: tuple[str, ...] = ()  # further arguments of the load
    kinds: tuple[str, ...] = ("json", "paced", "stream")
    freezes: bool = False  # whether it is stopped while others are measured: it would work in the background


class Stage:
    """Starts processes on their cores and ends them all."""

    def __init__(self, folder: Path, *, realtime: bool) -> None:
        self.folder = folder
        self.upstream = free_port()
        self.certificate = folder / "model.pem"  # of the model API under TLS
        self.secured = free_port()  # where it is served under TLS
        self._realtime = realtime
        self._started: list[subprocess.Popen[bytes]] = []
        self._reserved: list[socket.socket] = []

    def run(
        self, command: Sequence[str], core: int, settings: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> int:
        """A process pinned to `core`; its output goes to the folder's log."""
        with (self.folder / "processes.log").open("ab") as log:
            merged = {**os.environ, **(settings or {})}
            process = subprocess.Popen(
                command,
                env=merged,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=cwd,
                preexec_fn=self._pin(core),  # noqa: PLW1509
            )
        self._started.append(process)
        return process.pid

    def load(self, target: Target, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """The load generator with the model API, against `target`."""
        upstream = self.secured if "--certificate" in target.load else self.upstream
        command = [sys.executable, "-m", "bench.gateway.load", str(target.port), str(upstream), *arguments]
        command += target.load
        return subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=self._pin(LOAD_CORE))  # noqa: PLW1509

    def measured(self, command: Sequence[str]) -> str:
        """The output of a load of another kind, on the load's core."""
        return subprocess.run(
            command, check=True, capture_output=True, text=True, preexec_fn=self._pin(LOAD_CORE)
        ).stdout

    def _pin(self, core: int) -> Callable[[], None]:
        def pin() -> None:
            os.sched_setaffinity(0, {core})
            if self._realtime:
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))

        return pin

    def ready(self, target: Target, seconds: float = READY_SECONDS) -> Target:
        """The same target once it accepts connections."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", target.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return target
        raise SystemExit(f"{target.name} did not start: see {self.folder}/processes.log")

    def last_words(self) -> str:
        """The end of what the processes wrote."""
        text = (self.folder / "processes.log").read_text("utf-8", errors="replace")
        return "\n".join(text.splitlines()[-40:])

    def dead_port(self) -> int:
        """A port that refuses: bound, so that nobody takes it and no socket can be connected to itself there."""
        held = socket.socket()
        held.bind(("127.0.0.1", 0))
        self._reserved.append(held)
        return int(held.getsockname()[1])

    def stop(self) -> None:
        """End everything that was started."""
        for held in self._reserved:
            held.close()
        for process in reversed(self._started):
            for pid in family(process.pid) if process.poll() is None else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
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


def settle(pids: Sequence[int]) -> None:
    """Wait until these processes have nothing left to do: they would be in the next target's way."""
    deadline = time.monotonic() + SETTLE_SECONDS
    quiet = 0
    before = sum(cpu_seconds(pid) for pid in pids)
    while pids and quiet < QUIET_LOOKS and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        now = sum(cpu_seconds(pid) for pid in pids)
        quiet = quiet + 1 if now - before < LOOK_SECONDS * QUIET_SHARE else 0
        before = now


def died(pid: int) -> bool:
    """Whether a process that was started has ended."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


@contextmanager
def thawed(target: Target) -> Iterator[None]:
    """Let a target that is kept frozen run."""
    _signal(target, signal.SIGCONT)
    try:
        yield
    finally:
        _signal(target, signal.SIGSTOP)


def _signal(target: Target, number: signal.Signals) -> None:
    if target.freezes:
        for pid in family(target.pid):
            os.kill(pid, number)
