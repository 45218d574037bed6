"""One HTTP/1.1 connection to the model API: byte-transparent, on asyncio and the httptools parser."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import ssl
import struct
import termios
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import httptools

from app.gateway.drive import Turn, Waiter

if TYPE_CHECKING:
    from app.gateway.upstream import Pool

HIGH_WATER = 65536  # bytes of an answer that wait for a slow client before we stop reading
HEAD_LIMIT = 262144  # bytes of an answer's head
TCP_INFO = struct.Struct("=B199xQQ")  # of it: state, bytes sent, and those of them that were sent again
TCP_CLOSE = 7
RESET_SECONDS = 0.005  # for a reset to follow upon a FIN


class Connection(asyncio.Protocol):
    """One connection, one exchange at a time.

    The relay reads `status`, `complete` and `error`, and calls `head_block` and `take`; `error` is one of
    closed, invalid, timeout, tls, gone (the client left), and `stale` says that the request was not even
    received, so that another connection may carry it.
    """

    __slots__ = (
        "_chunks",
        "_drainer",
        "_head",
        "_head_only",
        "_interim",
        "_parser",
        "_pool",
        "_sent",
        "_sent_before",
        "_transport",
        "_waiter",
        "_write_paused",
        "answered",
        "between",
        "buffered",
        "busy",
        "closed",
        "complete",
        "driven",
        "error",
        "first",
        "heard",
        "idle_since",
        "keep",
        "loop",
        "paused",
        "pump",
        "reused",
        "spoiled",
        "stale",
        "status",
        "touched",
    )

    def __init__(self, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self.loop = loop
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._write_paused = False
        self._drainer: asyncio.Future[None] | None = None
        self._waiter: Waiter | None = None
        self.pump: Callable[[], None] | None = None  # called, instead of a waiter, whenever something has come
        self.first: Callable[[bytes], bool] | None = None  # shown what comes first, which it may take as all there is
        self.driven = False  # whether a Driver runs the relay, else a task
        self.closed = self.busy = self.reused = False
        self.heard = False  # something has come of which `touched` does not know
        self.idle_since = self.touched = 0.0
        self._sent = self._sent_before = 0  # bytes over all exchanges, and until the present one
        self._reset()

    def _reset(self) -> None:
        self._head: list[bytes] = []  # the bytes that came while the head was not complete
        self._interim = 0  # heads of 1xx answers that came first
        self.status = 0  # 0 until the head is complete
        self.error = ""
        self.complete = self.keep = self.spoiled = self.stale = self.answered = False
        self.between = False  # nothing, or a chunk's line, is what comes next of a chunked body
        self._chunks: list[bytes] = []
        self.buffered = 0
        self._head_only = self.paused = False

    # What the relay calls.

    def begin(self, data: bytes, head_only: bool, driven: bool) -> None:
        """Start an exchange by sending `data`; `head_only`: the answer has no body whatever it says (HEAD)."""
        self.driven = driven
        if self.idle_since:
            self.reused = True
            self._reset()
        self._head_only = head_only
        self.busy = True
        self.touched = self.loop.time()
        self._sent_before = self._sent
        self._sent += len(data)
        self._transport.write(data)

    def write(self, data: bytes) -> None:
        """Send more of the request; ignored once the connection is gone."""
        if not self.closed:
            self.touched = self.loop.time()
            self._sent += len(data)
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until a slow model API has taken what was written."""
        if self._write_paused and not self.closed:
            self._drainer = self.loop.create_future()
            await self._drainer

    def waiting(self) -> Waiter:
        """Await this to go on when the head, more of the body, the end or an error has come."""
        self._waiter = waiter = Turn() if self.driven else self.loop.create_future()
        return waiter

    def head_block(self) -> bytes:
        """The answer's header lines as they came, once `status` is set, each with the CR LF before and after it.

        The parser has accepted the head, and it accepts no line end but CR LF, no folded lines and
        nothing before a colon but a name: so the lines can be had by splitting.
        """
        data = self._head[0] if len(self._head) == 1 else b"".join(self._head)
        if self._interim or data[:5] != b"HTTP/":
            start = 0
            for _ in range(self._interim):
                start = data.index(b"\r\n\r\n", start) + 4
            data = data[start:].lstrip(b"\r\n")
        return data[data.index(b"\r\n") : data.index(b"\r\n\r\n") + 2]

    def take(self) -> bytes:
        """The body bytes that have come since the last call; reading goes on."""
        chunks = self._chunks
        if not chunks:
            return b""
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks = []
        self.buffered = 0
        if self.paused:
            self.paused = False
            self.touched = self.loop.time()
            if not self.closed:
                self._transport.resume_reading()
        return data

    def whole(self) -> None:
        """The answer that has just come is complete, and another exchange may follow; the parser has not seen it."""
        self.touched = self.loop.time()
        self.status = 200
        self.answered = self.complete = self.keep = True

    def splice(self, heir: asyncio.Protocol) -> None:
        """Have `heir` take what comes from now on; it hands back here what it does not know."""
        self._transport.set_protocol(heir)

    def rejoin(self) -> None:
        """Take what comes here again."""
        if not self.closed:
            self._transport.set_protocol(self)

    def release(self, reusable: bool) -> None:
        """The exchange is over: back to the pool, or closed at once unless everything ended in order."""
        self.busy = False
        if reusable and self.complete and self.keep and not (self.spoiled or self.closed):
            self._pool.put(self)
        else:
            self.abort()

    def fail(self, error: str) -> None:
        """End the exchange: set `error`, wake the relay, close the connection."""
        if not self.error and not self.complete:
            self.error = error
        self.abort()
        self.wake()

    def abort(self) -> None:
        """Close at once; the model API sees it and can stop generating."""
        if not self.closed:
            self.closed = True
            self._transport.abort()

    def wake(self) -> None:
        """Have who waits for what comes look again."""
        if self.pump is not None:
            self.pump()
            return
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        first = self.first
        if first is not None:
            self.first = None
            if first(data):
                return
        if not self.busy or self.complete:
            self.spoiled = True  # bytes that belong to no exchange
            self.abort()
            return
        self.answered = True
        self.touched = self.loop.time()
        if not self.status:
            self._head.append(data)
        self._feed(data)
        # After the head, or the last chunk's line, there came its end; nothing but a line's end can have come since.
        self.between = self.between and data.endswith(b"\r\n")
        if not self.status:
            if sum(map(len, self._head)) > HEAD_LIMIT:
                self.fail("invalid")
            if not self.error:
                return
        if self.buffered > HIGH_WATER and not self.paused and not self.closed:
            self.paused = True
            self._transport.pause_reading()
        if self.pump is not None:
            self.pump()
        elif self._waiter is not None:
            self.wake()

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.spoiled = True
            if not self.complete and not self.error:
                self.fail("invalid")

    def eof_received(self) -> bool:
        if not self.answered:
            self.stale = self._unread()
            # Under TLS nothing keeps it open.
            if self.reused and self.busy and not self.stale and not self._pool.secured:
                self.loop.call_later(RESET_SECONDS, self._ended_unanswered)
                return True  # we close it
        self._ended(clean=True)
        return False

    def _ended_unanswered(self) -> None:
        """Some time after a FIN: a reset behind it says that the peer closed before it had read everything."""
        if not self.closed:
            self.stale = self._tcp_info()[0] == TCP_CLOSE
            self._ended(clean=True)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and self.busy and not self.complete and not self.error:
            if not self.answered:
                self.stale = self._unread() or self._unsent()
            if isinstance(exc, ssl.SSLError) and not self.reused:
                self._pool.distrust(exc)
                self.error = "tls"
            self._salvage()
        self.closed = True
        self._pool.remove(self)
        self._ended(clean=exc is None)
        if self._drainer is not None and not self._drainer.done():
            self._drainer.set_result(None)

    def _ended(self, *, clean: bool) -> None:
        if self.busy and not self.complete and not self.error:
            # An answer without a length ends where the connection does.
            if clean and self.status and not self._framed():
                self.complete = True
            else:
                self.error = "closed"
        self.spoiled = True
        self.wake()

    def _framed(self) -> bool:
        names = {line.partition(b":")[0].lower() for line in self.head_block().split(b"\r\n")}
        return b"content-length" in names or b"transfer-encoding" in names

    def _unread(self) -> bool:
        """Whether the peer's kernel has not taken all that we sent: then nobody has read the request."""
        plain = self._transport.get_extra_info("socket")
        if plain is None:  # under TLS the socket is gone before we hear of it
            return False
        try:
            packed = fcntl.ioctl(plain.fileno(), termios.TIOCOUTQ, bytes(4))
        except (OSError, ValueError):
            return False
        return bool(struct.unpack("i", packed)[0] > 0)

    def _unsent(self) -> bool:
        """Whether nothing of the request has left this host: the reset was here before it."""
        _, sent, again = self._tcp_info()
        return sent - again <= self._sent_before

    def _tcp_info(self) -> tuple[int, int, int]:
        """State, bytes sent and bytes sent again; nothing that proves anything where the system does not tell."""
        plain = self._transport.get_extra_info("socket")
        if plain is None:  # under TLS the socket is gone before we hear of it
            return 0, self._sent + 1, 0
        try:
            info = plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO.size)
            state, sent, again = TCP_INFO.unpack(info)
        except (OSError, ValueError, struct.error):
            return 0, self._sent + 1, 0
        return state, sent, again

    def _salvage(self) -> None:
        """Read what had arrived before a write failed: an early answer is often followed by a reset."""
        if self._pool.secured:
            return
        with contextlib.suppress(OSError, ValueError):
            spare = os.dup(self._transport.get_extra_info("socket").fileno())
            with socket.socket(fileno=spare) as plain:
                plain.setblocking(False)
                while not self.complete and not self.error and (data := plain.recv(HIGH_WATER)):
                    self.answered = True
                    if not self.status:
                        self._head.append(data)
                    self._feed(data)

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._drainer is not None and not self._drainer.done():
            self._drainer.set_result(None)

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self.complete:
            self.spoiled = True

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self.complete:
            return
        if status < 200:
            self._interim += 1
            if status == 101 or status < 100:
                self.fail("invalid")  # nobody asked for an upgrade, and below 100 there is nothing
            return
        self.status = status
        self.between = True
        if self._head_only:
            self.complete = True
            self.keep = self._parser.should_keep_alive()
            # This parser would wait for a body that never comes.
            self._parser = httptools.HttpResponseParser(self)

    def on_body(self, data: bytes) -> None:
        if self.complete:
            self.spoiled = True
            return
        self._chunks.append(data)
        self.buffered += len(data)

    def on_chunk_header(self) -> None:
        self.between = False

    def on_chunk_complete(self) -> None:
        self.between = True

    def on_message_complete(self) -> None:
        self.between = False
        if self.status and not self.complete:
            self.complete = True
            self.keep = self._parser.should_keep_alive()
