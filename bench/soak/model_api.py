"""A small model API on loopback: chat completions as JSON or as a stream, at a pace that the caller names."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import cast

ANSWER = "The answer is forty-two, and here is why it cannot be anything else."
WORDS = [f"{word} " for word in ANSWER.split()]
USAGE = {"prompt_tokens": 23, "completion_tokens": 17, "total_tokens": 40}
PAUSE = b"x-pause-ms:"  # request header: between the pieces of a stream, before a JSON answer


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(body: object) -> bytes:
    return _chunk(b"data: " + json.dumps(body).encode() + b"\n\n")


def _piece(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return _event({"id": "c1", "object": "chat.completion.chunk", "model": "soak-1", "choices": [choice]})


STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
STREAM_END = (
    _event({"object": "chat.completion.chunk", "model": "soak-1", "choices": [], "usage": USAGE})
    + _chunk(b"data: [DONE]\n\n")
    + b"0\r\n\r\n"
)
PIECES = [_piece(word) for word in WORDS]
_MESSAGE = {"role": "assistant", "content": ANSWER}
_WHOLE = {
    "id": "c1",
    "object": "chat.completion",
    "model": "soak-1",
    "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
    "usage": USAGE,
}


def json_answer(answer: bytes) -> bytes:
    """A whole JSON answer with its head."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
    return head + answer


WHOLE = json_answer(json.dumps(_WHOLE).encode())


class _Link(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self, api: ModelApi) -> None:
        self._api = api
        self._held = b""
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._api.links.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._api.links.discard(self)
        if self._task is not None and not self._task.done():
            self._api.left += 1
            self._task.cancel()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._held += data
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._held[:end].lower()
        length = int(_value(head, b"content-length:") or 0)
        body = self._held[end + 4 : end + 4 + length]
        if len(body) < length:
            return
        self._held = self._held[end + 4 + length :]
        self._api.requests += 1
        pause = int(_value(head, PAUSE) or 0) / 1000
        streamed = b'"stream": true' in body or b'"stream":true' in body
        if not pause and not streamed:
            self._write(self._api.answer or WHOLE)
            return
        self._task = asyncio.get_running_loop().create_task(self._stream(pause) if streamed else self._late(pause))

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    async def _late(self, pause: float) -> None:
        await asyncio.sleep(pause)
        self._write(self._api.answer or WHOLE)

    async def _stream(self, pause: float) -> None:
        self._write(STREAM_HEAD)
        for piece in PIECES:
            self._write(piece)
            await asyncio.sleep(pause)
        self._write(STREAM_END)


def _value(head: bytes, name: bytes) -> bytes:
    at = head.find(b"\r\n" + name)
    if at < 0:
        return b""
    start = at + 2 + len(name)
    end = head.find(b"\r\n", start)
    return head[start : end if end > 0 else len(head)].strip()


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def close(self) -> None:
        """Stop the loop and wait for its thread; what still runs in it is cancelled."""
        asyncio.run_coroutine_threadsafe(_cancel_others(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class ModelApi:
    """The server; `requests` counts what arrived whole, `left` the streams that the caller did not wait for."""

    def __init__(self) -> None:
        self.requests = 0
        self.left = 0
        self.answer = b""  # instead of the usual one, head included
        self.port = 0
        self.links: set[_Link] = set()
        self._loop = Loop()
        self._server = asyncio.run_coroutine_threadsafe(self._start(), self._loop.loop).result(10)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def _start(self) -> asyncio.Server:
        server = await asyncio.get_running_loop().create_server(lambda: _Link(self), "127.0.0.1", 0, backlog=1024)
        self.port = int(server.sockets[0].getsockname()[1])
        return server

    async def _stop(self) -> None:
        self._server.close()
        for link in list(self.links):
            link.abort()
        await asyncio.sleep(0)  # the aborted are told in the next turn
        await self._server.wait_closed()

    def close(self) -> None:
        """Stop listening and cut what is open."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop.loop).result(10)
        self._loop.close()
