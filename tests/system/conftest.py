"""The real processes on real servers, with a wire to Redis that can be cut, and customers who must notice nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import redis

from app.gateway.identify import client_of
from app.store.stream import partition_of, row_key
from bench.soak import callers, stage
from bench.soak.model_api import Loop, ModelApi
from bench.soak.stage import Stage, until

RECOVERY_SECONDS = 5.0  # the promise
SLACK_SECONDS = 15.0  # for the other tests that run on the same cores meanwhile


class Wire:
    """A TCP relay to Redis: passes, delays, swallows or refuses."""

    def __init__(self, loop: Loop, target: int) -> None:
        self._loop = loop
        self._target = target
        self.delay = 0.0  # seconds, for what the server answers
        self._links: set[asyncio.StreamWriter] = set()
        self.port = stage.free_port()
        self._server: asyncio.Server | None = None
        self.connect()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop.loop).result(60)

    def connect(self) -> None:
        """Accept connections."""
        self._call(self._connect())

    async def _connect(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)

    def refuse(self) -> None:
        """Cut what is open and refuse what comes."""
        self._call(self._refuse())

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._cut()
        self._server = None

    async def _cut(self) -> None:
        for writer in list(self._links):
            writer.transport.abort()
        while self._links:
            await asyncio.sleep(0.005)

    def cut(self) -> None:
        """Cut what is open."""
        self._call(self._cut())

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._links.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            self._links.discard(writer)
            return
        self._links.add(far_writer)
        up = asyncio.create_task(self._copy(reader, far_writer, late=False))
        down = asyncio.create_task(self._copy(far_reader, writer, late=True))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            for one in (writer, far_writer):
                one.transport.abort()
            self._links -= {writer, far_writer}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if late and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()

    def close(self) -> None:
        self.refuse()


class Traffic:
    """Customers who go on asking while something breaks."""

    def __init__(self, loop: Loop, port: int) -> None:
        self.crowd = callers.Crowd(port, lanes=3, clients=12)
        self._future = asyncio.run_coroutine_threadsafe(self.crowd.run(10**9, pause=0.01), loop.loop)

    def more(self, count: int = 60) -> float:
        """Wait for `count` more whole answers; the median of their seconds."""
        tally = self.crowd.tally
        first = len(tally.seconds)
        until(lambda: len(tally.seconds) >= first + count or tally.failures, "answers")
        assert not tally.failures, tally.failures[:3]
        return statistics.median(tally.seconds[first:])

    def stop(self) -> callers.Tally:
        """Let them finish; every one of them must have been served."""
        self.crowd.stopping = True
        tally = self._future.result(180)
        assert not tally.failures, tally.failures[:3]
        assert tally.good == tally.sent
        return tally


class Line:
    """The product with its servers, and what is asked of it during a fault."""

    def __init__(self, loop: Loop, api: ModelApi, product: Stage, server, wire: Wire) -> None:
        self.loop, self.api, self.product, self.server, self.wire = loop, api, product, server, wire
        self._probes = 0

    @contextlib.contextmanager
    def traffic(self) -> Iterator[Traffic]:
        customers = Traffic(self.loop, self.product.gateway)
        try:
            yield customers
        finally:
            customers.stop()

    def status(self) -> dict:
        return self.product.status()

    def process(self, role: str) -> dict:
        """The latest heartbeat of a role; empty where there is none."""
        beats = [one for one in self.status().get("processes", ()) if one["role"] == role]
        return max(beats, key=lambda one: one["at"], default={})

    def counts(self, role: str) -> dict[str, float]:
        beat = self.process(role)
        return {**beat.get("counters", {}), **beat.get("gauges", {})} if beat else {}

    def metric(self, text: str, *, gateway: bool = False) -> float:
        """The value of the first metric line that begins with `text`; -1 where there is none."""
        port, path = (self.product.gateway, "/_stillwatch/metrics") if gateway else (self.product.console, "/metrics")
        status, body = self.product.get(port, path)
        lines = body.decode().splitlines() if status == 200 else []
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(text)), -1.0)

    def ask(self, key: str) -> None:
        """One customer's request, which must be answered."""

        async def once() -> None:
            caller = callers.Caller(self.product.gateway)
            try:
                await caller.ask(callers.post(callers.question(1, stream=False), key))
            finally:
                await caller.close()

        asyncio.run_coroutine_threadsafe(once(), self.loop.loop).result(120)

    def scored(self, key: str) -> bool:
        """Whether a client has a row."""
        client = client_of(stage.SECRET.encode(), [(b"authorization", f"Bearer {key}".encode())], b"", "")
        place = int(partition_of(np.array([client], np.uint64), stage.PARTITIONS)[0])
        try:
            with contextlib.closing(self.server.client()) as direct:
                return bool(direct.exists(row_key(place, client)))
        except redis.RedisError:
            return False

    def recovers(self, what: str, seconds: float = RECOVERY_SECONDS) -> float:
        """Ask as ever new clients until one of them has been scored and the status is ok; the seconds it took."""
        started = time.monotonic()
        keys: list[str] = []
        while not any(self.scored(key) for key in keys):
            assert time.monotonic() - started < seconds + SLACK_SECONDS, f"{what}: not scored; {self.status()}"
            self._probes += 1
            keys.append(f"sk-probe-{self._probes}")
            self.ask(keys[-1])
            self._await_row(keys, time.monotonic() + 0.2)
        took = time.monotonic() - started
        # The heartbeats that the status is made of come every two seconds.
        until(lambda: self.status().get("mode") == "ok", f"{what}: the status is ok again", seconds + SLACK_SECONDS)
        print(f"{what}: scoring {took:.1f} s after the end of the fault")
        return took

    def _await_row(self, keys: list[str], deadline: float) -> None:
        until(lambda: time.monotonic() > deadline or any(map(self.scored, keys)), "a row")

    def settled(self) -> tuple[float, float]:
        """Requests that the gateway has ended, and events that are accounted for: emitted, dropped or waiting."""
        requests = self.product.counters()["requests"]
        gateway, beat = self.product.counters(), self.counts("extractor")
        names = ("events_emitted", "dropped_redis", "dropped_backlog", "emit_waiting_events")
        return requests, gateway["handoff_dropped"] + sum(beat.get(name, 0) for name in names)


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """An event loop in a thread, for customers and wires."""
    one = Loop()
    yield one
    one.close()


@pytest.fixture(scope="session")
def model_api() -> Iterator[ModelApi]:
    """A model API that does nothing wrong."""
    api = ModelApi()
    yield api
    api.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: sockets are in it."""
    path = Path(tempfile.mkdtemp(prefix="sw-sys-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def line(request, loop, model_api, private_valkey, folder) -> Iterator[Line]:
    """The whole product, started; the parameter is a dict of settings, of which `database` is a fixture's name.

    `direct`: no wire between the product and Redis, whose short patience a busy test process can overstrain.
    """
    settings = dict(getattr(request, "param", {}))
    database, direct = settings.pop("database", ""), settings.pop("direct", False)
    private_valkey.start()
    wire = Wire(loop, private_valkey.port)
    url = request.getfixturevalue(database) if database else ""
    product = Stage(folder, model_api.url, private_valkey.url if direct else wire.url, url, settings)
    try:
        product.start()
        made = Line(loop, model_api, product, private_valkey, wire)
        until(lambda: made.status().get("mode") == "ok", "the product is up")
        yield made
    finally:
        product.close()
        wire.close()
        for role in (*stage.ROLES, "linker"):
            if product.log(role).exists():
                print(f"--- {role}\n{product.log(role).read_text('utf-8', 'replace')[-3000:]}")


@pytest.fixture
def make_line():
    """What puts a product of the test's own together."""
    return Line


@pytest.fixture
def said():
    """A function that reads everything a product's processes have said."""

    def read(product: Stage) -> str:
        return "\n".join(product.log(role).read_text("utf-8", "replace") for role in stage.ROLES)

    return read


@pytest.fixture
def as_json():
    """A function that decodes the body of an answer."""
    return lambda answer: json.loads(answer[1])
