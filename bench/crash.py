"""Kill workers at random points under traffic, then count: `python -m bench.crash --kills 200`."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import redis
from numpy.typing import NDArray

from app.store.db import migrate
from app.store.packed import unpack
from app.store.stream import keys, lag_command, partition_of, publish_command
from bench.score import traffic, valkey
from detectors.event import EVENT, pack
from detectors.registry import load

ROOT = Path(__file__).parents[1]
CLIENTS = 700
PARTITIONS = 8
LEASE_SECONDS = 1.0  # short, so that many take-overs fit into a run
FULL_BLOCKS = 400  # beyond it the publisher waits
PATIENCE_SECONDS = 60.0
ALIVE_MARK = b"Z"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a storm did and what was counted after it."""

    kills: int
    pauses: int
    published: int
    counted: int
    wrong_clients: int
    tokens: int  # fencing tokens given out, over all partitions
    aside: int  # events in blocks that were moved aside, because they seemed to kill their workers
    seconds: float

    @property
    def exact(self) -> bool:
        """Whether every event was counted once, for its own client."""
        return self.wrong_clients == 0 and self.published == self.counted


class Crew:
    """Worker processes that are started, killed and paused."""

    def __init__(self, env: dict[str, str], log: Path, lease_seconds: float = LEASE_SECONDS) -> None:
        self.pids: set[int] = set()
        self._log = log.open("ab")
        command = [sys.executable, "-m", "bench.score.zygote", str(lease_seconds)]
        self._zygote = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **env, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

    def hire(self) -> int:
        """Start a worker; its process id."""
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write(b"\n")
        self._zygote.stdin.flush()
        pid = int(self._zygote.stdout.readline())
        self.pids.add(pid)
        return pid

    def kill(self, pid: int) -> None:
        """End a worker at once, wherever it is."""
        os.kill(pid, signal.SIGKILL)
        self.pids.discard(pid)

    def close(self) -> None:
        """Stop every worker cleanly and wait for it."""
        for pid in self.pids:
            os.kill(pid, signal.SIGTERM)
        for pid in self.pids:
            until(lambda pid=pid: not alive(pid))  # type: ignore[misc]
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.close()
        self._zygote.wait(PATIENCE_SECONDS)
        self._zygote.stdout.close()
        self._log.close()


class Publisher(threading.Thread):
    """Publishes small blocks without a pause and remembers how many events each client sent."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.sent: NDArray[np.int64] = np.zeros(CLIENTS, np.int64)
        self.error: Exception | None = None
        self._rng = np.random.default_rng(seed)
        self._ending = threading.Event()
        self._client = redis.Redis.from_url(url, socket_timeout=10)

    def run(self) -> None:
        """Publish until `finish`."""
        try:
            with self._client:
                while not self._ending.wait(0.005):
                    self._publish()
        except Exception as error:  # noqa: BLE001 - a thread's edge: told by `finish`
            self.error = error

    def finish(self) -> None:
        """End, and raise what went wrong."""
        self._ending.set()
        self.join(PATIENCE_SECONDS)
        if self.error is not None:
            raise self.error

    def _publish(self) -> None:
        if backlog(self._client) > FULL_BLOCKS:
            return
        ids = self._rng.integers(0, CLIENTS, int(self._rng.integers(1, 200))).astype(np.uint64)
        events = traffic.draw(ids, np.full(len(ids), time.time()), self._rng)
        placed = partition_of(ids, PARTITIONS)
        for partition in np.unique(placed):
            block = events[placed == partition]
            self._client.execute_command(  # type: ignore[no-untyped-call]
                *publish_command(int(partition), pack(block), len(block))
            )
        self.sent += np.bincount(ids.astype(np.intp), minlength=CLIENTS)


def until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("a condition of the crash test was not met in time")
        time.sleep(0.003)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != ALIVE_MARK
    except OSError:
        return False


def owners(client: redis.Redis) -> list[int]:
    """The process id that owns each partition that is owned."""
    with client.pipeline(transaction=False) as pipe:
        for partition in range(PARTITIONS):
            pipe.get(keys(partition).lease)
        return [int(owner.split()[-1]) for owner in pipe.execute() if owner]


def backlog(client: redis.Redis) -> int:
    """How many blocks wait."""
    with client.pipeline(transaction=False) as pipe:
        for partition in range(PARTITIONS):
            pipe.execute_command(*lag_command(partition))  # type: ignore[no-untyped-call]
        return sum(pipe.execute())


def counted(client: redis.Redis) -> NDArray[np.int64]:
    """How many events each client's row has counted, over all partitions."""
    row, found = load().row, np.zeros(CLIENTS, np.int64)
    for partition in range(PARTITIONS):
        for key in client.scan_iter(match=keys(partition).row + b"*", count=1000):
            stored = unpack([cast("bytes", client.get(key))], row)
            if stored["part"][0]:  # what is kept apart of a client is in its own row as well
                continue
            found[int(stored["client"][0])] += int(stored["events"][0])
    return found


def moved_aside(client: redis.Redis) -> int:
    """How many events lie in blocks that were moved aside, over all partitions."""
    size = 0
    for partition in range(PARTITIONS):
        for _, fields in cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange(keys(partition).poison)):
            size += len(fields.get(b"b", b""))
    return size // EVENT.itemsize


def storm(url: str, folder: Path, kills: int, seed: int = 1, workers: int = 2, pauses: float = 0.1) -> Outcome:
    """Kill `kills` workers at random points under traffic, pause a share of as many until they lost their leases."""
    database = f"sqlite+aiosqlite:///{folder / 'crash.db'}"
    migrate(database)
    env = {"REDIS_URL": url, "DATABASE_URL": database, "STILLWATCH_DATA": str(folder)}
    crew = Crew({**env, "STILLWATCH_PARTITIONS": str(PARTITIONS)}, folder / "workers.log")
    rng, begun, killed, paused = random.Random(seed), time.monotonic(), 0, 0
    publisher = Publisher(url, seed)
    with redis.Redis.from_url(url, socket_timeout=10) as client, contextlib.ExitStack() as stack:
        stack.callback(crew.close)
        for _ in range(workers):
            crew.hire()
        publisher.start()
        stack.callback(publisher.finish)
        while killed < kills:
            victim = _victim(client, crew, rng)
            time.sleep(rng.uniform(0.0, 0.2))
            if rng.random() < pauses:
                paused += _pause(client, victim)
            else:
                crew.kill(victim)
                crew.hire()
                killed += 1
        publisher.finish()
        until(lambda: backlog(client) == 0)
        stack.close()
        found = counted(client)
        wrong = int((found != publisher.sent).sum())
        tokens = sum(int(client.get(keys(partition).fence) or 0) for partition in range(PARTITIONS))
        aside = moved_aside(client)
    seconds = time.monotonic() - begun
    return Outcome(killed, paused, int(publisher.sent.sum()), int(found.sum()), wrong, tokens, aside, seconds)


def _victim(client: redis.Redis, crew: Crew, rng: random.Random) -> int:
    """A worker that owns partitions, so that it is killed at work and not while it starts."""
    found: list[int] = []

    def working() -> bool:
        found[:] = sorted(set(owners(client)) & crew.pids)
        return bool(found)

    until(working)
    return rng.choice(found)


def _pause(client: redis.Redis, pid: int) -> bool:
    """Stop a worker where it stands until others own what it owned, then let it go on."""
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: pid not in owners(client))
    finally:
        os.kill(pid, signal.SIGCONT)
    return True


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sw-crash-") as folder:
        yield Path(folder)


def main() -> int:
    """Run a storm on a server of our own and print what was counted."""
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    with valkey.running() as server, _scratch() as folder:
        outcome = storm(server.url, folder, options.kills, options.seed, options.workers)
    print(f"seed {options.seed}: {outcome.kills} kills and {outcome.pauses} pauses in {outcome.seconds:.0f} s")
    print(f"published {outcome.published:,} events, counted {outcome.counted:,} in the clients' rows")
    print(f"clients with a wrong count: {outcome.wrong_clients}; fencing tokens given out: {outcome.tokens}")
    print(f"events in blocks moved aside: {outcome.aside}")
    print("exact" if outcome.exact else "NOT EXACT")
    return 0 if outcome.exact else 1


if __name__ == "__main__":
    sys.exit(main())
