"""Bounded buffer of events to stream blocks: drops and counts, never makes the hand-off wait."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.errors import Unavailable
from app.store.accounts import name_command
from app.store.redis import Argument, Link
from app.store.stream import lag_command, partition_of, publish_command
from detectors.event import pack

BLOCK_EVENTS: Final = 256
BUFFER_EVENTS: Final = 65_536  # held while Redis is away: about 14 MB
FLUSH_EVENTS: Final = 8_192  # sent in one round trip; what is lost when it fails half-way
REDIS_SECONDS: Final = 1.0  # for a reply: no customer waits for it, and a slow Redis is better than none
BACKOFF_SECONDS: Final = (0.1, 2.0)  # the longest pause is below the promise to be back within 5 s
LAG_SECONDS: Final = 1.0  # how long a stream's length is believed
MODELS_KEY: Final = "names:models"
MODELS_LIMIT: Final = 1_000
ACCOUNTS_WAITING: Final = 65_536  # clients whose account waits to be told
ACCOUNTS_SENT: Final = 1_000  # in one round trip

Command = tuple[Argument, ...]
Clock = Callable[[], float]

logger = logging.getLogger(__name__)


class Emitter:
    """Writes events to the streams of their partitions from one background thread.

    Nothing is sent twice: a round trip that failed may have arrived, so its events are counted as dropped.
    Counters: events_emitted, blocks, dropped_redis, dropped_backlog, redis_failures.
    """

    def __init__(
        self, url: str, partitions: int, backlog_blocks: int, counts: Counter[str], clock: Clock = time.monotonic
    ) -> None:
        self._link = Link(url, REDIS_SECONDS)
        self._partitions = partitions
        self._backlog = backlog_blocks
        self._counts = counts
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "emit")
        self._buffer: deque[tuple[float, NDArray[np.void]]] = deque()
        self._held = 0
        self._lags: dict[int, tuple[float, int]] = {}  # partition to when its length was told, and the length
        self._models: dict[str, str] = {}
        self._told: set[str] = set()
        self._accounts: dict[str, str] = {}
        self._extra: list[Command] = []
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._away = False

    @property
    def held(self) -> int:
        """Events that wait."""
        return self._held

    @property
    def connected(self) -> bool:
        """Whether the last exchange with Redis went well."""
        return not self._away

    def lag_seconds(self) -> float:
        """How long the oldest event that waits has waited."""
        return self._clock() - self._buffer[0][0] if self._buffer else 0.0

    def add(self, events: NDArray[np.void]) -> None:
        """Take events, or count those that find no room."""
        room = BUFFER_EVENTS - self._held
        if len(events) > room:
            self._counts["dropped_redis"] += len(events) - room
            events = events[:room]
        if len(events):
            self._buffer.append((self._clock(), events))
            self._held += len(events)
            self._wake.set()

    def name_models(self, names: Mapping[str, str]) -> None:
        """Publish names of models by the hash that events carry, up to a limit."""
        for key, name in names.items():
            if key not in self._models and len(self._models) < MODELS_LIMIT:
                self._models[key] = name

    def name_accounts(self, accounts: Mapping[str, str]) -> None:
        """Publish whose clients these are, by 16 hexadecimal digits; the gateway tells it again in time."""
        if len(self._accounts) < ACCOUNTS_WAITING:
            self._accounts.update(accounts)
            self._wake.set()

    def publish(self, commands: Iterable[Command]) -> None:
        """Send other commands with the next round trip; what was not yet sent of the last call is replaced."""
        self._extra = list(commands)
        self._wake.set()

    async def run(self) -> None:
        """Send what comes until `close`; pauses after a failure, longer each time."""
        pause, longest = BACKOFF_SECONDS
        while not self._stopping.is_set():
            await self._wake.wait()
            self._wake.clear()
            while (self._buffer or self._extra or self._accounts) and not self._stopping.is_set():
                if await self._turn():
                    pause = BACKOFF_SECONDS[0]
                    continue
                await self._pause(pause)
                pause = min(2 * pause, longest)

    async def close(self, seconds: float) -> None:
        """Send what waits, for at most `seconds`; what is left is counted as dropped. `run` must have ended."""
        deadline = self._clock() + seconds
        while (self._buffer or self._extra or self._accounts) and self._clock() < deadline and await self._turn():
            pass
        self._counts["dropped_redis"] += self._held
        self._buffer.clear()
        self._held = 0
        await asyncio.get_running_loop().run_in_executor(self._thread, self._link.close)
        self._thread.shutdown()

    def stop(self) -> None:
        """Let `run` end after the round trip that is under way."""
        self._stopping.set()
        self._wake.set()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _turn(self) -> bool:
        """One round trip; true where it went well."""
        loop = asyncio.get_running_loop()
        try:
            if not self._link.connected:  # nothing is risked before Redis is known to answer
                await loop.run_in_executor(self._thread, self._link.ping)
                self._told.clear()
            events = self._take()
            await self._send(loop, events)
        except Unavailable as error:
            self._counts["redis_failures"] += 1
            self._note_away(error)
            return False
        self._note_back()
        return True

    async def _send(self, loop: asyncio.AbstractEventLoop, events: NDArray[np.void]) -> None:
        blocks, asked = self._blocks(events)
        accounts = dict(islice(self._accounts.items(), ACCOUNTS_SENT))
        extra = self._extra + self._naming() + ([name_command(accounts)] if accounts else [])
        self._extra = []
        commands = [command for command, _ in blocks] + [lag_command(partition) for partition in asked] + extra
        sent = sum(count for _, count in blocks)
        try:
            replies: list[Any] = await loop.run_in_executor(self._thread, self._link.pipeline, commands)
        except Unavailable:
            self._counts["dropped_redis"] += sent
            raise
        self._counts["events_emitted"] += sent
        self._counts["blocks"] += len(blocks)
        self._told.update(self._models)
        for client, account in accounts.items():
            if self._accounts.get(client) == account:
                del self._accounts[client]
        now = self._clock()
        lengths = replies[len(blocks) : len(blocks) + len(asked)]
        self._lags.update({partition: (now, int(length)) for partition, length in zip(asked, lengths, strict=True)})

    def _take(self) -> NDArray[np.void]:
        """Up to FLUSH_EVENTS of the events that have waited longest."""
        taken: list[NDArray[np.void]] = []
        size = 0
        while self._buffer and (not taken or size + len(self._buffer[0][1]) <= FLUSH_EVENTS):
            _, events = self._buffer.popleft()
            taken.append(events)
            size += len(events)
        self._held -= size
        return np.concatenate(taken) if taken else np.zeros(0, np.void)

    def _blocks(self, events: NDArray[np.void]) -> tuple[list[tuple[Command, int]], list[int]]:
        """The commands for events with the number of events in each, and the partitions whose length to ask."""
        if not len(events):
            return [], []
        places = partition_of(events["client"], self._partitions)
        order = np.argsort(places, kind="stable")
        events, places = events[order], places[order]
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        ends = np.append(starts[1:], len(events))
        blocks: list[tuple[Command, int]] = []
        asked = [int(place) for place in places[starts]]
        for partition, start, end in zip(asked, starts.tolist(), ends.tolist(), strict=True):
            if self._is_full(partition):
                self._counts["dropped_backlog"] += end - start
                continue
            for place in range(start, end, BLOCK_EVENTS):
                part = events[place : min(place + BLOCK_EVENTS, end)]
                blocks.append((publish_command(partition, pack(part), len(part)), len(part)))
        return blocks, asked

    def _is_full(self, partition: int) -> bool:
        told, length = self._lags.get(partition, (0.0, 0))
        return length >= self._backlog and self._clock() - told < LAG_SECONDS

    def _naming(self) -> list[Command]:
        fresh = [key for key in self._models if key not in self._told]
        return [("HSET", MODELS_KEY, *(part for key in fresh for part in (key, self._models[key])))] if fresh else []

    def _note_away(self, error: Unavailable) -> None:
        self._lags.clear()
        if not self._away:
            logger.warning("Redis failed: events wait, then drop", extra={"error": error})
        self._away = True

    def _note_back(self) -> None:
        if self._away:
            logger.info("Redis is back", extra={"waiting": self._held})
        self._away = False
