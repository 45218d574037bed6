"""Customers: several connections at once, JSON and streams, some of which are left before their end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

SECONDS = 30.0  # a request that takes longer has failed


class Failed(Exception):
    """No whole, good answer."""


@dataclass(slots=True)
class Tally:
    """What was asked and how it went; `seconds` of each whole answer, in order of their ends."""

    sent: int = 0  # requests written to their last byte
    good: int = 0
    left: int = 0  # by our own choice
    failures: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def question(number: int, stream: bool) -> bytes:
    """A chat request's body; ever another text."""
    content = f"Question {number}: what follows from the first {number} lines of the table, and why?"
    body = {"model": "soak-1", "stream": stream, "messages": [{"role": "user", "content": content}]}
    return json.dumps(body).encode()


def post(body: bytes, key: str, pause_ms: int = 0, path: str = "/v1/chat/completions") -> bytes:
    """The bytes of a chat request."""
    lines = [
        f"POST {path} HTTP/1.1",
        "host: model.test",
        f"authorization: Bearer {key}",
        "content-type: application/json",
        f"content-length: {len(body)}",
    ]
    if pause_ms:
        lines.append(f"x-pause-ms: {pause_ms}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Caller:
    """One customer's connection, opened anew whenever it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> bytes:
        """Send a request and read its whole answer; the body. Raises Failed."""
        try:
            async with asyncio.timeout(SECONDS):
                reader, writer = await self._connection()
                writer.write(request)
                return await self._answer(reader)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            await self.close()
            raise Failed(f"{type(error).__name__}: {error}") from error
        except Failed:
            await self.close()
            raise

    async def leave(self, request: bytes, after: float) -> None:
        """Send a request and cut the connection `after` seconds."""
        _, writer = await self._connection()
        writer.write(request)
        await writer.drain()
        await asyncio.sleep(after)
        writer.transport.abort()
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._reader.at_eof():
            await self.close()
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self._reader, self._writer

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head[9:12])
        if b"\r\ntransfer-encoding: chunked" in head:
            body = await _chunks(reader)
        else:
            length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            body = await reader.readexactly(int(length or 0))
        if b"\r\nconnection: close" in head:
            await self.close()
        if status != 200:
            raise Failed(f"status {status}: {body[:200]!r}")
        return body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readexactly(2)
    return b"".join(parts)


class Crowd:
    """`lanes` callers at once over `clients` keys; every `1 / aborts`-th request is left before its end."""

    def __init__(self, port: int, lanes: int, clients: int, aborts: float = 0.0, streams: float = 0.3) -> None:
        self.tally = Tally()
        self.stopping = False
        self._port = port
        self._lanes = lanes
        self._clients = clients
        self._aborts = aborts
        self._streams = streams
        self._next = 0

    async def run(self, requests: int, pause: float = 0.0) -> Tally:
        """Send `requests` requests, or until `stopping`; `pause` seconds between those of a lane."""
        numbers = iter(range(requests))
        async with asyncio.TaskGroup() as group:
            for _ in range(self._lanes):
                group.create_task(self._lane(numbers, pause))
        return self.tally

    async def _lane(self, numbers: Iterator[int], pause: float) -> None:
        caller = Caller(self._port)
        try:
            for number in numbers:
                if self.stopping:
                    return
                await self._one(caller, number)
                if pause:
                    await asyncio.sleep(pause)
        finally:
            await caller.close()

    async def _one(self, caller: Caller, number: int) -> None:
        tally = self.tally
        leaves = _share(number, self._aborts)
        stream = leaves or _share(number + 7, self._streams)
        request = post(question(number, stream), f"sk-soak-{number % self._clients}", 20 if leaves else 0)
        tally.sent += 1
        try:
            if leaves:
                await caller.leave(request, 0.002 + 0.02 * (number % 5))
                tally.left += 1
                return
            started = time.perf_counter()
            body = await caller.ask(request)
            tally.seconds.append(time.perf_counter() - started)
            if b"[DONE]" not in body if stream else b'"usage"' not in body:
                raise Failed(f"not the whole answer: {body[-80:]!r}")
            tally.good += 1
        except (Failed, OSError) as failure:
            tally.failures.append(str(failure))


def _share(number: int, share: float) -> bool:
    """True for `share` of all numbers, evenly spread."""
    return int((number + 1) * share) > int(number * share)
