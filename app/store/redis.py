"""How we connect to Redis or Valkey: short timeouts, no retries, errors in our own words."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import hiredis
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.errors import SettingError, Unavailable

TIMEOUT_SECONDS = 0.1  # redis-py's own defaults can hold a call for a minute
OLDEST_SERVER = (6, 2)  # the first with XTRIM MINID
READ_BYTES = 1 << 20
SOCKET_BYTES = 4 << 20  # so that a batch's rows go without a wait for the other side
_REMEDY = "give redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix:///PATH"
_PENDING = object()

LARGE_BYTES = 1 << 14  # an argument from this size on is sent from where it lies, without a copy

Argument = bytes | str | int | memoryview


@dataclass(frozen=True, slots=True)
class Server:
    """What the server at the other end is; `evicts` when it may throw rows away under memory pressure."""

    version: str
    evicts: bool


def connect(url: str, timeout: float = TIMEOUT_SECONDS) -> redis.Redis:
    """A lazy synchronous client; `timeout` in seconds for connecting and for each reply; raises SettingError."""
    retry = Retry(NoBackoff(), 0)
    try:
        return redis.Redis.from_url(url, retry=retry, **_options(timeout))
    except (ValueError, TypeError) as error:
        raise SettingError("REDIS_URL", _reason(error), _REMEDY) from None


def connect_async(url: str, timeout: float = TIMEOUT_SECONDS) -> redis.asyncio.Redis:
    """A lazy asyncio client; `timeout` in seconds for connecting and for each reply; raises SettingError."""
    retry = AsyncRetry(NoBackoff(), 0)
    try:
        return redis.asyncio.Redis.from_url(url, retry=retry, **_options(timeout))
    except (ValueError, TypeError) as error:
        raise SettingError("REDIS_URL", _reason(error), _REMEDY) from None


def check(client: redis.Redis) -> Server:
    """Ask the server what it is; raises SettingError when it is too old, Unavailable when it does not answer."""
    try:
        info = client.info()
    except redis.RedisError as error:
        raise Unavailable(f"Redis: {error}") from error
    return judge(info)


async def check_async(client: redis.asyncio.Redis) -> Server:
    """The same as `check`, for an asyncio client."""
    try:
        info = await client.info()
    except redis.RedisError as error:
        raise Unavailable(f"Redis: {error}") from error
    return judge(info)


def judge(info: Mapping[str, Any]) -> Server:
    """The server that an INFO reply describes; raises SettingError when it is older than we can use."""
    version = str(info.get("valkey_version") or info.get("redis_version") or "0")
    spoken = [int(part) for part in re.findall(r"\d+", str(info.get("redis_version", "0")))[:2]]
    if tuple(spoken) < OLDEST_SERVER:
        wanted = ".".join(str(part) for part in OLDEST_SERVER)
        raise SettingError("REDIS_URL", f"the server is version {version}", f"use Redis or Valkey {wanted} or newer")
    limited = int(info.get("maxmemory", 0)) > 0
    return Server(version, limited and info.get("maxmemory_policy", "noeviction") != "noeviction")


def _options(timeout: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "health_check_interval": 0,
        "protocol": 2,
    }


def _reason(error: Exception) -> str:
    # redis-py quotes the URL, which may hold a password, in none of its messages but the port's.
    return "the port is not a number" if "port" in str(error).lower() else "it is not a Redis URL"


def pack(*arguments: Argument) -> bytes:
    """One command in the Redis protocol."""
    return b"".join(_parts([arguments]))


def _parts(commands: Iterable[Sequence[Argument]]) -> list[bytes | memoryview]:
    """Commands in the Redis protocol, in as many pieces as leave every large argument where it is."""
    whole: list[bytes | memoryview] = []
    small: list[bytes] = []
    for arguments in commands:
        small.append(b"*%d\r\n" % len(arguments))
        for argument in arguments:
            data = argument if isinstance(argument, bytes | memoryview) else str(argument).encode()
            small.append(b"$%d\r\n" % len(data))
            if len(data) < LARGE_BYTES:
                small += (bytes(data), b"\r\n")
            else:
                whole += (b"".join(small), data)
                small = [b"\r\n"]
    return [*whole, b"".join(small)]


class Link:
    """One blocking connection that speaks packed commands: what bulk reads and writes of rows need.

    Every failure, a server's error reply included, closes the connection (so no WATCH outlives it)
    and raises Unavailable; the next use connects again.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._client = connect(url, timeout)
        self._timeout = timeout
        self._connection: Any = None
        self._socket: socket.socket | None = None
        self._reader = self._new_reader()
        self._buffer = bytearray(READ_BYTES)

    @property
    def connected(self) -> bool:
        """Whether a connection stands, as far as we know."""
        return self._socket is not None

    def send(self, *buffers: bytes | memoryview) -> None:
        """Write packed commands; connects first where needed."""
        link = self._socket or self._connect()
        try:
            for buffer in buffers:
                link.sendall(buffer)
        except OSError as error:
            raise self._failed(error) from error

    def read(self, count: int) -> list[Any]:
        """The next `count` replies; raises Unavailable when one of them is an error."""
        replies = self.read_with_errors(count)
        for reply in replies:
            if isinstance(reply, Exception):
                raise self._failed(reply) from reply
        return replies

    def expect(self, expected: bytes) -> bool:
        """Whether exactly these bytes of replies come next, then they are read; else `read` gives what came.

        Thousands of replies that say the same need no object each.
        """
        known = 0
        while known < len(expected):
            received = self.receive_into(memoryview(self._buffer))
            compared = min(received, len(expected) - known)
            same = self._buffer[:compared] == expected[known : known + compared]
            if not same:
                self._reader.feed(expected[:known])
                self._reader.feed(self._buffer, 0, received)
                return False
            known += compared
            if compared < received:
                self._reader.feed(self._buffer, compared, received - compared)
        return True

    def read_with_errors(self, count: int) -> list[Any]:
        """The next `count` replies, error replies as exception objects among them."""
        replies: list[Any] = []
        while len(replies) < count:
            try:
                reply = self._reader.gets()
            except hiredis.ProtocolError as error:
                raise self._failed(ConnectionError("what listens there is not Redis")) from error
            if reply is _PENDING:
                received = self.receive_into(memoryview(self._buffer))
                self._reader.feed(self._buffer, 0, received)
            else:
                replies.append(reply)
        return replies

    def receive_into(self, view: memoryview) -> int:
        """Raw bytes of a reply that the caller parses itself; only when no other reply is awaited."""
        if self._socket is None:
            raise Unavailable("Redis: the connection is closed")
        try:
            received = self._socket.recv_into(view)
        except OSError as error:
            raise self._failed(error) from error
        if received == 0:
            raise self._failed(ConnectionResetError("the server closed the connection"))
        return received

    def ping(self) -> None:
        """Make sure that a Redis answers: a port may be held by something that echoes, or speaks another protocol."""
        reply = self.call("PING")
        if reply not in (b"PONG", "PONG"):
            raise self._failed(ConnectionError("what listens there is not Redis"))

    def call(self, *arguments: Argument) -> Any:
        """One command, one reply."""
        self.send(pack(*arguments))
        return self.read(1)[0]

    def pipeline(self, commands: Iterable[tuple[Argument, ...]]) -> list[Any]:
        """Many commands in one round trip, their replies in order."""
        asked = list(commands)
        if not asked:
            return []
        self.send(*_parts(asked))
        return self.read(len(asked))

    def close(self) -> None:
        """Forget the connection; the server drops what it watched."""
        connection, self._connection, self._socket = self._connection, None, None
        self._reader = self._new_reader()
        if connection is not None:
            connection.disconnect()

    def _connect(self) -> socket.socket:
        # Not the pool's make_connection: it counts what it ever made, and refuses the 101st, so that an outage of
        # some minutes would end in an error of the client library's own.
        pool = self._client.connection_pool
        connection: Any = pool.connection_class(**pool.connection_kwargs)
        try:
            connection.connect()
        except (redis.RedisError, OSError) as error:
            connection.disconnect()
            raise Unavailable(f"Redis: {error}") from error
        self._connection = connection
        # redis-py does the handshake (TLS, AUTH, SELECT); from here the socket is ours alone.
        plain = cast("socket.socket", connection._get_socket())
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            plain.setsockopt(socket.SOL_SOCKET, option, SOCKET_BYTES)  # the system may grant less
        self._socket = plain
        return plain

    def _failed(self, error: Exception) -> Unavailable:
        self.close()
        return Unavailable(f"Redis: {error or type(error).__name__}")

    @staticmethod
    def _new_reader() -> Any:
        reader = hiredis.Reader(notEnoughData=_PENDING)
        reader.setmaxbuf(0)  # keep the buffer: the next batch needs it again
        return reader
