"""The table and the page of the scoring benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.score.stage import HARVEST_EVERY, PARTITIONS, Sample
from bench.score.traffic import MIXED


@dataclass(frozen=True, slots=True)
class Machine:
    """What it ran on, as a class of machine."""

    cores: int
    architecture: str
    python: str
    server: str
    rounds: int


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured with so many clients."""

    clients: int
    row_bytes: int
    bytes_per_client: float
    ours: Sample
    naive: Sample


def rows(results: Sequence[Result]) -> list[list[str]]:
    """The table's cells, a heading first: one column for each number of clients."""
    lines = [["", *(f"{result.clients:,} clients" for result in results)]]

    def line(name: str, values: list[str]) -> None:
        lines.append([name, *values])

    ours = [result.ours for result in results]
    line("worker, us CPU an event", [f"{one.worker:.2f}" for one in ours])
    line("- of which detectors", [f"{one.engine:.2f}" for one in ours])
    line("Redis, us CPU an event", [f"{one.redis:.2f}" for one in ours])
    line("naive worker, us CPU an event", [f"{result.naive.worker:.1f}" for result in results])
    line("- of which reading its stream", [f"{result.naive.reading:.1f}" for result in results])
    line("naive Redis, us CPU an event", [f"{result.naive.redis:.1f}" for result in results])
    line("**times the naive worker** (aim 25)", [f"{r.naive.worker / r.ours.worker:.1f}" for r in results])
    counting = [r.naive.worker - r.naive.reading for r in results]
    line(
        "times the naive worker, its reading left out",
        [f"{c / one.worker:.1f}" for c, one in zip(counting, ours, strict=True)],
    )
    line("times the naive Redis", [f"{r.naive.redis / r.ours.redis:.1f}" for r in results])
    line("**events/s per worker core** (aim 200,000)", [f"{1e6 / one.worker:,.0f}" for one in ours])
    line("events/s per Redis core", [f"{1e6 / one.redis:,.0f}" for one in ours])
    line("bytes in Redis a client", [f"{result.bytes_per_client:,.0f}" for result in results])
    line("row, bytes (limit 4,096; aim 2,048)", [f"{result.row_bytes:,}" for result in results])
    line("**bytes over row** (aim 1.15)", [f"{r.bytes_per_client / r.row_bytes:.3f}" for r in results])
    line("**worker cost over the first column's** (aim 1.3)", [f"{one.worker / ours[0].worker:.2f}" for one in ours])
    line("Redis cost over the first column's", [f"{one.redis / ours[0].redis:.2f}" for one in ours])
    line("events a batch", [f"{one.batch:,.0f}" for one in ours])
    line("distinct clients a batch", [f"{one.distinct:,.0f}" for one in ours])
    line("findings recorded", [f"{one.findings:,}" for one in ours])
    return lines


def table(results: Sequence[Result]) -> str:
    """The table as Markdown."""
    heading, *body = rows(results)
    rule = ["---", *("---:" for _ in results)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [heading, rule, *body])


def write(path: Path, results: Sequence[Result], machine: Machine) -> None:
    """Write the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"""# Scoring: what one core does

Written by `make bench-score`; do not edit by hand.

{table(results)}

**Method.** {machine.cores} cores ({machine.architecture}), Python {machine.python}, Valkey {machine.server} on a unix
socket, memory only. Server pinned to one core, worker to another; figures are CPU time of each process, so a busy
machine changes them less than it changes wall time; median of {machine.rounds} interleaved rounds. Before the first
round every client has a row with one event in it. Clients of new events follow Zipf's law (s = 1.1); {PARTITIONS}
partitions; blocks of 256 events; the backlog is there before the worker starts, so batches are as large as they get.
One client in {HARVEST_EVERY:,} harvests; the others continue conversations and name their users. Requests bear the
marks of their client's program; one client in {MIXED} has a second one, which sends three requests in ten of its own
and is kept apart.

The worker is the product's own loop with all shipped detectors: reading, scoring, explaining and recording findings
in SQLite, client summaries, and the commit of rows, offset and acknowledgement. The naive design reads an entry an
event and does 5 HINCRBY, 1 HSET and 1 PFADD for it, pipelined by 1,000; it detects nothing.
""",
        "utf-8",
    )
