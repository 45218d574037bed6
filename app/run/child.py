"""One child process: started in a group of its own, restarted when it dies, never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.run.logs import Output

FIRST_DELAY, LONGEST_DELAY = 0.5, 15.0  # seconds before a restart; doubles while it keeps dying
HEALTHY_SECONDS = 30.0  # a child that lived this long starts again without delay growth
SETTING_ERROR = 2  # exit code: as it is set up, it cannot run
CHUNK = 1 << 16

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Spec:
    """What to start: `argv` with `env`; `fds` stay open in the child; `stop_seconds` before it is killed."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    stop_seconds: float = 5.0
    fds: tuple[int, ...] = ()
    cwd: str | None = None


@dataclass(slots=True)
class Child:
    """Keeps one process of `spec` alive until stop(); `say` gets one line a death."""

    spec: Spec
    output: Output
    say: Callable[[str], None]
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    starting: bool = True  # while the run starts, SETTING_ERROR is final; later nothing is
    fatal: asyncio.Event = field(default_factory=asyncio.Event)  # it ended with SETTING_ERROR while starting
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and the task that keeps it."""
        await self._spawn()
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")

    async def _spawn(self) -> None:
        parent = os.getpid()
        self.process = await asyncio.create_subprocess_exec(
            *self.spec.argv,
            env=dict(self.spec.env),
            cwd=self.spec.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops the others in order
            pass_fds=self.spec.fds,
            preexec_fn=lambda: die_with(parent),
        )
        self.starts += 1
        self.output.begin()

    async def _keep(self) -> None:
        delay = FIRST_DELAY
        while True:
            started = time.monotonic()
            code = await self._outlive()
            if self._stopping.is_set():
                return
            if code == SETTING_ERROR and self.starting:
                self.fatal.set()
                return
            delay = FIRST_DELAY if time.monotonic() - started > HEALTHY_SECONDS else delay
            self.say(f"ended ({self._death(code)}), starts again in {delay:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
            if self._stopping.is_set():
                return
            delay = min(LONGEST_DELAY, delay * 2)
            await self._respawn()

    def _death(self, code: int) -> str:
        """How it ended; what it said before explains its own end alone, not that somebody killed it."""
        return f"{_ending(code)}: {self.output.obituary(former=False)}" if code >= 0 else _ending(code)

    async def _respawn(self) -> None:
        try:
            await self._spawn()
        except OSError as error:  # out of processes or memory: the next round tries again
            self.process = None
            self.say(f"cannot start: {error}")

    async def _outlive(self) -> int:
        """Read the output to its end, wait for the process, clear its group away; the exit code."""
        if self.process is None or self.process.stdout is None:
            return 1
        while data := await self.process.stdout.read(CHUNK):
            self.output.feed(data, time.monotonic())
        code = await self.process.wait()
        _signal_group(self.process.pid, signal.SIGKILL)
        return code

    async def stop(self, *, at_once: bool = False) -> None:
        """Ask the process to end, kill its group at the limit, and wait for both."""
        self._stopping.set()
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL if at_once else signal.SIGTERM)
        if self._keeper is not None:
            done, _ = await asyncio.wait([self._keeper], timeout=self.spec.stop_seconds)
            if not done:
                self.kill()
                await asyncio.wait([self._keeper], timeout=5)
        self.output.log.close()

    def kill(self) -> None:
        """Kill the process and its group now."""
        self._stopping.set()
        if self.process is not None and self.process.returncode is None:
            _signal_group(self.process.pid, signal.SIGKILL)


def die_with(parent: int) -> None:
    """In the child, before it becomes the program: the kernel kills it when the supervisor dies, however it dies."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:  # real-time signals have no names
        return f"signal {-code}"
