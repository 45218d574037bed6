"""Events reach their streams in blocks; a Redis that is away, silent or full costs events, each counted, never time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter

import numpy as np
import pytest

from app.extractor import emit
from app.extractor.emit import BLOCK_EVENTS, Emitter
from app.store.redis import Link, connect, pack
from app.store.reply import RECEIVE_BYTES, Reply
from app.store.stream import keys, partition_of, read, read_command
from detectors.event import zeros

PARTITIONS = 4


def some(count: int, first: int = 0) -> np.ndarray:
    events = zeros(count)
    events["at"] = 1_764_000_000.0
    events["client"] = np.arange(first, first + count)
    return events


def stored(url: str) -> list[int]:
    """The clients of all events in all streams; each in its own partition, or the test fails."""
    clients: list[int] = []
    with contextlib.closing(Link(url, 5)) as link:
        for partition in range(PARTITIONS):
            link.send(pack(*read_command(partition, b"0-0", 100_000)))
            blocks = read(Reply(link, bytearray(RECEIVE_BYTES)), partition, PARTITIONS, 100_000, 10**9)
            if blocks is None:
                continue
            assert (blocks.rejected, blocks.misplaced) == (0, 0)
            assert (partition_of(blocks.events["client"], PARTITIONS) == partition).all()
            clients += blocks.events["client"].tolist()
    return sorted(clients)


@contextlib.asynccontextmanager
async def running(url: str, backlog: int = 1000, close_seconds: float = 5.0):
    counts: Counter[str] = Counter()
    emitter = Emitter(url, PARTITIONS, backlog, counts)
    task = asyncio.create_task(emitter.run())
    try:
        yield emitter, counts
    finally:
        emitter.stop()
        await task
        await emitter.close(close_seconds)


async def until(condition, seconds: float = 90.0) -> float:
    """Poll until `condition` holds; how long it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, "it did not come about in time"
        await asyncio.sleep(0.01)
    return time.monotonic() - begun


async def test_every_event_is_in_its_partitions_stream_once(redis_url):
    async with running(redis_url) as (emitter, counts):
        for first in range(0, 3000, 250):
            emitter.add(some(250, first))
        await until(lambda: counts["events_emitted"] == 3000)
    assert stored(redis_url) == list(range(3000))
    assert counts["dropped_redis"] == counts["dropped_backlog"] == 0


async def test_blocks_hold_up_to_their_limit(redis_url):
    async with running(redis_url) as (emitter, counts):
        events = some(1000)
        events["client"] = 5
        emitter.add(events)
        await until(lambda: counts["events_emitted"] == 1000)
    assert counts["blocks"] == -(-1000 // BLOCK_EVENTS)


async def test_what_waits_at_the_stop_is_sent(redis_url):
    async with running(redis_url) as (emitter, counts):
        emitter.add(some(100))
    assert stored(redis_url) == list(range(100))
    assert counts["events_emitted"] == 100


async def test_a_full_stream_drops_and_counts_and_takes_again_when_it_was_read(redis_url):
    async with running(redis_url, backlog=5) as (emitter, counts):

        async def add(first: int) -> None:
            emitter.add(some(64, first))  # enough for every partition to have some
            await until(lambda: counts["events_emitted"] + counts["dropped_backlog"] == 64 * (first + 1))

        for first in range(5):
            await add(first)
        assert counts["dropped_backlog"] == 0
        await add(5)
        assert counts["dropped_backlog"] == 64
        assert len(stored(redis_url)) == counts["events_emitted"] == 5 * 64
        with contextlib.closing(connect(redis_url)) as client:
            assert {client.xlen(keys(partition).events) for partition in range(PARTITIONS)} == {5}
            for partition in range(PARTITIONS):
                client.delete(keys(partition).events)
        await add(6)  # this one may still be dropped, but it asks for the lengths again
        dropped = counts["dropped_backlog"]
        await add(7)
        assert counts["dropped_backlog"] == dropped


async def test_redis_refuses_then_comes(private_valkey):
    """Nothing was sent, so nothing is lost: what fits the buffer waits."""
    async with running(private_valkey.url) as (emitter, counts):
        emitter.add(some(500))
        await until(lambda: counts["redis_failures"] >= 3)
        assert not emitter.connected
        assert emitter.held == 500
        assert emitter.lag_seconds() > 0
        private_valkey.start()
        assert await until(lambda: counts["events_emitted"] == 500) < 30
        assert emitter.connected
    assert stored(private_valkey.url) == list(range(500))


async def test_a_black_hole_drops_what_was_on_its_way_and_recovers(private_valkey):
    private_valkey.start()
    async with running(private_valkey.url) as (emitter, counts):
        emitter.add(some(10))
        await until(lambda: counts["events_emitted"] == 10)
        private_valkey.pause()
        emitter.add(some(10, 10))
        begun = time.monotonic()
        await asyncio.sleep(0)
        assert time.monotonic() - begun < 0.5  # the loop does not wait for Redis
        await until(lambda: counts["dropped_redis"] == 10)
        emitter.add(some(10, 20))
        await until(lambda: counts["redis_failures"] >= 3)
        private_valkey.resume()
        assert await until(lambda: counts["events_emitted"] == 20) < 5
    found = stored(private_valkey.url)
    assert set(found) >= {*range(10), *range(20, 30)}
    assert len(found) == len(set(found))  # what was counted as dropped may have arrived, but never twice


async def test_a_restarted_server_is_used_again(private_valkey):
    private_valkey.start()
    async with running(private_valkey.url) as (emitter, counts):
        emitter.name_models({"0000002a": "acme-large"})
        emitter.add(some(10))
        await until(lambda: counts["events_emitted"] == 10)
        private_valkey.kill()
        emitter.add(some(10, 10))
        await until(lambda: counts["redis_failures"] >= 1)
        private_valkey.start()
        emitter.add(some(10, 20))
        await until(lambda: counts["events_emitted"] + counts["dropped_redis"] == 30)
        with contextlib.closing(connect(private_valkey.url)) as client:
            assert client.hgetall("names:models") == {b"0000002a": b"acme-large"}


async def test_an_echo_on_the_port_is_a_redis_that_is_away():
    async def echo(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running(f"redis://127.0.0.1:{port}/0", close_seconds=0.1) as (emitter, counts):
        emitter.add(some(10))
        await until(lambda: counts["redis_failures"] >= 2)
        assert emitter.held == 10  # nothing is risked on what does not answer as Redis does
        assert not emitter.connected
    server.close()
    await server.wait_closed()
    assert counts["dropped_redis"] == 10


async def test_the_buffer_is_bounded(private_valkey, monkeypatch):
    monkeypatch.setattr(emit, "BUFFER_EVENTS", 100)
    async with running(private_valkey.url, close_seconds=0.5) as (emitter, counts):
        for first in range(0, 300, 60):
            emitter.add(some(60, first))
        assert emitter.held == 100
        assert counts["dropped_redis"] == 200
    assert counts["dropped_redis"] == 300  # and what still waited at the stop


async def test_stopping_with_a_silent_server_is_quick(private_valkey):
    private_valkey.start()
    async with running(private_valkey.url) as (emitter, counts):
        emitter.add(some(1))
        await until(lambda: counts["events_emitted"] == 1)
        private_valkey.pause()
        emitter.add(some(5))
        begun = time.monotonic()
    assert time.monotonic() - begun < 4.5  # of the 5 it may take
    assert counts["events_emitted"] + counts["dropped_redis"] == 6


async def test_model_names_are_published_once_and_bounded(redis_url, monkeypatch):
    monkeypatch.setattr(emit, "MODELS_LIMIT", 3)
    async with running(redis_url) as (emitter, counts):
        emitter.name_models({f"{number:08x}": f"m{number}" for number in range(10)})
        emitter.add(some(1))
        await until(lambda: counts["events_emitted"] == 1)
    with contextlib.closing(connect(redis_url)) as client:
        assert client.hgetall("names:models") == {b"%08x" % number: b"m%d" % number for number in range(3)}


async def test_accounts_are_published_and_kept_while_redis_is_away(private_valkey):
    url = private_valkey.url
    async with running(url) as (emitter, counts):
        emitter.name_accounts({"00000000000000ff": "acme"})
        await until(lambda: counts["redis_failures"] >= 1)
        private_valkey.start()
        emitter.name_accounts({"0000000000000001": "other"})

        def told():
            with connect(url) as redis, contextlib.suppress(Exception):
                return redis.hgetall("names:accounts") == {b"00000000000000ff": b"acme", b"0000000000000001": b"other"}

        await until(told)


async def test_other_commands_go_along(redis_url):
    async with running(redis_url) as (emitter, _):
        emitter.publish([("SET", "replaced", "x")])
        emitter.publish([("SET", "kept", "y")])
        with contextlib.closing(connect(redis_url)) as client:
            await until(lambda: client.get("kept") == b"y")
            assert client.get("replaced") is None


@pytest.mark.parametrize("count", [1, BLOCK_EVENTS, BLOCK_EVENTS + 1])
async def test_any_count_is_whole(redis_url, count):
    async with running(redis_url) as (emitter, _):
        emitter.add(some(count))
    assert stored(redis_url) == list(range(count))
