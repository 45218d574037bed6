"""Pooled, byte-transparent client to the model API: HTTP/1.1 over TCP or verified TLS."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from typing import TypeVar
from urllib.parse import urlsplit

from app.gateway import tls
from app.gateway.connection import Connection

POOL_IDLE_SECONDS = 8.0  # model APIs close idle connections after as little as 15
TICK_SECONDS = 1.0
QUIET_SECONDS = 10.0  # between two lines in the log on the same model API's TLS
KEEPALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 6))

C = TypeVar("C", bound=Connection)

logger = logging.getLogger(__name__)


class ConnectFailed(Exception):
    """No connection to the model API: it did not answer in time, or it is not to be trusted, or neither."""

    def __init__(self, reason: str, *, timed_out: bool = False, untrusted: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out
        self.untrusted = untrusted  # TLS failed


class Pool:
    """Connections to one model API: idle ones are kept a few seconds, silent ones are ended."""

    def __init__(
        self,
        url: str,
        connect_seconds: float,
        idle_seconds: float,
        secured: ssl.SSLContext | None = None,
        server_name: str = "",
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._tls = secured
        self.secured = secured is not None
        self._server_name = (server_name or self._host) if secured else None
        self._port = parts.port or (443 if secured else 80)
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._idle: list[Connection] = []  # the longest idle first
        self._ticker: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._all: set[Connection] = set()
        self.opened = self.reused = self.failed = 0
        self.retries = 0  # requests sent again because a pooled connection was stale
        self.untrusted = 0  # connections that failed in TLS
        self._quiet_until = 0.0

    @property
    def idle(self) -> int:
        """Connections that wait in the pool."""
        return len(self._idle)

    def start(self) -> None:
        """Begin reaping; needs a running loop."""
        self._loop = asyncio.get_running_loop()
        self._tick()

    def close(self) -> None:
        """Close every connection."""
        if self._ticker is not None:
            self._ticker.cancel()
        for connection in list(self._all):
            connection.fail("closed")
        self._idle.clear()

    def get(self) -> Connection | None:
        """An idle connection, the latest used first."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not connection.spoiled:
                self.reused += 1
                return connection
        return None

    def put(self, connection: Connection) -> None:
        """Keep a connection for the next exchange."""
        connection.idle_since = connection.loop.time()
        self._idle.append(connection)

    def remove(self, connection: Connection) -> None:
        """A connection is gone."""
        self._all.discard(connection)
        if not connection.busy:
            with contextlib.suppress(ValueError):
                self._idle.remove(connection)

    async def connect(self, kind: type[C]) -> C:
        """A new connection of this kind; raises ConnectFailed."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                transport, connection = await loop.create_connection(
                    lambda: kind(self, loop), self._host, self._port, ssl=self._tls, server_hostname=self._server_name
                )
        except TimeoutError:
            self.failed += 1
            raise ConnectFailed(f"no connection within {self._connect_seconds:g} s", timed_out=True) from None
        except (ssl.SSLError, ssl.CertificateError) as error:
            self.failed += 1
            raise ConnectFailed(self.distrust(error), untrusted=True) from None
        except (OSError, UnicodeError) as error:
            self.failed += 1
            raise ConnectFailed(_reason(error)) from None
        plain = transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE:
            plain.setsockopt(socket.IPPROTO_TCP, option, value)
        self.opened += 1
        self._all.add(connection)
        return connection

    def distrust(self, error: Exception) -> str:
        """Count and log that TLS failed with the model API; the reason in words."""
        self.untrusted += 1
        why = tls.reason(error)
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            logger.error("no TLS connection to the model API", extra={"host": self._host, "reason": why})
        return why

    def _tick(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        while self._idle and self._idle[0].idle_since < now - POOL_IDLE_SECONDS:
            self._idle.pop(0).abort()
        silent = now - self._idle_seconds
        for connection in [entry for entry in self._all if entry.busy]:
            if connection.heard:
                connection.heard, connection.touched = False, now
            elif connection.touched < silent and not connection.paused:
                connection.fail("timeout")
        self._ticker = self._loop.call_later(min(TICK_SECONDS, self._idle_seconds / 4), self._tick)


def _reason(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "its name does not resolve"
    if isinstance(error, ConnectionRefusedError):
        return "it refuses connections"
    return type(error).__name__
