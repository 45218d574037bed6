"""The loop: copies of exchanges in, batches of events out."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import uvloop
from numpy.typing import NDArray

from app.dialects.conversations import Conversations
from app.extractor import otel, providers, watch
from app.extractor.emit import Command, Emitter
from app.extractor.indicators import Sharing
from app.extractor.watch import Watcher
from app.memory import keep_freed, settle
from app.priority import step_back
from app.settings import Settings
from app.store import heartbeat
from app.store.handoff import Copy, Counters, Record, serve
from app.store.heartbeat import Heartbeat
from app.store.lately import Lately
from app.store.lists import Lists
from app.store.secret import load_secret, text_seed
from app.telemetry import configure_logging
from detectors.exchange import Exchange, Message, Operation
from detectors.features import Told, joined, model_hash, told
from detectors.listed import build

BATCH: Final = 256
BATCH_SECONDS: Final = 0.02
BEAT_SECONDS: Final = 2.0
GATEWAY_SECONDS: Final = 6.0  # a gateway that is silent for longer is reported no more
STOP_SECONDS: Final = 5.0
_ERROR_STATUS: Final = 400
_NAMED_MODEL: Final = 128  # characters

logger = logging.getLogger(__name__)


class _Gateway:
    """A gateway's counters as it last told them."""

    def __init__(self, now: float) -> None:
        self.started = now  # until it says itself
        self.heard = now  # epoch seconds
        self.ticks = 0.0  # the same moment by a clock that nobody sets
        self.values: dict[str, float] = {}
        self.lately = Lately()


class Extractor:
    """Turns the copies of all gateways of this host into events, in batches, within one event loop.

    Counters: exchanges, bytes, parse_opaque, parse_failed_<cause>, features_failed, watchers_failed, and those of
    the Emitter.
    """

    def __init__(self, settings: Settings, seed: int, watchers: Sequence[Watcher] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self.emitter = Emitter(settings.redis_url, settings.partitions, settings.backlog_blocks, self.counts)
        self._stopped = False
        self._seed = seed
        self._lists = Lists(settings.lists)
        self.sharing = Sharing(settings.redis_url, settings.sharing_key, self.counts)
        self._conversations = Conversations()
        self._watchers = watchers
        self._pending: list[Copy] = []
        self._timer: asyncio.TimerHandle | None = None
        self._gateways: dict[str, _Gateway] = {}
        self._started = time.time()
        self._instance = f"{socket.gethostname()}-{os.getpid()}"

    def take(self, records: Sequence[Record]) -> None:
        """Copies to be read with the next batch, and gateways' counters; what the hand-off calls.

        Raises ConnectionAbortedError once stopped: what is not acknowledged is counted by the gateway.
        """
        if self._stopped:
            raise ConnectionAbortedError("the extractor stops")
        for record in records:
            if isinstance(record, Counters):
                self._hear(record)
                continue
            self._pending.append(record)
            if len(self._pending) >= BATCH:
                self.flush()
        if self._pending and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BATCH_SECONDS, self.flush)

    def flush(self) -> None:
        """Read the copies that wait and hand their events on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        copies, self._pending = self._pending, []
        if not copies:
            return
        self.counts["exchanges"] += len(copies)
        self.counts["bytes"] += sum(len(copy.request_body) + len(copy.response_body) for copy in copies)
        exchanges = self._conversations.mark(map(self._read, copies))
        made = self._told(copies, exchanges)
        self.sharing.mark(made.events, exchanges, time.time())
        self.emitter.add(self._stream(copies, made))
        self.emitter.name_models(
            {f"{model_hash(one.model):08x}": one.model[:_NAMED_MODEL] for one in exchanges if _is_served(one)}
        )
        if self._watchers:
            watch.tell(self._watchers, copies, exchanges, self.counts)

    def stop(self) -> None:
        """Read the copies that wait, and take no more."""
        self.flush()
        self._stopped = True

    def beat(self, now: float, ticks: float) -> None:
        """Publish that this process and the gateways it hears live; `now` in epoch seconds, `ticks` monotonic."""
        self._lists.renew()
        gauges = {
            "emit_lag_seconds": round(self.emitter.lag_seconds(), 3),
            "emit_waiting_events": self.emitter.held,
            "gateways": len(self._gateways),
        }
        info = {"redis": "ok" if self.emitter.connected else "away"}
        beats = [
            Heartbeat(
                "extractor", self._instance, now, self._started, counters=dict(self.counts), gauges=gauges, info=info
            )
        ]
        self._gateways = {name: one for name, one in self._gateways.items() if ticks - one.ticks < GATEWAY_SECONDS}
        for name, one in self._gateways.items():
            lately = one.lately.gauges()
            beats.append(
                Heartbeat("gateway", name, one.heard, one.started, _pid(name), counters=one.values, gauges=lately)
            )
        commands: list[Command] = [command for beat in beats for command in heartbeat.commands(beat)]
        self.emitter.publish(commands)

    def _hear(self, counters: Counters) -> None:
        now = time.time()
        gateway = self._gateways.setdefault(counters.instance, _Gateway(now))
        gateway.heard, gateway.ticks, gateway.values = now, time.monotonic(), counters.values
        gateway.started = counters.started or gateway.started
        gateway.lately.hear(counters.values, gateway.ticks)
        if counters.accounts:
            self.emitter.name_accounts(counters.accounts)

    def _read(self, copy: Copy) -> Exchange:
        """The exchange of a copy; an opaque one where no parser could take it, counted by cause."""
        try:
            exchange, cause = providers.read(copy)
        except Exception as error:  # noqa: BLE001  the loop's edge: one copy must not cost the others their events
            self.counts["parse_failed_parser"] += 1
            logger.error("a copy broke the parser", extra={"kind": type(error).__name__})
            return providers.opaque(copy)
        if cause:
            self.counts["parse_opaque" if cause == "opaque" else f"parse_failed_{cause}"] += 1
        return exchange if exchange.model.isascii() else replace(exchange, model=_writable(exchange.model))

    def _told(self, copies: Sequence[Copy], exchanges: Sequence[Exchange]) -> Told:
        try:
            return told(exchanges, seed=self._seed, lists=self._lists.index)
        except Exception as error:  # noqa: BLE001  the loop's edge: find the one that broke the batch
            logger.error("a batch broke the features", extra={"kind": type(error).__name__})
        return joined([self._one(copy, exchange) for copy, exchange in zip(copies, exchanges, strict=True)])

    def _one(self, copy: Copy, exchange: Exchange) -> Told:
        try:
            return told([exchange], seed=self._seed, lists=self._lists.index)
        except Exception:  # noqa: BLE001  the loop's edge: still one event
            return self._opaque(copy)

    def _opaque(self, copy: Copy) -> Told:
        self.counts["features_failed"] += 1
        return told([providers.opaque(copy)], seed=self._seed)

    def _stream(self, copies: Sequence[Copy], made: Told) -> NDArray[np.void]:
        """The events that go on, the lines of an upload in its place."""
        try:
            return made.stream()[0]
        except Exception as error:  # noqa: BLE001  the loop's edge: find the one whose lines broke the batch
            logger.error("a batch broke the copying of lines", extra={"kind": type(error).__name__})
        return np.concatenate([self._copied(copy, made, place) for place, copy in enumerate(copies)])

    def _copied(self, copy: Copy, made: Told, place: int) -> NDArray[np.void]:
        lines = made.lines[made.owner == place]
        one = Told(made.events[place : place + 1], lines, np.zeros(len(lines), np.intp))
        try:
            return one.stream()[0]
        except Exception:  # noqa: BLE001  the loop's edge: still one event
            return self._opaque(copy).events


def _writable(name: str) -> str:
    """A model's name as UTF-8 can have it: JSON can hold half a surrogate pair, which no reader takes."""
    return name.encode("utf-8", "replace").decode()


def _is_served(exchange: Exchange) -> bool:
    """Whether the upstream knew the model: names that clients make up are not published.

    A batch is taken in before anybody looks for the models that its lines name.
    """
    return bool(exchange.model) and 0 < exchange.status < _ERROR_STATUS and exchange.operation != Operation.BATCH


def _pid(instance: str) -> int:
    """The process id at the end of an instance's name; 0 where there is none."""
    number = instance.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


async def _beats(extractor: Extractor) -> None:
    while True:
        extractor.beat(time.time(), time.monotonic())
        await asyncio.sleep(BEAT_SECONDS)


async def run(settings: Settings, extractor: Extractor, stopping: asyncio.Event) -> None:
    """Serve the hand-off until `stopping`; then read and send what is left, for at most STOP_SECONDS."""
    server = await serve(settings.handoff, extractor.take)
    emitting = asyncio.create_task(extractor.emitter.run())
    beating = asyncio.create_task(_beats(extractor))
    following = asyncio.create_task(extractor.sharing.follow())
    logger.info("reading copies", extra={"socket": settings.handoff.name, "partitions": settings.partitions})
    signalled = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((signalled, emitting, beating), return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.close()
        settings.handoff.unlink(missing_ok=True)  # now: later it may be that of a new extractor
        await asyncio.sleep(BATCH_SECONDS)  # what the gateway wrote before it ended is read first
        extractor.stop()
        extractor.emitter.stop()
        for task in (signalled, beating, following):
            task.cancel()
        ended = await asyncio.gather(signalled, beating, following, emitting, return_exceptions=True)
        extractor.beat(time.time(), time.monotonic())
        await extractor.emitter.close(STOP_SECONDS)
        logger.info("stopped", extra=dict(extractor.counts))
    for result in ended:
        if isinstance(result, Exception):
            raise result  # a loop of ours broke: end, and let the supervisor start anew


async def _until_signal(settings: Settings, extractor: Extractor) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await run(settings, extractor, stopping)


def _load_loops() -> None:
    """Have the compiled loops in memory before the first copy comes: it takes a second, in which copies would wait."""
    one = Exchange(at=0.0, client=0, messages=(Message("user", "a"),), completions=("a",))
    told([one], seed=0, lists=build({}))


def main(settings: Settings) -> int:
    """Run the extractor until SIGTERM or SIGINT; returns the exit code."""
    configure_logging(settings, "extractor")
    step_back(settings.nice)
    seed = text_seed(load_secret(settings))
    keep_freed()
    _load_loops()
    settle()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_start(settings, seed))
    return 0


async def _start(settings: Settings, seed: int) -> None:
    exporting = otel.start(os.environ, settings.upstream)
    watchers: list[Watcher] = [watch.access_line] if settings.access_log else []
    if exporting is not None:
        watchers.append(exporting.spans)
    try:
        await _until_signal(settings, Extractor(settings, seed, watchers))
    finally:
        if exporting is not None:
            await asyncio.to_thread(exporting.shutdown)
