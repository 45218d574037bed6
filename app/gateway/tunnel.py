"""Two connections joined: bytes, half-closes and aborts pass both ways, untouched; what a WebSocket needs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence
from typing import Protocol

import httptools

from app.gateway.connection import Connection
from app.gateway.drive import Turn, Waiter
from app.gateway.tap import Tap
from app.store.frames import CLIENT_ABORTED, OK, TIMEOUT, UPSTREAM_TRUNCATED

SWITCHING = 101
LINGER_SECONDS = 30.0  # for one side to take what it was sent, once the other is gone
RESET = struct.pack("ii", 1, 0)


class Owner(Protocol):
    """Whose connection it was while HTTP ruled it."""

    def hand_over(self, heir: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """Let `heir` have the connection; gives it, and what came after the head."""
        ...

    def connection_lost(self, exc: Exception | None, /) -> None:
        """The connection is gone."""
        ...


class UpgradingConnection(Connection):
    """A connection whose model API may answer that it goes on in another protocol."""

    __slots__ = ("_early",)

    _early: bytes  # what came after the head

    def hand_over(self, heir: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """Let `heir` have the connection; gives it, and what came after the head."""
        self._transport.set_protocol(heir)
        return self._transport, self._early

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() == SWITCHING:
            self.status = SWITCHING
            self._early = b""
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self.status != SWITCHING:
            super().on_message_complete()

    def _feed(self, data: bytes) -> None:
        if self.status == SWITCHING:
            self._early += data
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as pause:
            self._early = data[pause.args[0] :]
        except httptools.HttpParserError:
            self.status = 0 if self.status == SWITCHING else self.status  # it switches to nothing
            self.spoiled = True
            if not self.complete and not self.error:
                self.fail("invalid")

    def connection_lost(self, exc: Exception | None) -> None:
        if self.status != SWITCHING:
            super().connection_lost(exc)
            return
        self.closed = True
        self._pool.remove(self)
        self.wake()


class End(asyncio.Protocol):
    """One side of a tunnel."""

    def __init__(self, tunnel: Tunnel, owner: Owner, tap: Tap | None) -> None:
        self._tunnel = tunnel
        self._owner = owner
        self._tap = tap
        self.other = self  # until the tunnel joins them
        self.ended = self.lost = False
        self.transport, self._early = owner.hand_over(self)

    def start(self) -> None:
        """Pass on what came before the tunnel stood."""
        if self._early:
            self.data_received(self._early)

    def reset(self) -> None:
        """Close at once, so that the peer sees that this is no orderly end."""
        if not self.lost:
            with contextlib.suppress(OSError, AttributeError):
                self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.transport.abort()

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        self._tunnel.touch()
        if self._tap is not None:
            self._tap.add(data)
        if not self.other.lost:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        other = self.other
        if other.ended or other.lost or not (other.transport.can_write_eof() and self.transport.can_write_eof()):
            other.transport.close()  # TLS knows no half-closed connection
            return False
        other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._owner.connection_lost(exc)
        self._tunnel.left(self, exc)


class Tunnel:
    """Joins a client's connection and a model API's; `outcome` says afterwards how it ended."""

    outcome = -1  # not yet known
    _waiter: Waiter | None = None

    def __init__(self, client: Owner, upstream: UpgradingConnection, taps: Sequence[Tap | None]) -> None:
        up, down = taps
        self._upstream = upstream
        self._loop = upstream.loop
        self._timer: asyncio.TimerHandle | None = None
        self._ends = End(self, client, up), End(self, upstream, down)
        for end, other in (self._ends, reversed(self._ends)):
            end.other = other

    async def run(self) -> None:
        """Until both sides are gone."""
        for end in self._ends:
            end.start()
        while not all(end.lost for end in self._ends):
            self._waiter = Turn() if self._upstream.driven else self._loop.create_future()
            await self._waiter

    def cut(self) -> None:
        """Reset both sides, where they are still there."""
        if self._timer is not None:
            self._timer.cancel()
        for end in self._ends:
            end.reset()

    def touch(self) -> None:
        """Something passed: the limit on silence begins anew."""
        self._upstream.touched = self._loop.time()

    def left(self, end: End, exc: Exception | None) -> None:
        """One side is gone: end the other in the same manner, after what was sent to it."""
        if self.outcome < 0:
            self.outcome = self._judge(end, exc)
        if end.other.lost:
            if self._timer is not None:
                self._timer.cancel()
            waiter, self._waiter = self._waiter, None
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
        elif self.outcome == OK:
            end.other.transport.close()
            self._timer = self._loop.call_later(LINGER_SECONDS, end.other.reset)
        else:
            end.other.reset()

    def _judge(self, end: End, exc: Exception | None) -> int:
        if self._upstream.error == "timeout":
            return TIMEOUT
        if exc is None:
            return OK
        return CLIENT_ABORTED if end is self._ends[0] else UPSTREAM_TRUNCATED
