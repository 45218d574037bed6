"""One request and its answer on a client's connection: for the proxy directly, for others as ASGI."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from app.gateway.drive import Driver, Turn, Waiter
from app.gateway.problems import INTERNAL

if TYPE_CHECKING:
    from app.gateway.heads import AnswerHead
    from app.gateway.plan import Plan
    from app.gateway.server import Protocol

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

BODY_SECONDS = 60.0  # for the next piece of a body of which nothing has gone on
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

    It tells at once when the client leaves (`watch`), so that no task has to wait for that, and it cuts
    off what was begun and not completed, so that no broken answer looks whole.
    """

    # Defaults on the class: most requests never change most of these.
    driven = False  # whether a Driver runs the application, else a task
    gone = False  # the client left before its answer was complete
    complete = False  # the answer is written
    expects = False  # the client waits for 100 Continue before it sends the body
    uploading = False  # the model API has the body's beginning: its connection has the limit on silence
    plan: Plan | None = None  # what its head decides, once that is known
    length = b""  # the value of Content-Length
    _ended = False  # the request's body has come to its end, and that was not yet told
    _held = 0  # bytes of the request's body that wait to be read
    _asked = 0.0  # when the present wait for the body began
    _hurried = False  # it is not waited for any more
    _waiter: Waiter | None = None
    _on_gone: Callable[[], None] | None = None
    _started = False
    _framing = NOTHING
    _left = 0  # bytes of the answer still owed under its Content-Length

    def __init__(
        self, protocol: Protocol, method: str, target: bytes, version: str, headers: list[tuple[bytes, bytes]]
    ) -> None:
        self._protocol = protocol
        self.method = method
        self.target = target  # as sent
        self.version = version  # of HTTP: 1.1, 1.0, ...
        self.headers = headers  # names as sent
        self.keep_alive = False
        self._chunks: list[bytes] = []

    @property
    def peer(self) -> str:
        """The client's address."""
        return self._protocol.peer

    @property
    def protocol(self) -> Protocol:
        """The client's connection."""
        return self._protocol

    # What the protocol calls.

    def like(self, body: bytes, length: bytes) -> Cycle:
        """The cycle of a complete request with the same head but for its length."""
        cycle = Cycle(self._protocol, self.method, self.target, self.version, self.headers)
        cycle.plan = self.plan
        cycle.length = length
        cycle.keep_alive = True
        cycle._ended = True
        if body:
            cycle._chunks.append(body)
        return cycle

    def feed(self, data: bytes) -> None:
        """More of the request's body."""
        self._chunks.append(data)
        self._held += len(data)
        if self._held > HIGH_WATER:
            self._protocol.pause_reading()
        if self._waiter is not None:
            self._wake()

    def end(self) -> None:
        """The request's body is complete."""
        self._ended = True
        if self._waiter is not None:
            self._wake()

    def left(self) -> None:
        """The client has left."""
        if not self.complete:
            self.gone = True
            if self._on_gone is not None:
                self._on_gone()
        self._wake()

    def dawdles(self, now: float) -> bool:
        """Whether the client has let us wait for its body for too long, while nobody else waits for it."""
        return self._waiter is not None and not self.uploading and now - self._asked > BODY_SECONDS

    def run(self, coroutine: Coroutine[Any, Any, None], *, driven: bool) -> None:
        """Run what answers this request, by a Driver or in a task."""
        protocol = self._protocol
        self.driven = driven
        if driven:
            driver = Driver(coroutine, protocol.loop, self.ended)
            protocol.running.add(driver)
            driver.step()
        else:
            task = protocol.loop.create_task(coroutine)
            protocol.running.add(task)
            task.add_done_callback(self._ran)

    def adopt(self, runner: object, on_gone: Callable[[], None]) -> None:
        """Be run by `runner`, which waits in call-backs, until it calls `ended` or `hand_over`."""
        self.driven = True
        self._on_gone = on_gone
        self._protocol.running.add(runner)

    def hand_over(self, runner: object, coroutine: Coroutine[Any, Any, None]) -> None:
        """Be run by a coroutine from here on."""
        self._protocol.running.discard(runner)
        self.run(coroutine, driven=True)

    def ended(self, runner: object, error: BaseException | None) -> None:
        """What answers this request has ended."""
        self._protocol.running.discard(runner)
        self._on_gone = None
        if error is not None or not self.complete:
            self._conclude(error)

    def _ran(self, task: asyncio.Task[None]) -> None:
        self._protocol.running.discard(task)
        self._conclude(asyncio.CancelledError() if task.cancelled() else task.exception())

    def _conclude(self, error: BaseException | None) -> None:
        if self._framing == CLOSE and not self.complete:
            self._protocol.end_by_reset()  # else the end of a broken answer would look like that of a whole one
        if isinstance(error, asyncio.CancelledError):
            self._protocol.abort()
        elif error is not None:  # the loop's edge: one request's fault must not touch the others
            type(self._protocol).faults += 1
            logger.error("a request failed inside the gateway", exc_info=error)
            self._apologise()
        if not self.complete and not self.gone:
            self._protocol.close()

    def _apologise(self) -> None:
        if not self._started and not self.gone:
            body = INTERNAL.body()
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            self._protocol.write(self._head(INTERNAL.status, headers) + body)

    # What the proxy calls.

    def hurry(self) -> None:
        """Wait no longer for what is not here of the body: from now on `read` gives None."""
        self._hurried = True
        self._wake()

    def hold(self) -> None:
        """Read nothing more from the client; its leaving is noticed all the same."""
        self._protocol.pause_reading()

    def switch(self, data: bytes) -> Protocol:
        """Write the head after which HTTP no longer rules; gives the connection."""
        self._started = True
        self._protocol.write(data)
        return self._protocol

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` as soon as the client leaves before its answer is complete."""
        self._on_gone = callback
        if self.gone:
            callback()

    def whole(self) -> bool:
        """Whether the request is here to its end and its client is too."""
        return self._ended and not self.gone

    def take(self) -> tuple[bytes, bool] | None:
        """The next piece of the request's body and whether more comes, if it is there already."""
        chunks = self._chunks
        if not chunks and not self._ended:
            return None
        more, self._ended = not self._ended, False
        self._chunks = []
        self._held = 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks), more

    async def read(self) -> tuple[bytes, bool] | None:
        """The next piece of the request's body and whether more comes; None once the client left or is hurried."""
        protocol = self._protocol
        if self.expects:
            self.expects = False
            if not (self._started or self._chunks or self._ended):
                protocol.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self.gone or self.complete or self._hurried):
            piece = self.take()
            if piece is not None:
                return piece
            protocol.resume_reading()
            self._asked = protocol.loop.time()
            self._waiter = waiter = Turn() if self.driven else protocol.loop.create_future()
            await waiter
        return None

    def begin(self, status: int, head: AnswerHead, data: bytes, last: bool) -> Awaitable[None] | None:
        """Write the answer's head and its first bytes; an awaitable where the client is slow to read."""
        if self.gone:
            return None
        self._started = True
        framing = self._frame(status, head.length)
        parts = [STATUS_LINES[status], head.block]
        if framing == CHUNKED:
            parts.append(b"transfer-encoding: chunked\r\n")
        elif framing == CLOSE:
            self.keep_alive = False
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts.append(b"\r\n")
        if data:
            self._add(parts, data, last)
        elif last and framing == CHUNKED:
            parts.append(b"0\r\n\r\n")
        return self._put(b"".join(parts), last)

    def pass_on(self, answer: bytes) -> None:
        """Write a whole answer as it came."""
        self._started = self.complete = True
        self._protocol.write(answer)
        self._protocol.answered()

    def write(self, data: bytes, last: bool) -> Awaitable[None] | None:
        """Write more of the answer; an awaitable where the client is slow to read."""
        if self.gone:
            return None
        if self._framing == CHUNKED and not last:
            if data:
                self._protocol.write(b"%x\r\n%b\r\n" % (len(data), data))
            return self._protocol.drain() if self._protocol.write_paused else None
        parts: list[bytes] = []
        if data:
            self._add(parts, data, last)
        elif last and self._framing == CHUNKED:
            parts.append(b"0\r\n\r\n")
        return self._put(b"".join(parts), last)

    @property
    def chunked(self) -> bool:
        """Whether the answer goes to the client in chunks, once it has begun."""
        return self._framing == CHUNKED

    def _add(self, parts: list[bytes], data: bytes, last: bool) -> None:
        framing = self._framing
        if framing == LENGTH:
            self._left -= len(data)
            if self._left < 0:
                raise RuntimeError("the answer is longer than its Content-Length")
            parts.append(data)
        elif framing == CHUNKED:
            parts += (b"%x\r\n" % len(data), data, b"\r\n0\r\n\r\n" if last else b"\r\n")
        elif framing == CLOSE:
            parts.append(data)

    def _put(self, data: bytes, last: bool) -> Awaitable[None] | None:
        protocol = self._protocol
        if data:
            protocol.write(data)
        if last:
            if self._left and self._framing == LENGTH:
                protocol.close()  # shorter than it said: the client must see that
                return None
            self.complete = True
            if self._waiter is not None:
                self._wake()
            if not self.keep_alive:
                protocol.close()
            protocol.answered()
        elif protocol.write_paused:
            return protocol.drain()
        return None

    def _frame(self, status: int, length: int) -> int:
        """How the answer's end is told; `length` is -1 where its head does not say."""
        if status in (204, 304) or self.method == "HEAD":
            return NOTHING
        if length >= 0:
            self._left = length
            self._framing = LENGTH
        else:
            # HTTP/1.0 has no chunks: there the answer ends with the connection.
            self._framing = CHUNKED if self.version == "1.1" else CLOSE
        return self._framing

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # ASGI, for the gateway's own endpoints.

    def scope(self) -> Scope:
        """The request as ASGI has it."""
        path, _, query = self.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self.version,
            "method": self.method,
            "scheme": "http",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in self.headers],
            "client": (self.peer, 0),
            "server": None,
        }

    async def receive(self) -> Message:
        """ASGI's receive."""
        piece = await self.read()
        if piece is None:
            return DISCONNECT
        return {"type": "http.request", "body": piece[0], "more_body": piece[1]}

    async def send(self, message: Message) -> None:
        """ASGI's send."""
        if self.gone:
            return
        if not self._started:
            self._started = True
            self._protocol.write(self._head(message["status"], message.get("headers", ())))
            return
        pending = self.write(message.get("body", b""), not message.get("more_body", False))
        if pending is not None:
            await pending

    def _head(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        length = -1
        lines = [STATUS_LINES[status]]
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            lines.append(b"%b: %b\r\n" % (name, value))
        framing = self._frame(status, length)
        if framing == CHUNKED:
            lines.append(b"transfer-encoding: chunked\r\n")
        self.keep_alive = self.keep_alive and framing != CLOSE
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)
