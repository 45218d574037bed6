"""One server with so many clients' rows in it, and a measured worker beside it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.store.db import migrate
from app.store.redis import Argument, Link
from app.store.rows import Claim, Rows
from app.store.stream import Blocks, keys, partition_of, publish_command
from bench.score.drain import NAIVE_STREAM
from bench.score.traffic import Zipf, draw
from bench.score.valkey import Valkey
from detectors.event import EVENT, pack
from detectors.registry import load

ROOT = Path(__file__).parents[2]
PARTITIONS = 16  # the product's default
BLOCK_EVENTS = 256
LOAD_ROWS = 5_000
HARVEST_EVERY = 1_000  # one client in so many harvests
HISTORY_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: microseconds of CPU an event, of the worker (and the engine in it) and of Redis."""

    worker: float
    redis: float
    engine: float = 0.0
    batch: float = 0.0  # events
    distinct: float = 0.0  # clients in a batch
    findings: int = 0
    reading: float = 0.0  # of the naive design: its part for reading its stream


class Stage:
    """`clients` rows in a server of its own; `core` pins the worker."""

    def __init__(self, server: Valkey, folder: Path, clients: int, core: int | None) -> None:
        self.clients = clients
        self.row_bytes = load().row.itemsize
        self.bytes_per_client = 0.0
        self._server = server
        self._zipf = Zipf(clients)
        self._rng = np.random.default_rng(clients)
        self._link = Link(server.url, 30.0)
        self._now = time.time()
        database = f"sqlite+aiosqlite:///{folder / f'bench-{clients}.db'}"
        migrate(database)
        env = {"REDIS_URL": server.url, "DATABASE_URL": database, "STILLWATCH_DATA": str(folder)}
        env |= {"STILLWATCH_PARTITIONS": str(PARTITIONS), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "bench.score.drain"],
            cwd=ROOT,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if core is not None:
            os.sched_setaffinity(self._worker.pid, {core})

    def load_rows(self) -> None:
        """Give every client a row with one event in it, through the product's own code."""
        engine = load()
        rows = Rows(self._link, engine.row, engine.schema, engine.empty, 90.0)
        before = self._used_memory()
        placed = partition_of(self._zipf.ids, PARTITIONS)
        for partition in range(PARTITIONS):
            mine = np.sort(self._zipf.ids[placed == partition])
            claim = Claim(partition, int(self._link.call("INCR", keys(partition).fence)))
            for start in range(0, len(mine), LOAD_ROWS):
                part = mine[start : start + LOAD_ROWS]
                fresh = engine.empty(part)
                engine.step(fresh, self._events(part, self._now - HISTORY_SECONDS), self._now)
                rows.commit(claim, Blocks(1, b"0-1", b"0-1", np.empty(0, EVENT), 0, 0, False), fresh)
            self._link.call("DEL", keys(partition).offset)
        self.bytes_per_client = (self._used_memory() - before) / self.clients

    def ours(self, events: int) -> Sample:
        """Publish `events`, then let the worker drain them."""
        self._publish(events)
        before = self._server.cpu_seconds()
        cost = self._ask({"do": "ours", "events": events})
        spent = self._server.cpu_seconds() - before
        return Sample(
            worker=1e6 * cost["cpu"] / events,
            redis=1e6 * spent / events,
            engine=1e6 * cost["engine"] / events,
            batch=events / cost["batches"],
            distinct=cost["clients"] / cost["batches"],
            findings=cost["findings"],
        )

    def naive(self, events: int) -> Sample:
        """Let the naive design count `events`."""
        made = self._events(self._zipf.draw(events, self._rng), self._now)
        names = ("client", "in_tokens", "out_tokens", "payload", "at")
        columns = [made[name].tolist() for name in names]
        commands = [_naive_entry(names, values) for values in zip(*columns, strict=True)]
        for start in range(0, events, 1000):
            self._link.pipeline(commands[start : start + 1000])
        before = self._server.cpu_seconds()
        cost = self._ask({"do": "naive", "events": events})
        spent = self._server.cpu_seconds() - before
        return Sample(1e6 * cost["cpu"] / events, 1e6 * spent / events, reading=1e6 * cost["reading"] / events)

    def close(self) -> None:
        """End the worker."""
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.close()
        self._worker.wait(60)
        self._worker.stdout.close()
        self._link.close()

    def _publish(self, events: int) -> None:
        ids = self._zipf.draw(events, self._rng)
        made = self._events(ids, self._now)
        self._now += HISTORY_SECONDS / 10
        placed = partition_of(ids, PARTITIONS)
        for partition in range(PARTITIONS):
            mine = made[placed == partition]
            blocks = [mine[start : start + BLOCK_EVENTS] for start in range(0, len(mine), BLOCK_EVENTS)]
            for start in range(0, len(blocks), 64):
                part = blocks[start : start + 64]
                self._link.pipeline([publish_command(partition, pack(block), len(block)) for block in part])

    def _events(self, ids: NDArray[np.uint64], since: float) -> NDArray[np.void]:
        at = since + np.linspace(0.0, HISTORY_SECONDS / 10, len(ids), endpoint=False)
        return draw(ids, at, self._rng, HARVEST_EVERY)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(json.dumps(request).encode() + b"\n")
        self._worker.stdin.flush()
        answer = self._worker.stdout.readline()
        if not answer:
            raise RuntimeError("the measured worker ended: its log is above")
        result: dict[str, Any] = json.loads(answer)
        return result

    def _used_memory(self) -> int:
        with self._server.client(60.0) as client:
            return int(client.info("memory")["used_memory"])


def _naive_entry(names: tuple[str, ...], values: tuple[float, ...]) -> tuple[Argument, ...]:
    named = [part for name, value in zip(names, values, strict=True) for part in (name, str(value))]
    return ("XADD", NAIVE_STREAM, "*", "streamed", 1, "retries", 0, *named)


def median(samples: list[Sample]) -> Sample:
    """Each number's median over rounds; findings summed."""
    names = ("worker", "redis", "engine", "batch", "distinct", "reading")
    middle = {name: statistics.median(getattr(sample, name) for sample in samples) for name in names}
    return Sample(**middle, findings=sum(sample.findings for sample in samples))
