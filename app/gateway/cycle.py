"""One request and its answer on a client's connection: ASGI's receive and send, cuts never hidden."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from app.gateway.problems import INTERNAL

if TYPE_CHECKING:
    from app.gateway.server import Protocol

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HIGH_WATER = 65536  # bytes of a request's body that wait for a slow model API
DISCONNECT: Message = {"type": "http.disconnect"}
NOTHING, LENGTH, CHUNKED, CLOSE = range(4)  # how an answer's end is told

logger = logging.getLogger(__name__)


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode()


STATUS_LINES = {status: _status_line(status) for status in range(200, 1000)}


class Cycle:
    """One request with its answer.

    Beyond ASGI it tells at once when the client leaves (`watch`), so that no task has to wait for it.
    """

    __slots__ = (
        "_chunks",
        "_ended",
        "_expect",
        "_framing",
        "_held",
        "_left",
        "_on_gone",
        "_protocol",
        "_scope",
        "_started",
        "_waiter",
        "complete",
        "disconnected",
        "keep_alive",
    )

    def __init__(self, protocol: Protocol, scope: Scope, *, keep_alive: bool, expect: bool) -> None:
        self._protocol = protocol
        self._scope = scope
        self._expect = expect
        self._chunks: list[bytes] = []
        self._held = 0
        self._ended = False  # the request's body has come to its end, and that was not yet told
        self._waiter: asyncio.Future[None] | None = None
        self._on_gone: Callable[[], None] | None = None
        self._framing = NOTHING
        self._left = 0  # bytes of the answer still owed under its Content-Length
        self._started = False
        self.keep_alive = keep_alive
        self.disconnected = self.complete = False

    # What the protocol calls.

    def feed(self, data: bytes) -> None:
        """More of the request's body."""
        self._chunks.append(data)
        self._held += len(data)
        if self._held > HIGH_WATER:
            self._protocol.pause_reading()
        self._wake()

    def end(self) -> None:
        """The request's body is complete."""
        self._ended = True
        self._wake()

    def gone(self) -> None:
        """The client has left."""
        if not self.complete:
            self.disconnected = True
            if self._on_gone is not None:
                self._on_gone()
        self._wake()

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` as soon as the client leaves before its answer is complete."""
        self._on_gone = callback
        if self.disconnected:
            callback()

    async def run(self, app: Application) -> None:
        """Run the application; an answer that it did not complete is cut off, never ended cleanly."""
        try:
            await app(self._scope, self.receive, self.send)
        except asyncio.CancelledError:
            self._protocol.abort()
            raise
        except Exception:  # the loop's edge: one request's fault must not touch the others
            type(self._protocol).faults += 1
            logger.exception("a request failed inside the gateway")
            await self._apologise()
        finally:
            self._on_gone = None
            if not self.complete and not self.disconnected:
                self._protocol.close()

    async def _apologise(self) -> None:
        if not self._started:
            body = INTERNAL.body()
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            await self.send({"type": "http.response.start", "status": INTERNAL.status, "headers": headers})
            await self.send({"type": "http.response.body", "body": body})

    # ASGI.

    async def receive(self) -> Message:
        """The next piece of the request's body; http.disconnect once the client left or has its answer."""
        protocol = self._protocol
        if self._expect:
            self._expect = False
            if not (self._started or self._chunks or self._ended):
                protocol.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not self.disconnected and not self.complete:
            chunks = self._chunks
            if chunks or self._ended:
                more, self._ended = not self._ended, False
                self._chunks = []
                self._held = 0
                data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
                return {"type": "http.request", "body": data, "more_body": more}
            protocol.resume_reading()
            self._waiter = protocol.loop.create_future()
            await self._waiter
        return DISCONNECT

    async def send(self, message: Message) -> None:
        """Write one message of the answer; waits first while the client is slow to read."""
        protocol = self._protocol
        if protocol.write_paused and not self.disconnected:
            await protocol.drain()
        if self.disconnected:
            return
        if not self._started:
            self._started = True
            protocol.write(self._head(message["status"], message.get("headers", ())))
            return
        if self.complete:
            raise RuntimeError("the answer is already complete")
        more = message.get("more_body", False)
        self._write(message.get("body", b""), more)
        if not more:
            self._finish()

    def _finish(self) -> None:
        if self._framing == LENGTH and self._left:
            self._protocol.close()  # shorter than it said: the client must see that
            return
        self.complete = True
        self._wake()
        if not self.keep_alive:
            self._protocol.close()
        self._protocol.answered()

    def _head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        lines = [STATUS_LINES[status]]
        length: bytes | None = None
        for name, value in headers:
            if len(name) == 14 and name.lower() == b"content-length":
                length = value
            elif name == b"connection":  # only the gateway's own answers have it, to say close
                self.keep_alive = False
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
        self._framing = self._frame(status, length)
        if self._framing == CHUNKED:
            lines.append(b"transfer-encoding: chunked\r\n")
        elif self._framing == CLOSE:
            self.keep_alive = False
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)

    def _frame(self, status: int, length: bytes | None) -> int:
        if status in (204, 304) or self._scope["method"] == "HEAD":
            return NOTHING
        if length is not None:
            self._left = int(length)
            return LENGTH
        # HTTP/1.0 has no chunks: there the answer ends with the connection.
        return CHUNKED if self._scope["http_version"] == "1.1" else CLOSE

    def _write(self, data: bytes, more: bool) -> None:
        protocol = self._protocol
        if self._framing == CHUNKED:
            if data:
                protocol.write(b"%x\r\n%b%b" % (len(data), data, b"\r\n" if more else b"\r\n0\r\n\r\n"))
            elif not more:
                protocol.write(b"0\r\n\r\n")
        elif data and self._framing != NOTHING:
            if self._framing == LENGTH:
                self._left -= len(data)
                if self._left < 0:
                    raise RuntimeError("the answer is longer than its Content-Length")
            protocol.write(data)

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
