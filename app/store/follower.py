"""Follows decisions and mode for a gateway: deltas from the stream, the whole where the thread was lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, cast

import redis
import redis.asyncio

from app.store import mode
from app.store.decisions import FIELD, GENERATION, STANDING, STREAM, parse
from app.store.mode import Told
from app.store.table import Table

PAGE = 200  # entries a read: about a millisecond of parsing, between which requests are served
SCAN = 200  # entries of the hash a read
POLL_SECONDS = 0.25  # between reads that found nothing new
RETRY_SECONDS = (0.1, 2.0)  # first and longest pause while Redis is away
START = b"0-0"

logger = logging.getLogger(__name__)


class Follower:
    """Keeps a table up to date; table and mode stay as they were while Redis is away."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        table: Table,
        on_mode: Callable[[Told], None] | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = client
        self._table = table
        self._on_mode = on_mode
        self._clock = clock
        self._ticks = ticks
        self._next = START
        self._generation: bytes | None = None  # of the hash that the table has seen whole
        self.connected = False
        self.failures = 0  # reads that Redis did not answer in time
        self.unreadable = 0  # entries that are no decision
        self.resyncs = 0  # times that all standing decisions were read

    async def run(self) -> None:
        """Follow for ever; cancel to stop."""
        pause, longest = RETRY_SECONDS
        while True:
            try:
                found = await self.read()
            except (redis.RedisError, OSError, TimeoutError) as error:
                if self.connected or not self.failures:
                    logger.warning("decisions are not followed: %s", type(error).__name__)
                self.connected = False
                self.failures += 1
                self._next, self._generation = START, None  # the server's memory may have been lost
                await asyncio.sleep(pause)
                pause = min(pause * 2, longest)
                continue
            self.connected = True
            pause = RETRY_SECONDS[0]
            self._table.sweep(self._ticks())
            if found < PAGE:
                await asyncio.sleep(POLL_SECONDS)

    async def read(self) -> int:
        """Take the mode and the next page of entries, or everything anew; returns how many entries the page had."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.mget(mode.KEY, GENERATION)
            pipeline.xrange(STREAM, min=b"(" + self._next, count=PAGE)
            (told, generation), entries = await pipeline.execute()
        heard = mode.parse(told)
        if heard is not None and self._on_mode is not None:
            self._on_mode(heard)
        if generation is not None and generation != self._generation:
            await self._resync()
            self._generation = generation
            return 0
        for entry_id, fields in entries:
            self._next = entry_id
            self._take(fields.get(FIELD))
        return len(entries)

    async def _resync(self) -> None:
        """Read every standing decision; what the table has besides is not in the database any more."""
        self.resyncs += 1
        newest: Any = await self._redis.xrevrange(STREAM, count=1)
        self._next = newest[0][0] if newest else START  # what comes after is read as deltas
        before = set(self._table.ids())
        cursor: Any = 0
        while True:
            cursor, page = cast(Any, await self._redis.hscan(STANDING, cursor, count=SCAN))
            for name, text in page.items():
                before.discard(name.decode("utf-8", "replace"))
                self._take(cast(bytes, text))
            if not int(cursor):
                break
        for decision_id in before:
            self._table.forget(decision_id)

    def _take(self, text: bytes | None) -> None:
        try:
            decision = parse(text or b"")
        except ValueError:
            self.unreadable += 1
            return
        self._table.apply(decision, self._clock(), self._ticks())

    async def close(self) -> None:
        """Close the connection to Redis."""
        await self._redis.aclose()
