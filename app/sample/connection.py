"""One kept-alive HTTP/1.1 connection of a sample client, on asyncio streams."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any
from urllib.parse import urlsplit

import orjson

from app.sample.persona import Reply

PATH = "/v1/chat/completions"
SECONDS = 120.0  # limit on one request
LARGEST_HEAD = 1 << 16


class Failed(Exception):
    """The request brought no usable answer: no connection, or a status of 400 and more."""


class Connection:
    """Sends one request at a time; opens the connection when it needs one."""

    def __init__(self, target: str, headers: tuple[tuple[str, str], ...]) -> None:
        parts = urlsplit(target)
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or (443 if self.tls else 80)
        self.path = parts.path.rstrip("/") + PATH
        self.head = "".join(f"{name}: {value}\r\n" for name, value in (("host", parts.netloc), *headers))
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, body: dict[str, Any]) -> Reply:
        """The reply to `body`; raises Failed."""
        try:
            async with asyncio.timeout(SECONDS):
                status, answer = await self._exchange_again(orjson.dumps(body))
        except (OSError, EOFError, TimeoutError, ValueError, LookupError, asyncio.LimitOverrunError) as error:
            await self.close()
            raise Failed(f"{type(error).__name__}: {error}") from error
        except asyncio.CancelledError:
            await self.close()
            raise
        if status >= 400:
            raise Failed(f"status {status}")
        return read_events(answer) if body.get("stream") else read_document(answer)

    async def _exchange_again(self, body: bytes) -> tuple[int, bytes]:
        """As client libraries do: a kept-alive connection that the server closed meanwhile is no failure."""
        reused = self.streams is not None
        try:
            return await self._exchange(body)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            if not reused or (isinstance(error, asyncio.IncompleteReadError) and error.partial):
                raise
        await self.close()
        return await self._exchange(body)

    async def _exchange(self, body: bytes) -> tuple[int, bytes]:
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.host, self.port, ssl=self.tls, limit=LARGEST_HEAD)
        reader, writer = self.streams
        writer.write(f"POST {self.path} HTTP/1.1\r\n{self.head}content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "chunked" in headers.get("transfer-encoding", ""):
            answer = await _chunks(reader)
        elif "content-length" in headers:
            answer = await reader.readexactly(int(headers["content-length"]))
        else:
            answer = await reader.read()
            headers["connection"] = "close"
        if "close" in headers.get("connection", ""):
            await self.close()
        return int(status_line.split(" ", 2)[1]), answer

    async def close(self) -> None:
        """Close the connection if it is open."""
        if self.streams is not None:
            writer, self.streams = self.streams[1], None
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return b"".join(parts)


def read_document(answer: bytes) -> Reply:
    """The first choice of a JSON answer."""
    try:
        message = orjson.loads(answer)["choices"][0]["message"]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return Reply("")
    return Reply(message.get("content") or "", tuple(message.get("tool_calls") or ()))


def read_events(answer: bytes) -> Reply:
    """The first choice of a streamed answer, put together from its events."""
    text: list[str] = []
    calls: dict[int, dict[str, Any]] = {}
    for line in answer.split(b"\n"):
        if not line.startswith(b"data: {"):
            continue
        for choice in orjson.loads(line[6:]).get("choices", []):
            delta = choice.get("delta", {})
            if choice.get("index") == 0:
                text.append(delta.get("content") or "")
            for part in delta.get("tool_calls") or ():
                call = calls.setdefault(part["index"], {"type": "function", "function": {"name": "", "arguments": ""}})
                call["id"] = part.get("id") or call.get("id", "")
                call["function"]["name"] += part["function"].get("name", "")
                call["function"]["arguments"] += part["function"].get("arguments", "")
    return Reply("".join(text), tuple(calls.values()))
