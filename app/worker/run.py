"""The worker process: connects, scores until it is told to stop, and tells every few seconds how it does."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

import numpy as np
import redis

from app.errors import Unavailable
from app.memory import keep_freed, settle
from app.models.vocabulary import Action
from app.priority import step_back
from app.settings import Settings
from app.store import accounts, blocks, heartbeat, packed, sights, stream
from app.store.db import make_engine
from app.store.heartbeat import Heartbeat
from app.store.ledger import Ledger
from app.store.redis import Link, check, connect
from app.store.reference import Watched, load_engine
from app.store.rows import Rows
from app.store.sights import Sights
from app.telemetry import configure_logging
from app.worker.annotate import Annotator
from app.worker.given import Given
from app.worker.link import Handover
from app.worker.partitions import LEASE_SECONDS, Identity, Leases, identify
from app.worker.quality import Quality
from app.worker.record import Recorder
from app.worker.score import Scorer
from app.worker.sift import sift
from app.worker.tell import INTERVAL_SECONDS, Teller
from detectors.engine import Engine
from detectors.event import zeros
from detectors.pivot import Pivot
from detectors.warm import fold

LEDGER_SECONDS = 0.25
LINK_SECONDS = 2.0  # a batch of many megabytes is no hot-side call, and no customer waits for it
IDLE_SECONDS = 0.02
BEAT_SECONDS = 2.0
LAST_FLUSH_SECONDS = 3.0
BACKOFF_SECONDS = (0.05, 1.0)
RETRY_SECONDS = 1.0  # until the database is asked again
PRUNE_SECONDS = 600.0  # between two looks for old clients, where there were no more
TELLER = 0  # the partition whose owner compares decisions and mode with the database

logger = logging.getLogger(__name__)


def main(settings: Settings) -> int:
    """Run a worker until SIGTERM or SIGINT; returns the exit code."""
    configure_logging(settings, "worker")
    step_back(settings.nice)
    return serve(settings, load_engine(settings.reference, settings.plans, settings.releases))


def serve(settings: Settings, engine: Engine, lease_seconds: float = LEASE_SECONDS) -> int:
    """Run a worker with a given engine until SIGTERM or SIGINT; returns the exit code."""
    worker = Worker(settings, engine, identify(), lease_seconds)

    def stop(number: int, _frame: FrameType | None) -> None:
        worker.stopping = True
        logger.info("stopping", extra={"signal": signal.Signals(number).name})

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    keep_freed()
    warm(engine)
    settle()  # what is loaded now stays: later collections need not walk it
    worker.run()
    return 0


def warm(engine: Engine) -> None:
    """Load all that a batch runs before anything is claimed: a first batch that takes long may die half way."""
    fold(engine)
    packed.warm(engine.empty(np.ones(1, np.uint64)))
    blocks.warm()
    stream.warm()
    sights.warm()
    sift(zeros(1))


class Worker:
    """One worker process: owns its connections and the round of leases, batches and housekeeping."""

    def __init__(self, settings: Settings, engine: Engine, identity: Identity, lease_seconds: float) -> None:
        self.stopping = False
        self._identity = identity
        self._started = time.time()
        self._counts: Counter[str] = Counter()
        self._link = Link(settings.redis_url, LINK_SECONDS)
        self._status = connect(settings.redis_url)
        self._leases = Leases(self._link, identity, settings.partitions, lease_seconds)
        self._quality = Quality(self._started)
        self._engine = engine
        self._reference = Watched(engine, settings.reference)
        enforce = frozenset(map(Action, settings.enforce_actions))
        database = make_engine(settings.database_url)
        self._recorder = Recorder(database, self._group_name, self._counts, enforce, self._told)
        self._teller = Teller(self._link, self._recorder, settings.mode, self._counts)
        self._given = Given(self._link, self._recorder)
        rows = Rows(self._link, engine.row, engine.schema, engine.empty, settings.row_days)
        self._ledger = Link(settings.redis_url, LEDGER_SECONDS)  # its failures must not cost a batch its WATCH
        self._annotate = self._annotator(settings) if settings.ledger_bytes else None
        self._handover = Handover(settings.redis_url, self._counts)
        self._scorer = Scorer(
            self._link, rows, engine, self._recorder, self._quality, settings.partitions, self._counts,
            handover=self._handover, annotate=self._annotate,
        )  # fmt: skip
        self._next_tick = 0.0
        self._next_beat = 0.0
        self._next_tell = 0.0
        self._next_prune = 0.0
        self._gone: list[int] = []  # deleted clients whose accounts Redis still has
        self._client_seconds = settings.row_days * 86_400.0

    def _annotator(self, settings: Settings) -> Annotator:
        """What asks the ledger; where the operator names no releases, it also tells them by their first sight."""
        ledger = Ledger(self._ledger, settings.ledger_bytes, settings.ledger_days)
        pivot = next((one for one in self._engine.detectors if isinstance(one, Pivot)), None)
        noted = None if pivot is None or settings.releases else Sights(self._ledger, pivot.use)
        return Annotator(ledger, self._owners, self._counts, sights=noted)

    def _group_name(self, group: int) -> str:
        return self._engine.reference.group_name(group)  # of the reference in use now

    def run(self) -> None:
        """Score until `stopping`; then finish the batch and release the leases."""
        backoff = BACKOFF_SECONDS[0]
        try:
            while not self.stopping:
                try:
                    self.turn()
                    backoff = BACKOFF_SECONDS[0]
                except Unavailable as error:
                    self._away(error, backoff)
                    backoff = min(2 * backoff, BACKOFF_SECONDS[1])
        finally:
            self.close()

    @property
    def counts(self) -> Mapping[str, int]:
        """What was counted so far, by name."""
        return self._counts

    def turn(self) -> None:
        """One round of batches and what is due beside them; raises Unavailable."""
        if not self._link.connected:
            self._greet()
        self._go_on()
        busy = self._scorer.round(self._leases, time.time(), time.monotonic, self._go_on)
        self._tell()
        if not busy and not self.stopping:
            time.sleep(IDLE_SECONDS)

    def _told(self, clients: Sequence[int]) -> list[str]:
        """Whose these clients are, as gateways were told; what Redis does not answer is asked at the next flush.

        Not as was given: the database has that, and what was taken back there must not come back from a copy.
        """
        return self._named(lambda: accounts.parse(self._status.hmget(accounts.KEY, accounts.fields(clients))), clients)

    def _owners(self, clients: Sequence[int]) -> list[str]:
        """Whose these clients are: as an operator gave, else as gateways were told."""
        return self._named(lambda: accounts.owners(self._status, clients), clients)

    def _named(self, ask: Callable[[], list[str]], clients: Sequence[int]) -> list[str]:
        try:
            return ask()
        except redis.RedisError:
            self._counts["accounts_failed"] += 1
            return [""] * len(clients)

    def _greet(self) -> None:
        """A new connection: look who answers; leases and decisions may be gone with an old server's memory."""
        server = check(self._status)
        if server.evicts:
            logger.warning("Redis may evict rows under memory pressure: set maxmemory-policy noeviction")
        if self._annotate is not None:
            with contextlib.suppress(Unavailable):
                self._ledger.ping()  # before the first batch, for the same reason
        self._next_tick = 0.0
        self._next_tell = 0.0

    def _go_on(self) -> bool:
        """What is due between two batches; whether to go on."""
        moment = time.monotonic()
        if moment >= self._next_tick:
            self._leases.tick()
            self._next_tick = moment + self._leases.interval
        if moment >= self._next_beat:
            self._next_beat = moment + BEAT_SECONDS
            self._beat()
        try:
            self._recorder.flush()
        except Unavailable:
            self._counts["flushes_waiting"] += 1
        return not self.stopping

    def _tell(self) -> None:
        """At first, and then where it is this worker's turn, see to it that Redis knows what the database knows."""
        moment = time.monotonic()
        if moment >= self._next_tell and (not self._next_tell or TELLER in self._leases.owned):
            self._next_tell = moment + (INTERVAL_SECONDS if self._teller.tell(time.time()) else RETRY_SECONDS)
            self._given.compare()
            self._prune(moment)
        self._given.go_on()

    def _prune(self, moment: float) -> None:
        """Where it is this worker's turn, delete clients that are over their time, some at a time.

        Clients' accounts go from Redis with them. Raises Unavailable where Redis is: they go at the next turn.
        """
        self._forget_accounts()
        if moment < self._next_prune or TELLER not in self._leases.owned:
            return
        try:
            gone = self._recorder.prune(time.time(), self._client_seconds)
        except Unavailable:
            return
        self._counts["clients_deleted"] += len(gone.clients)
        self._next_prune = moment + (0.0 if gone.more else PRUNE_SECONDS)
        self._gone = gone.clients
        self._forget_accounts()

    def _forget_accounts(self) -> None:
        if self._gone:
            self._link.call(*accounts.forget_command(self._gone))
            self._gone = []

    def _beat(self) -> None:
        now = time.time()
        gc.collect()  # two milliseconds; batches and statements leave cycles, which would pile up for minutes
        self._counts["references_taken_up"] += self._reference.refresh()
        try:
            heartbeat.publish(self._status, self._heartbeat(now))
            self._quality.observe(heartbeat.read_all(self._status), now, time.monotonic())
        except redis.RedisError:
            self._counts["heartbeats_failed"] += 1
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Tell alerts what was counted since they said what was dropped, a few seconds ago or while nobody told."""
        found = self._quality.settled()
        if not found:
            return
        with contextlib.suppress(Unavailable):  # tried again
            self._recorder.losses(found, now)
            self._quality.paid(found)

    def _heartbeat(self, now: float) -> Heartbeat:
        away = self._recorder.away_seconds()
        drift = self._engine.tally.measure()
        gauges = {
            "partitions": len(self._leases.owned),
            "workers": self._leases.workers,
            "lag_seconds": round(self._scorer.lag_seconds(now), 2),
            "backlog_blocks": self._scorer.backlog,
            "summaries_pending": self._recorder.pending,
            "database_away_seconds": round(away, 1),
            "ledger_bytes": self._annotate.size if self._annotate else 0,
            "linking_waiting_events": self._handover.waiting,
        } | drift.gauges()
        told = {"drift": "; ".join(drift.reasons), "reference": self._reference.problem}
        told["linking"] = "leaves events out" if self._handover.leaves_out else ""
        info = {"database": "away" if away else "ok"} | {name: text for name, text in told.items() if text}
        return Heartbeat(
            "worker", self._identity.name, now, self._started, counters=self._counts, gauges=gauges, info=info
        )

    def _away(self, error: Unavailable, backoff: float) -> None:
        self._counts["redis_errors"] += 1
        if backoff == BACKOFF_SECONDS[0]:
            logger.warning("Redis failed, trying again", extra={"error": error})
        self._link.close()
        deadline = time.monotonic() + backoff
        while not self.stopping and time.monotonic() < deadline:
            time.sleep(IDLE_SECONDS)

    def close(self) -> None:
        """Release the leases, write the summaries that wait, close the connections."""
        try:
            self._leases.stop()
        except Unavailable:
            logger.warning("leases were not released: they expire by themselves")
        try:
            self._recorder.flush_all(LAST_FLUSH_SECONDS)
        except Unavailable:
            logger.warning("client summaries were not written: they follow with the clients' next requests")
        self._recorder.close()
        self._handover.close()
        self._link.close()
        self._ledger.close()
        self._status.close()
