"""`make bench-score`: events per second per worker core and per Redis core, against the naive design."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import sys
import tempfile
from pathlib import Path

import redis

from app.store.redis import check
from bench.score.report import Machine, Result, table, write
from bench.score.stage import Sample, Stage, median
from bench.score.valkey import running

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks" / "scoring.md"
WARM_UP_EVENTS = 20_000


def main() -> int:
    """Run the benchmark and write its page; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.score", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--events", type=int, default=960_000, help="events drained in each round")
    parser.add_argument("--naive-events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=REPORT, help="page to write; '-' writes none")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    server_core, worker_core = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sw-bench-")))
        stages = []
        for clients in options.clients:
            server = stack.enter_context(running(core=server_core))
            stage = Stage(server, folder, clients, worker_core)
            stack.callback(stage.close)
            say(f"loading {clients:,} rows")
            stage.load_rows()
            stages.append(stage)
        with redis.Redis.from_url(server.url) as client:
            version = check(client).version
        results = measure(stages, options.events, options.naive_events, options.rounds)
    machine = Machine(len(cores), platform.machine(), platform.python_version(), version, options.rounds)
    print(table(results))
    if str(options.out) != "-":
        write(options.out, results, machine)
        say(f"wrote {options.out}")
    return 0


def measure(stages: list[Stage], events: int, naive_events: int, rounds: int) -> list[Result]:
    """Interleaved rounds over all stages; medians."""
    ours: list[list[Sample]] = [[] for _ in stages]
    naive: list[list[Sample]] = [[] for _ in stages]
    for stage in stages:
        stage.ours(min(events, WARM_UP_EVENTS))
    for number in range(rounds):
        for place, stage in enumerate(stages):
            say(f"round {number + 1} of {rounds}, {stage.clients:,} clients")
            naive[place].append(stage.naive(naive_events))
            ours[place].append(stage.ours(events))
    return [
        Result(stage.clients, stage.row_bytes, stage.bytes_per_client, median(mine), median(theirs))
        for stage, mine, theirs in zip(stages, ours, naive, strict=True)
    ]


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
