"""The measured process: a worker that drains what was published, or the naive design; CPU time by itself.

Speaks JSON lines: a request on standard input, its result on standard output.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np
import redis
from numpy.typing import NDArray

from app.memory import keep_freed, settle
from app.settings import read_settings
from app.worker.partitions import identify
from app.worker.run import Worker, warm
from detectors.batch import Batch
from detectors.engine import Engine, Told
from detectors.registry import load

LEASE_SECONDS = 60.0
NAIVE_PIPELINE = 1000
NAIVE_STREAM = "naive:events"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of this process for so many events; `engine` is the part within the engine."""

    events: int
    cpu: float
    engine: float = 0.0
    reading: float = 0.0  # the naive design's part for reading its stream
    batches: int = 0
    clients: int = 0  # summed over batches: distinct clients in each
    findings: int = 0


class Timed(Engine):
    """The engine, with its own CPU time and the clients it saw added up."""

    spent = 0.0
    clients = 0

    def tell(self, rows: NDArray[np.void], events: NDArray[np.void] | Batch, now: float) -> Told:
        """The same as Engine's."""
        begun = time.process_time()
        told = super().tell(rows, events, now)
        self.spent += time.process_time() - begun
        self.clients += int((rows["part"] == 0).sum())
        return told


class Drain:
    """A worker whose loop is driven from here."""

    def __init__(self) -> None:
        shipped = load()
        self.engine = Timed(shipped.detectors, shipped.reference)
        self._worker = Worker(read_settings(os.environ), self.engine, identify(), LEASE_SECONDS)

    def ours(self, events: int) -> Cost:
        """Score until `events` more have been counted."""
        counts = self._worker.counts
        before = dict(counts)
        engine, clients = self.engine.spent, self.engine.clients
        begun = time.process_time()
        while counts["events"] - before.get("events", 0) < events:
            self._worker.turn()
        cpu = time.process_time() - begun
        batches, findings = (counts[name] - before.get(name, 0) for name in ("batches", "findings"))
        seen = self.engine.clients - clients
        return Cost(events, cpu, self.engine.spent - engine, 0.0, batches, seen, findings)

    def close(self) -> None:
        """Stop the worker."""
        self._worker.close()


def naive(url: str, events: int) -> Cost:
    """What is commonly done: an entry an event, seven commands an event, pipelined."""
    reading = 0.0
    with redis.Redis.from_url(url, socket_timeout=30) as server:
        begun, last, seen = time.process_time(), b"0-0", 0
        while seen < events:
            before = time.process_time()
            entries = server.xread({NAIVE_STREAM: last}, count=NAIVE_PIPELINE)[0][1]
            reading += time.process_time() - before
            with server.pipeline(transaction=False) as pipe:
                for _, fields in entries:
                    _count(pipe, fields)
                pipe.execute()
            last = entries[-1][0]
            before = time.process_time()
            server.xtrim(NAIVE_STREAM, minid=last)
            reading += time.process_time() - before
            seen += len(entries)
        cpu = time.process_time() - begun
        server.delete(NAIVE_STREAM)
    return Cost(events, cpu, reading=reading)


def _count(pipe: redis.client.Pipeline, fields: dict[bytes, bytes]) -> None:
    key = b"naive:" + fields[b"client"]
    pipe.hincrby(key, "requests", 1)
    pipe.hincrby(key, "in_tokens", int(fields[b"in_tokens"]))
    pipe.hincrby(key, "out_tokens", int(fields[b"out_tokens"]))
    pipe.hincrby(key, "streamed", int(fields[b"streamed"]))
    pipe.hincrby(key, "retries", int(fields[b"retries"]))
    pipe.hset(key, "last", fields[b"at"])
    pipe.pfadd(key + b":prompts", fields[b"payload"])


def main() -> int:
    """Answer requests until standard input ends."""
    drain = Drain()
    keep_freed()  # this and what follows as the product's worker does before it begins
    warm(drain.engine)
    settle()
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "ours":
            cost = drain.ours(request["events"])
        else:
            cost = naive(os.environ["REDIS_URL"], request["events"])
        print(json.dumps(asdict(cost)), flush=True)
    drain.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
