"""The hand-off of exchange copies from gateway to extractor on one host: bounded, lossy and counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from struct import Struct
from typing import Any, cast

from app.store.frames import OUTCOMES, Copy, Counters, Decoder, Record, Whole, encode, pack_whole

__all__ = ["OUTCOMES", "Copy", "Counters", "Decoder", "Record", "Sender", "encode", "serve"]

ACK = Struct("<Q")  # extractor to gateway: copies received on this connection so far
HIGH_WATER = 1 << 20  # bytes in the transport beyond which frames are held back
FLUSH_SECONDS = 0.05  # each write wakes the extractor, and its answer us
FLUSH_BYTES = 65536  # make a write, before the time is up: the bytes are still in the processor's cache
COUNTER_SECONDS = 1.0
RETRY_SECONDS = (0.05, 1.0)  # first and longest pause between attempts to connect
FLUSHED_SECONDS = 0.01  # how often a closing sender looks whether all is acknowledged

logger = logging.getLogger(__name__)


class _Sending(asyncio.Protocol):
    """The gateway's end of one connection: counts acknowledgements, minds back-pressure."""

    def __init__(self, sender: Sender, lost: asyncio.Future[None]) -> None:
        self._sender = sender
        self._lost = lost
        self._rest = b""
        self.acknowledged = 0

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        whole = len(data) - len(data) % ACK.size
        self._rest = data[whole:]
        if whole:
            (self.acknowledged,) = ACK.unpack_from(data, whole - ACK.size)

    def pause_writing(self) -> None:
        self._sender.pause()

    def resume_writing(self) -> None:
        self._sender.resume()

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)


class _Telling(asyncio.Protocol):
    """The gateway's end of the connection for counters, which nobody answers."""

    def __init__(self, lost: asyncio.Future[None]) -> None:
        self._lost = lost

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)


class Sender:
    """The gateway's side: takes frames without ever waiting, sends them in the background.

    `limit` bounds the bytes that wait. A frame that finds no room, or whose connection broke before the
    extractor acknowledged it, is counted in `dropped`; `sent` counts the acknowledged. Counters have a connection
    of their own: behind copies that wait they would be silent just while copies are dropped.
    """

    def __init__(
        self,
        path: Path,
        limit: int,
        instance: str,
        counters: Callable[[], Mapping[str, float]] | None = None,
        accounts: Callable[[], dict[str, str]] = dict,
        started: float = 0.0,
    ) -> None:
        self._path = path
        self._limit = limit
        self._instance = instance
        self._counters = counters
        self._accounts = accounts
        self._started = started
        self._pieces: list[bytes] = []  # of the frames that came last
        self._facts: list[Whole] = []  # of copies that came after those and whose frames are yet to be made
        self._count = self._size = 0  # of both, and their bytes
        self._batches: deque[tuple[int, int, list[bytes]]] = deque()  # the same of earlier ones: frames, bytes, pieces
        self._transport: asyncio.WriteTransport | None = None
        self._protocol: _Sending | None = None
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._telling: asyncio.WriteTransport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._written = 0  # copies, on the present connection
        self._sent = 0  # copies acknowledged on earlier connections
        self._drops = 0
        self.bytes = 0
        self.waiting = 0  # bytes not yet written

    @property
    def connected(self) -> bool:
        """Whether the extractor is there."""
        return self._transport is not None

    @property
    def sent(self) -> int:
        """Copies that the extractor has acknowledged."""
        return self._sent + (self._protocol.acknowledged if self._protocol is not None else 0)

    @property
    def dropped(self) -> int:
        """Copies that never reached the extractor."""
        return self._drops

    def start(self) -> None:
        """Begin connecting; needs a running loop."""
        self._loop = asyncio.get_running_loop()
        self._tasks = [self._loop.create_task(self._run())]
        if self._counters is not None:
            self._tasks.append(self._loop.create_task(self._tell()))

    def offer(self, frame: bytes) -> bool:
        """Take one copy's frame, or count it as dropped; never waits."""
        return self.offer_parts(len(frame), (frame,))

    def offer_parts(self, size: int, parts: tuple[bytes, ...]) -> bool:
        """The same for a frame in pieces, of `size` bytes in all; they are joined when they are sent."""
        if self.waiting + size > self._limit or self._loop is None:
            self._drops += 1
            return False
        if self._facts:
            self._frame()
        self._pieces += parts
        self._add(size, self._loop)
        return True

    def offer_whole(self, size: int, facts: Whole) -> bool:
        """The same for a copy whose frame of `size` bytes is made when it is sent: many at once cost less."""
        if self.waiting + size > self._limit or self._loop is None:
            self._drops += 1
            return False
        self._facts.append(facts)
        self._add(size, self._loop)
        return True

    def _add(self, size: int, loop: asyncio.AbstractEventLoop) -> None:
        self._count += 1
        self._size += size
        self.waiting += size
        if self._timer is None:
            self._timer = loop.call_later(FLUSH_SECONDS, self._due)
        if self._size > FLUSH_BYTES:
            self._seal()
            if not self._paused and self._transport is not None:
                self._flush()

    def _due(self) -> None:
        self._timer = None
        self._flush()

    def _frame(self) -> None:
        pieces = self._pieces
        for facts in self._facts:
            pieces += pack_whole(facts)
        self._facts = []

    def _seal(self) -> None:
        if self._facts:
            self._frame()
        self._batches.append((self._count, self._size, self._pieces))
        self._pieces = []
        self._count = self._size = 0

    def pause(self) -> None:
        """The connection is full: hold frames back."""
        self._paused = True

    def resume(self) -> None:
        """The connection has room again."""
        self._paused = False
        self._flush()

    def _flush(self) -> None:
        if self._count:
            self._seal()
        while self._batches and self._transport is not None and not self._paused:
            count, size, pieces = self._batches.popleft()
            self._written += count
            self.waiting -= size
            self.bytes += size
            self._transport.write(b"".join(pieces))

    async def _connect(self, protocol: Callable[[], Any]) -> tuple[asyncio.WriteTransport, Any]:
        loop = asyncio.get_running_loop()
        pause, longest = RETRY_SECONDS
        while True:
            try:
                transport, made = await loop.create_unix_connection(protocol, str(self._path))
                return cast(asyncio.WriteTransport, transport), made
            except OSError:
                await asyncio.sleep(pause)
                pause = min(pause * 2, longest)

    async def _run(self) -> None:
        while True:
            lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._connected(*await self._connect(lambda: _Sending(self, lost)))  # noqa: B023
            try:
                await lost
            finally:
                self._disconnected()

    async def _tell(self) -> None:
        while True:
            lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._telling, _ = await self._connect(lambda: _Telling(lost))  # noqa: B023
            while not lost.done():
                self._say()
                await asyncio.wait((lost,), timeout=COUNTER_SECONDS)
            self._telling = None

    def _say(self) -> None:
        """Write the counters, unless those of before still wait: an extractor that hangs must not fill our memory."""
        if self._counters is None or self._telling is None or self._telling.get_write_buffer_size():
            return
        told = Counters(self._instance, dict(self._counters()), self._accounts(), self._started)
        self._telling.write(encode(told))

    def _connected(self, transport: asyncio.WriteTransport, protocol: _Sending) -> None:
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._transport, self._protocol = transport, protocol
        self._paused = False
        self._flush()

    def _disconnected(self) -> None:
        """Settle the count: what was written and not acknowledged did not arrive."""
        if self._transport is not None:
            self._transport.abort()
        if self._protocol is not None:
            self._sent += self._protocol.acknowledged
            self._drops += self._written - self._protocol.acknowledged
        self._transport = self._protocol = None
        self._written = 0

    async def close(self, seconds: float) -> None:
        """Send what waits, for at most `seconds`; what is left is counted as dropped."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        self._flush()
        while loop.time() < deadline and self._transport is not None and self._protocol is not None:
            if not self.waiting and self._protocol.acknowledged >= self._written:
                break
            await asyncio.sleep(FLUSHED_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._drops += self._count + sum(count for count, _, _ in self._batches)
        self._pieces, self._facts, self._count, self._size = [], [], 0, 0
        self._batches.clear()
        self.waiting = 0
        self._say()  # with what was just counted as dropped
        if self._telling is not None:
            self._telling.close()  # writes what waits
            self._telling = None
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Receiving(asyncio.Protocol):
    """The extractor's end of one connection: decodes, passes on, acknowledges."""

    def __init__(self, on_records: Callable[[list[Record]], None]) -> None:
        self._decoder = Decoder()
        self._on_records = on_records
        self._transport: asyncio.Transport | None = None
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        try:
            records = self._decoder.feed(data)
        except ValueError as error:
            logger.warning("hand-off connection closed: %s", error)
            self._transport.abort()
            return
        if not records:
            return
        copies = sum(isinstance(record, Copy) for record in records)
        self._on_records(records)
        if copies:
            self._received += copies
            self._transport.write(ACK.pack(self._received))


def _listener(path: Path) -> socket.socket:
    """A listening unix socket that only its owner can open; a stale file of the same name is removed."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(str(path)) == 0:
                    listener.close()
                    raise OSError(f"another extractor listens on {path}")
            path.unlink()
    old = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(old)
    return listener


async def serve(path: Path, on_records: Callable[[list[Record]], None]) -> asyncio.Server:
    """Listen for gateways at `path`; `on_records` gets copies and counters as they come, in order.

    It runs in the loop and is the back-pressure: while it works the gateway's frames wait, then drop.
    """
    loop = asyncio.get_running_loop()
    server: Any = await loop.create_unix_server(lambda: _Receiving(on_records), sock=_listener(path))
    return cast(asyncio.Server, server)
