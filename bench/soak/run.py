"""One soak: traffic with aborts through gateway, extractor and worker, watched from outside, then counted."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis

from app.store.heartbeat import read_all
from bench.score.valkey import Valkey
from bench.soak import hold
from bench.soak.callers import Crowd, Tally
from bench.soak.hold import Sample
from bench.soak.model_api import ModelApi
from bench.soak.stage import Stage, until

ROLES = ("extractor", "gateway", "worker")
SAMPLES = 60
SLOPE_LIMIT = 20.0  # bytes a request: less than the smallest object that could be kept of each
FILES_LIMIT = 8
SETTLE_SECONDS = 30.0


@dataclass(slots=True)
class Outcome:
    """What was sent and what the processes say afterwards."""

    tally: Tally
    seconds: float
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    in_flight: float = -1.0
    requests: float = 0.0  # that the gateway has ended
    aborted: float = 0.0  # of them by the customer, as the gateway says
    dropped: float = 0.0
    emitted: float = 0.0
    scored: float = 0.0

    def verdicts(self) -> list[tuple[str, str, bool]]:
        """What was demanded, what was found, and whether it is so."""
        rows = [
            ("requests that failed", f"{len(self.tally.failures):,}", not self.tally.failures),
            ("requests in flight afterwards", f"{self.in_flight:g}", self.in_flight == 0),
            ("requests sent, ended by the gateway", f"{self.tally.sent:,} / {self.requests:,.0f}", self._all_ended()),
            ("events emitted, scored", f"{self.emitted:,.0f} / {self.scored:,.0f}", self._all_scored()),
            ("copies and events dropped", f"{self.dropped:,.0f}", self.dropped == 0),
        ]
        for role, samples in self.samples.items():
            grown, last = hold.slope(samples), samples[-1]
            settled, end = (one.memory / 2**20 for one in (hold.judged(samples)[0], last))
            memory = f"{grown:+.1f} ({settled:.1f} MiB after the warm-up, {end:.1f} at the end)"
            rows.append((f"{role}: bytes of memory a request", memory, grown < SLOPE_LIMIT))
            rows.append((f"{role}: CLOSE_WAIT sockets at the end", f"{last.close_wait}", last.close_wait == 0))
            first = samples[0].files
            flat = last.files - first <= FILES_LIMIT
            rows.append((f"{role}: descriptors before, after", f"{first} / {last.files}", flat))
        return rows

    def _all_ended(self) -> bool:
        return self.requests == self.tally.sent

    def _all_scored(self) -> bool:
        return self.emitted == self.requests == self.scored


def soak(folder: Path, requests: int, aborts: float, say: Callable[[str], None]) -> Outcome:
    """Run one soak in `folder`."""
    server, api = Valkey(folder), ModelApi()
    server.start()
    product = Stage(folder, api.url, server.url, env={"STILLWATCH_MODE": "observe"})
    try:
        product.start(*ROLES)
        with server.client() as client:
            until(lambda: {one.role for one in read_all(client)} >= set(ROLES), "every process tells that it lives")
            return _soak(product, client, requests, aborts, say)
    finally:
        product.close()
        api.close()
        server.kill()


def _soak(product: Stage, client: redis.Redis, requests: int, aborts: float, say: Callable[[str], None]) -> Outcome:
    crowd = Crowd(product.gateway, lanes=24, clients=400, aborts=aborts)
    watcher = _Watcher(product, crowd, requests, say)
    started = time.monotonic()
    watcher.start()
    tally = asyncio.run(crowd.run(requests))
    outcome = Outcome(tally, time.monotonic() - started)
    watcher.finish()
    until(lambda: product.counters().get("in_flight") == 0, "nothing is in flight", SETTLE_SECONDS)
    _settle(product, client, outcome)
    time.sleep(1.0)  # for the last sockets to close
    outcome.samples = watcher.samples
    for role in ROLES:
        outcome.samples[role].append(hold.look(product.processes[role].pid, tally.sent))
    return outcome


def _settle(product: Stage, client: redis.Redis, outcome: Outcome) -> None:
    """Read the counters once they move no more."""

    def read() -> bool:
        gateway = product.counters()
        beats = {beat.role: beat.counters for beat in read_all(client)}
        extractor, worker = beats.get("extractor", {}), beats.get("worker", {})
        outcome.in_flight, outcome.requests = gateway["in_flight"], gateway["requests"]
        outcome.aborted = gateway["requests_client_aborted"]
        outcome.emitted, outcome.scored = extractor.get("events_emitted", 0), worker.get("events", 0)
        lost = ("dropped_redis", "dropped_backlog")
        outcome.dropped = gateway["handoff_dropped"] + sum(extractor.get(name, 0) for name in lost)
        return outcome.emitted + outcome.dropped >= outcome.requests and outcome.scored >= outcome.emitted

    try:
        until(read, "every request is an event, and scored", SETTLE_SECONDS)
    except TimeoutError:
        return  # the verdicts say what is missing


class _Watcher(threading.Thread):
    """Looks at the processes SAMPLES times on the way."""

    def __init__(self, product: Stage, crowd: Crowd, requests: int, say: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self.samples: dict[str, list[Sample]] = {role: [] for role in ROLES}
        self._product, self._crowd, self._requests, self._say = product, crowd, requests, say
        self._ended = threading.Event()

    def run(self) -> None:
        step = max(1, self._requests // SAMPLES)
        due = 0
        while not self._ended.wait(0.05):
            sent = self._crowd.tally.sent
            if sent < due:
                continue
            due = sent + step
            for role in ROLES:
                self.samples[role].append(hold.look(self._product.processes[role].pid, sent))
            self._say(f"{sent:,} of {self._requests:,} requests")

    def finish(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()
