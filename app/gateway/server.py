"""The server's side of a client's connection, run by uvicorn: targets and names as sent, a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import re
import select
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ClassVar, cast

import httptools
import uvicorn
from uvicorn.server import ServerState

from app.gateway.cycle import STATUS_LINES, Application, Cycle
from app.gateway.heads import without_h2c
from app.gateway.problems import BAD_SYNTAX, HEAD_TOO_LARGE, Problem
from app.gateway.tunnel import RESET

HEAD_LIMIT = 262144  # bytes of a request's head, and of what stands around the pieces of its body
HEAD_SECONDS = 60.0  # for a request's head to arrive, and for the first one to begin
HEAD_KEPT = 8192  # bytes of a head that is worth remembering
LENGTH_DIGITS = 12
PATIENCE = 8  # heads to remember on a connection before concluding that they all differ
LENGTH_LINE = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (\d{1,10})\r\n")
SWEEP_TICKS = 10  # of 0.1 s, between looks for idle connections
HUNG_UP = getattr(select, "POLLRDHUP", 0)  # what a client's end is told by besides POLLHUP and POLLERR
ANNOUNCE_SECONDS = 0.25  # between failing readiness and closing the listener


Shortcut = Callable[[Cycle], Coroutine[Any, Any, None] | None]


class Protocol(asyncio.Protocol):
    """A client's connection; uvicorn makes one for each. Trailers are dropped."""

    faults = 0  # exceptions that requests raised inside the gateway, in this process
    unreadable = 0  # requests refused by the parser, in this process
    unread: ClassVar[set[Protocol]] = set()  # connections that are not being read
    write: Callable[[bytes], None]  # to the client: the transport's own, once there is one

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002  uvicorn passes it
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.loop = _loop or asyncio.get_running_loop()
        self._app = cast(Application, config.loaded_app)
        # An application with a shorter way than ASGI for some requests names it.
        self._shortcut: Shortcut | None = getattr(config.loaded_app, "shortcut", None)
        self._swift: Callable[[Cycle], bool] | None = getattr(config.loaded_app, "swift", None)
        self._connections = cast("set[Protocol]", server_state.connections)
        self.running = cast("set[Any]", server_state.tasks)  # what uvicorn waits for and cancels at a stop
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.peer = ""  # the client's address
        self._cycle: Cycle | None = None  # the one whose answer is next
        self._newest: Cycle = cast(Cycle, None)  # the one whose body is being read
        self._waiting: Cycle | None = None  # read in this turn and not yet started
        self._pipeline: deque[Cycle] = deque()
        self._drainer: asyncio.Future[None] | None = None
        self._before = self._after = b""  # the last head, around the value of its Content-Length
        self._model: Cycle = cast(Cycle, None)  # the request that had it
        self._misses = 0  # heads remembered on this connection
        self._deaf = False
        self._again = b""  # the present head without its offer of HTTP/2, which the parser gets in its place
        self._early = b""  # what came after a head that asks for another protocol
        self._in_head = True
        self._head_size = 0  # bytes read since the present head began, or since the body's last piece
        self._since = self.loop.time()  # when it last became idle
        self._read_paused = False
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self.write_paused = False

    # What a cycle calls.

    def close(self) -> None:
        """Close once what was written is sent."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def end_by_reset(self) -> None:
        """Have the connection end by a reset, after what was written."""
        with contextlib.suppress(OSError, AttributeError):
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def pause_reading(self) -> None:
        """Read no more until `resume_reading`."""
        if not self._read_paused:
            self._read_paused = True
            self.unread.add(self)
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if self._read_paused and not self._pipeline:
            self._read_paused = False
            self.unread.discard(self)
            self._transport.resume_reading()

    def hand_over(self, heir: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """Let `heir` have the connection; gives it, and what came after the head."""
        self._transport.set_protocol(heir)
        self.resume_reading()
        return self._transport, self._early

    async def drain(self) -> None:
        """Until a slow client has taken most of what was written, or has left."""
        if self._drainer is None:
            self._drainer = self.loop.create_future()
        await self._drainer

    def answered(self) -> None:
        """The present answer is complete: the next request may begin, once the client has taken most of this one."""
        self._since = self.loop.time()
        if self.write_paused:
            self.pause_reading()  # whoever asks on and never reads would fill the memory with answers
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Begin the next request, or read on."""
        if self._transport.is_closing():
            return
        if self._pipeline:
            self._cycle = self._pipeline.popleft()
            self.loop.call_soon(self._start, self._cycle)  # not at once: a long pipeline would nest too deep
        self.resume_reading()

    # What uvicorn's server calls.

    def shutdown(self) -> None:
        """Close now if idle, else after the present answer."""
        if self._cycle is None or self._cycle.complete:
            self._transport.close()
        else:
            self._cycle.keep_alive = False

    def expire(self, now: float, keep_alive: float) -> None:
        """Close a connection that has been idle too long, or dawdles over a request's head or its body."""
        if self._cycle is not None and not self._cycle.complete:
            if self._cycle.dawdles(now):
                self._transport.close()
            return
        fresh = self._cycle is None or self._head_size > 0
        if now - self._since > (HEAD_SECONDS if fresh else keep_alive):
            self._transport.close()

    def look(self) -> None:
        """Notice that the client has left although nothing is read from it."""
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), HUNG_UP)
        if poll.poll(0):
            self._transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.write = self._transport.write
        self._connections.add(self)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if isinstance(peer, tuple) else ""

    def connection_lost(self, _exc: Exception | None) -> None:
        self._connections.discard(self)
        self.unread.discard(self)
        for cycle in (self._cycle, *self._pipeline):
            if cycle is not None:
                cycle.left()
        self._pipeline.clear()
        self.resume_writing()

    def pause_writing(self) -> None:
        self.write_paused = True

    def resume_writing(self) -> None:
        self.write_paused = False
        drainer, self._drainer = self._drainer, None
        if drainer is not None and not drainer.done():
            drainer.set_result(None)
        if self._cycle is not None and self._cycle.complete:
            self._go_on()

    def data_received(self, data: bytes) -> None:
        if self._same_again(data):
            return
        if self._deaf:
            return
        fresh = self._in_head and not self._head_size
        if fresh:
            self._since = self.loop.time()  # from now on the head may take its own time
        self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(BAD_SYNTAX)
        except httptools.HttpParserUpgrade as pause:
            self._past_upgrade(data[pause.args[0] :])
        if self._head_size > HEAD_LIMIT:  # the parser keeps a trailer, however long, until it has ended
            self._refuse(HEAD_TOO_LARGE)
        cycle, self._waiting = self._waiting, None
        if cycle is not None:
            self._start(cycle)
            if fresh and self._misses < PATIENCE:
                self._remember(cycle, data)

    def _past_upgrade(self, data: bytes) -> None:
        """Go on behind a head that asks for another protocol: in that one; in HTTP/1.1 if it only may be HTTP/2."""
        while self._again:
            data, self._again = self._again + data, b""
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserError:
                self._refuse(BAD_SYNTAX)
            except httptools.HttpParserUpgrade as pause:
                data = data[pause.args[0] :]
                continue
            return
        self._deaf = True
        self._early = data

    def _same_again(self, data: bytes) -> bool:
        """Serve a request whose head is that of the last one but for its length, which needs no parsing.

        The parser has accepted those bytes before; it is between two messages, and stays there.
        """
        before = self._before
        if not before or not data.startswith(before):
            return False
        model = self._model
        if self._cycle is None or not self._cycle.complete or self.write_paused:
            return False
        if not self._in_head or self._head_size or self._deaf:
            return False
        start = len(before)
        end = data.find(b"\r", start, start + LENGTH_DIGITS)
        length = data[start:end]
        body = end + len(self._after)
        if end < 0 or not length.isdigit() or not data.startswith(self._after, end) or len(data) - body != int(length):
            return False
        self._cycle = self._newest = cycle = model.like(data[body:], length)
        self._start(cycle)
        return True

    def _remember(self, cycle: Cycle, data: bytes) -> None:
        """Keep the bytes of a head that the next request may repeat."""
        self._misses += 1
        match = LENGTH_LINE.search(data, 0, HEAD_KEPT)
        end = data.find(b"\r\n\r\n", 0, HEAD_KEPT) + 4
        if match is None or end < 4 or match.end(1) > end or cycle.plan is None or not cycle.keep_alive:
            return
        if len(data) - end == int(match[1]) and cycle.plan.repeatable:
            self._before, self._after = data[: match.start(1)], data[match.end(1) : end]
            self._model = cycle

    def _refuse(self, problem: Problem) -> None:
        """Answer a request that cannot be read; one before it that is here whole is answered instead, and the last."""
        if self._deaf:
            return
        self._deaf = True
        type(self).unreadable += 1
        unstarted, self._waiting = self._waiting, None
        owed = self._pipeline[0] if self._pipeline and self._cycle is not None and self._cycle.complete else self._cycle
        if self._in_head and owed is not None and not owed.complete:
            owed.keep_alive = False
            if owed is unstarted:
                self._start(unstarted)
            return
        if self._cycle is None or (self._cycle.complete and self._in_head) or self._cycle is unstarted:
            body = problem.body()
            head = STATUS_LINES[problem.status] + b"content-type: application/json\r\nconnection: close\r\n"
            self._transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))
        self._transport.close()

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._head_size = self._head_size or 1  # it may begin behind another one's end
        self._target = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # later ones are trailers
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        version = parser.get_http_version()
        if parser.should_upgrade() and version == "1.1":
            self._again = without_h2c(parser.get_method(), self._target, self._headers)
            if self._again:
                return
        self._in_head = False
        method = parser.get_method().decode("ascii")
        self._newest = cycle = Cycle(self, method, self._target, version, self._headers)
        cycle.keep_alive = version == "1.1" and parser.should_keep_alive()
        if self._cycle is None or (self._cycle.complete and not self._pipeline and not self.write_paused):
            self._cycle = self._waiting = cycle
        else:
            self._pipeline.append(cycle)
            self.pause_reading()

    def on_body(self, body: bytes) -> None:
        self._head_size = 1
        if not self._newest.complete:
            self._newest.feed(body)

    def on_message_complete(self) -> None:
        if self._again:
            return  # all but its head is still to come
        self._in_head = True
        self._head_size = 0
        self._newest.end()

    def _start(self, cycle: Cycle) -> None:
        try:
            if self._swift is not None and self._swift(cycle):
                return
        except Exception as error:  # noqa: BLE001  the cycle is the edge
            cycle.ended(cycle, error)
            return
        coroutine = self._shortcut(cycle) if self._shortcut is not None else None
        if coroutine is not None:
            cycle.run(coroutine, driven=True)
        else:
            cycle.run(self._app(cycle.scope(), cycle.receive, cycle.send), driven=False)


class _Running(set[Any]):
    """What runs; it may change while uvicorn goes through it: a cancelled Driver is gone at once."""

    def __iter__(self) -> Iterator[Any]:
        return iter(list(super().__iter__()))


class Server(uvicorn.Server):
    """uvicorn's server with a clean stop: readiness fails first, and the exit is not a death by signal."""

    def __init__(self, config: uvicorn.Config, on_stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state.tasks = _Running()
        self._on_stopping = on_stopping

    async def on_tick(self, counter: int) -> bool:
        """Every 0.1 s: whether to stop, and who has left unnoticed; from time to time, close idle connections."""
        for unread in list(Protocol.unread):
            unread.look()
        if counter % SWEEP_TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                cast(Protocol, connection).expire(now, self.config.timeout_keep_alive)
        return self.should_exit

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        """Fail readiness, give that a moment to be seen, then let uvicorn stop within its limit."""
        self._on_stopping()
        await asyncio.sleep(ANNOUNCE_SECONDS)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM; nothing is raised again afterwards, so the exit code can be 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
