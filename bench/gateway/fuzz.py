"""Fuzz what passes answers on: `python -m bench.gateway.fuzz [seconds]`, guided by coverage where atheris is installed.

An input is a play: a request, the bytes of an answer, where they are cut, and who leaves, dawdles or breaks off in
between. It runs twice: through the gateway's short ways (whole answers, spliced chunks, the coroutine's pump), and
through the connection's parser alone, which says what the client must have got. Without atheris the plays are random.
"""

from __future__ import annotations

import asyncio
import importlib
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from app.gateway import server
from app.gateway.app import Parts, create_gateway_app
from app.gateway.connection import Connection
from app.gateway.heads import answer_head
from app.gateway.serve import make_server
from app.gateway.upstream import Pool
from app.settings import read_settings
from app.store.frames import Copy, Decoder, pack_whole
from bench.gateway.script import REQUESTS, Choices, End, answer, cuts

PLAY: Final = 4096  # bytes of an input that are looked at
TICKS: Final = 6  # turns of the loop after each step: enough for every wait that is not for somebody else


class Play:
    """One input against one gateway."""

    def __init__(self, stage: Stage, data: bytes) -> None:
        self.choices = choices = Choices(data)
        self.stage = stage
        self.method, self.request = choices.of(REQUESTS)
        self.observed = choices.below(2) == 1
        stage.parts.proxy.watch(stage.observer if self.observed else None)
        stage.copies.clear()
        self.client = stage.client()
        self.upstream = stage.upstream()
        self.pooled = choices.below(2) == 1
        self.left = False
        self.plain = Connection(Pool("http://model.test", 1.0, 1.0), stage.loop)
        self.plain_end = End(self.plain)
        self.body: list[bytes] = []

    async def run(self) -> None:
        """Play it and judge."""
        stage, choices = self.stage, self.choices
        stage.next = self.upstream
        if self.pooled:
            connection = self.upstream.protocol
            stage.pool.put(connection)
        faults = server.Protocol.faults
        self.plain.begin(b"", self.method == b"HEAD", True)
        self.plain.pump = self._plain
        self.client.protocol.data_received(self.request)
        await turns()
        assert self.upstream.written, "nothing went up"
        for piece in cuts(choices, answer(choices)):
            await self._interfere()
            if self.upstream.closing:
                break
            self.plain.data_received(piece)
            self.upstream.protocol.data_received(piece)
            await turns(choices.below(2) * TICKS)
        await self._finish()
        assert server.Protocol.faults == faults, "a fault of the gateway's own"
        assert stage.parts.counts.in_flight == 0, "it never ended"
        self._judge()
        await self._another()

    def _plain(self) -> None:
        self.body.append(self.plain.take())

    async def _interfere(self) -> None:
        act = self.choices.below(24)
        if act == 1 and not self.client.closing:
            self.left = True
            self.client.lose(ConnectionResetError())
            await turns()
        elif act == 2:
            self.client.slow()
        elif act == 3:
            self.client.read_on()
            await turns()
        elif act == 4:
            await self._break(ConnectionResetError())
        elif act == 5:
            await self._break(None)

    async def _break(self, error: Exception | None) -> None:
        for end in (self.plain_end, self.upstream):
            if end.closing:
                continue
            if error is None:
                end.protocol.eof_received()
            end.lose(error)
        await turns()

    async def _finish(self) -> None:
        """Whatever is still open ends here: the model API closes, and a client that was slow reads on."""
        self.client.read_on()
        await turns()
        if not self.plain.complete:
            await self._break(None)
        self.client.read_on()
        await turns()

    def _judge(self) -> None:
        """What the client got must be what the parser alone makes of it."""
        plain, got = self.plain, b"".join(self.client.written)
        spoiled = plain.spoiled or not (plain.complete and plain.keep)
        assert self.upstream.closing or not spoiled, "a connection that is not fit is kept"
        head, _, rest = got.partition(b"\r\n\r\n")
        body, whole = decoded(head, rest)
        wanted = b"".join(self.body)
        valid = bool(plain.status) and answer_head(plain.head_block()).valid
        if self.left:
            return
        if not valid:
            assert head.startswith(b"HTTP/1.1 502"), (head, plain.status)
            assert whole or self.method == b"HEAD"
            return
        if self.observed:
            (copy,) = self.stage.copies
            assert copy.response_body == wanted, (copy.response_body, wanted)
            assert (copy.status, copy.response_bytes) == (plain.status, len(wanted))
        silent = self.method == b"HEAD" or plain.status in (204, 304)
        assert head.startswith(b"HTTP/1.1 %d " % plain.status), (head, plain.status)
        if silent:
            assert rest == b"", rest
            return
        assert body == wanted, (body, wanted)
        ended = whole if whole is not None else self.client.closing
        assert ended or self.client.closing
        assert not (ended and whole is not None and not plain.complete), "what broke off looks whole"

    async def _another(self) -> None:
        """A connection that was kept must be as good as new."""
        fresh = self.stage.upstream()
        if not self.client.closing:
            await self._ask(fresh)
        for one in (self.client, self.upstream, fresh):
            one.lose(None)
        await turns()

    async def _ask(self, fresh: End) -> None:
        stage = self.stage
        self.client.written.clear()
        other = self.client if self.choices.below(2) else stage.client()
        stage.next = fresh
        other.protocol.data_received(REQUESTS[0][1])
        await turns()
        end = self.upstream if not self.upstream.closing else fresh
        for piece in (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"4\r\nlast\r\n", b"0\r\n\r\n"):
            end.protocol.data_received(piece)
        await turns()
        assert b"".join(other.written).endswith(b"\r\n\r\n4\r\nlast\r\n0\r\n\r\n"), "the next exchange fails"
        assert other is self.client or not self.client.written, "another's answer"
        other.lose(None)


def decoded(head: bytes, rest: bytes) -> tuple[bytes, bool | None]:
    """A body as a strict client reads it, and whether it is whole; None where only the connection's end says that."""
    lines = [line.lower() for line in head.split(b"\r\n")]
    if b"transfer-encoding: chunked" in lines:
        parts: list[bytes] = []
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            assert re.fullmatch(rb"[0-9a-f]+", size), size
            length = int(size, 16)
            if length == 0:
                assert rest == b"\r\n", rest
                return b"".join(parts), True
            assert rest[length : length + 2] == b"\r\n", rest[:80]
            parts.append(rest[:length])
            rest = rest[length + 2 :]
        return b"".join(parts), False
    lengths = [int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")]
    return rest, (len(rest) == lengths[0]) if lengths else None


async def turns(count: int = TICKS) -> None:
    """Some turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


class Stage:
    """A gateway without sockets."""

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        given = {"UPSTREAM": "http://127.0.0.1:9", "STILLWATCH_DATA": str(folder), "STILLWATCH_SECRET": "fuzz " * 8}
        app = create_gateway_app(read_settings(given))
        made = make_server(app, 1.0)
        self.loop = loop
        self.config, self.state = made.config, made.server_state
        self.config.load()
        self.parts: Parts = app.state.parts
        self.parts.clock.start(loop)
        self.observer = self.parts._observer
        self.copies: list[Copy] = []
        sender: Any = self.parts.sender
        sender.offer_parts = lambda _size, *parts: self._take(parts[0])
        sender.offer_whole = lambda _size, facts: self._take(pack_whole(facts))
        found = self.parts.router.find(b"/v1/x")
        assert found is not None
        self.pool = found.pool
        self.next: End | None = None
        self.pool.connect = self._connect

    def _take(self, pieces: Iterable[bytes]) -> None:
        self.copies += [record for record in Decoder().feed(b"".join(pieces)) if isinstance(record, Copy)]

    def client(self) -> End:
        """A new connection of a client."""
        return End(server.Protocol(self.config, self.state, {}, self.loop))

    def upstream(self) -> End:
        """A new connection to the model API."""
        return End(Connection(self.pool, self.loop))

    async def _connect(self, _kind: object) -> Any:
        end, self.next = self.next, None
        assert end is not None, "a second connection"
        self.pool._all.add(end.protocol)
        return end.protocol


def make_target(loop: asyncio.AbstractEventLoop, folder: Path) -> Callable[[bytes], None]:
    """What takes an input; it raises where the gateway does what it must not."""

    async def made() -> Stage:
        return Stage(folder, loop)

    stage = loop.run_until_complete(made())

    def target(data: bytes) -> None:
        loop.run_until_complete(Play(stage, data[:PLAY]).run())

    return target


def unguided(target: Callable[[bytes], None], seconds: float, seed: int) -> int:
    """Random plays until the time is over; their number. One that fails is told with its input."""
    chance, count = random.Random(seed), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        data = chance.randbytes(chance.randrange(8, 400))
        try:
            target(data)
        except BaseException:
            print(f"failed: {data.hex()}", file=sys.stderr)
            raise
        count += 1
    return count


def main() -> int:
    """The command; exit code 0 where no play failed."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    loop = asyncio.new_event_loop()
    target = make_target(loop, Path(tempfile.mkdtemp(prefix="fuzz-")))
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print(f"atheris is not installed: random plays for {seconds} s, not guided by coverage")
        print(f"{unguided(target, seconds, time.time_ns())} plays, none failed")
        return 0
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", f"-max_len={PLAY}"], target)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
