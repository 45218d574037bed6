"""Following: deltas while the thread holds, everything anew where it was lost, nothing forgotten meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest
import redis

from app.store import follower as module
from app.store import mode
from app.store.decisions import FIELD, GENERATION, STANDING, STREAM, publish
from app.store.follower import PAGE, Follower
from app.store.mode import Told
from app.store.redis import connect, connect_async
from app.store.table import Table


def entry(number=1, client=7, **changes):
    base = {"id": f"d{number}", "client": client, "action": "throttle", "simulated": True, "starts_at": 0}
    return base | {"expires_at": 4e9, "revoked": False} | changes


@pytest.fixture
async def following(redis_url):
    """A follower of the shared server with its table, a publisher, and the modes that were heard."""
    table, heard = Table(), []
    follower = Follower(connect_async(redis_url, timeout=5), table, heard.append)
    with connect(redis_url, timeout=5) as publisher:
        yield follower, table, publisher, heard
    await follower.close()


async def until(condition, seconds=60):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_deltas_reach_a_follower_page_by_page(following):
    follower, table, publisher, _ = following
    publish(publisher, [entry(number) for number in range(2 * PAGE + 3)])
    publisher.xadd(STREAM, {FIELD: "nonsense"})
    publisher.xadd(STREAM, {"other": "field"})
    assert [await follower.read() for _ in range(4)] == [PAGE, PAGE, 5, 0]
    assert (len(table), follower.unreadable, follower.resyncs) == (2 * PAGE + 3, 2, 0)
    publish(publisher, [entry(3, revoked=True)])
    assert await follower.read() == 1
    assert len(table) == 2 * PAGE + 2


async def test_who_starts_late_reads_what_the_stream_no_longer_has(following):
    follower, table, publisher, _ = following
    publish(publisher, [entry(number) for number in range(1000)])
    publish(publisher, [entry(5, revoked=True)])
    publisher.set(GENERATION, "one")
    publisher.xtrim(STREAM, maxlen=0, approximate=False)
    assert await follower.read() == 0
    assert (len(table), follower.resyncs) == (999, 1)
    publish(publisher, [entry(2000)])
    assert await follower.read() == 1
    assert (len(table), follower.resyncs) == (1000, 1)


async def test_after_a_flush_the_table_stays_until_the_hash_is_whole_again(following):
    follower, table, publisher, _ = following
    publish(publisher, [entry(1), entry(2)])
    publisher.set(GENERATION, "one")
    await follower.read()
    publisher.flushall()
    await follower.read()
    assert table.ids() == ["d1", "d2"]
    publish(publisher, [entry(2), entry(3)])
    publisher.set(GENERATION, "two")  # the database knows of no d1
    await follower.read()
    assert sorted(table.ids()) == ["d2", "d3"]


async def test_the_mode_is_heard_and_its_absence_changes_nothing(following):
    follower, _, publisher, heard = following
    await follower.read()
    mode.publish(publisher, Told("enforce", 1))
    await follower.read()
    publisher.flushall()
    await follower.read()
    publisher.set(mode.KEY, "nonsense")
    await follower.read()
    assert heard == [Told("enforce", 1)]


async def test_what_is_revoked_while_all_is_read_stays_revoked(following):
    """The hash is read in pages; a change meanwhile comes by the stream."""
    follower, table, publisher, _ = following
    publish(publisher, [entry(number) for number in range(600)])
    publisher.set(GENERATION, "one")
    reading = follower._redis.hscan

    async def slowly(*arguments, **more):
        page = await reading(*arguments, **more)
        publish(publisher, [entry(9, revoked=True), entry(9999)])
        return page

    follower._redis.hscan = slowly
    await follower.read()
    await follower.read()
    assert "d9" not in table
    assert "d9999" in table
    assert publisher.hlen(STANDING) == 601


async def test_a_follower_outlives_redis_and_its_table_stays(private_valkey, monkeypatch):
    monkeypatch.setattr(module, "POLL_SECONDS", 0.02)
    table = Table()
    follower = Follower(connect_async(private_valkey.url), table)
    task = asyncio.create_task(follower.run())
    await until(lambda: follower.failures)
    private_valkey.start()
    with redis.Redis.from_url(private_valkey.url) as publisher:
        publish(publisher, [entry(1)])
    await until(lambda: len(table) == 1)
    private_valkey.kill()
    await until(lambda: not follower.connected)
    assert len(table.active(7, time.time(), time.monotonic())) == 1
    private_valkey.start()  # empty: its stream begins anew
    with redis.Redis.from_url(private_valkey.url) as publisher:
        publish(publisher, [entry(2)])
    await until(lambda: len(table) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await follower.close()


async def test_a_black_hole_costs_a_tenth_of_a_second_not_a_minute(private_valkey):
    private_valkey.start()
    follower = Follower(connect_async(private_valkey.url), Table())
    await follower.read()
    private_valkey.pause()
    began = time.monotonic()
    with pytest.raises((redis.RedisError, TimeoutError, OSError)):
        await follower.read()
    assert time.monotonic() - began < 10
    private_valkey.resume()
    await follower.close()
