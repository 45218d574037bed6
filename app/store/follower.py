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
        self._told: bytes | None = None  # the mode as it was heard last
        self._connection: Any = None  # of our own: a pool's and a pipeline's care costs five times the question
        self._patience: float | None = None  # its seconds for each reply, where it is used by others
        self._question: tuple[bytes, bytes] = (b"", b"")  # from where on was asked last, and how
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
                self._next, self._generation, self._told = START, None, None  # the server's memory may have been lost
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
        told, generation, entries = await self._ask()
        if told != self._told:
            self._told = told
            heard = mode.parse(told)
            if heard is not None and self._on_mode is not None:
                self._on_mode(heard)
        if generation is not None and generation != self._generation:
            await self._resync()
            self._generation = generation
            return 0
        for entry_id, fields in entries:
            self._next = entry_id
            self._take(dict(zip(fields[::2], fields[1::2], strict=True)).get(FIELD))
        return len(entries)

    async def _ask(self) -> tuple[bytes | None, bytes | None, list[tuple[bytes, list[bytes]]]]:
        """The mode, the generation, and the next page of entries: a question that is asked four times a second."""
        connection = self._connection
        if connection is None:
            connection = await cast(Any, self._redis.connection_pool).get_connection()
            self._connection, self._patience = connection, connection.socket_timeout
            connection.socket_timeout = None  # there is one limit, for both replies
        if self._question[0] != self._next:
            commands = ("MGET", mode.KEY, GENERATION), ("XRANGE", STREAM, b"(" + self._next, "+", "COUNT", PAGE)
            self._question = self._next, b"".join(part for one in commands for part in connection.pack_command(*one))
        try:
            async with asyncio.timeout(self._patience):
                await connection.send_packed_command(self._question[1], check_health=False)
                told, generation = await connection.read_response()
                return told, generation, await connection.read_response()
        except BaseException:
            await self._part()
            raise

    async def _part(self) -> None:
        """Give the connection up: what it would say next is not known."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.socket_timeout = self._patience
            await connection.disconnect(nowait=True)
            await self._redis.connection_pool.release(connection)

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
        """Close the connections to Redis."""
        await self._part()
        await self._redis.aclose()
