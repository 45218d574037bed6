"""Decisions: published, followed, applied while they last, and kept while Redis is away."""

from __future__ import annotations

import asyncio
import time

import pytest
import redis

from app.store import decisions
from app.store.decisions import STREAM, Decision, Follower, Table, command, parse, publish
from app.store.redis import connect, connect_async


def _decision(number=1, client=7, **changes):
    return {
        "id": f"d{number}",
        "client": client,
        "action": "throttle",
        "simulated": True,
        "starts_at": 0,
        "expires_at": 4e9,
        "revoked": False,
        **changes,
    }


def _in_table(number=1, client=7, start=10.0, end=20.0, revoked=False):
    return Decision(f"d{number}", client, "block", True, start, end, revoked)


def test_a_decision_applies_from_its_start_until_its_expiry():
    table = Table()
    table.apply(_in_table(), 0)
    assert [bool(table.active(7, now)) for now in (9.9, 10, 19.9, 20)] == [False, True, True, False]
    assert table.active(8, 15) == ()


def test_the_last_word_on_an_id_holds():
    table = Table()
    table.apply(_in_table(1), 0)
    table.apply(_in_table(2), 0)
    table.apply(_in_table(1, client=8), 0)
    assert [entry.id for entry in table.active(7, 15)] == ["d2"]
    assert [entry.id for entry in table.active(8, 15)] == ["d1"]
    table.apply(_in_table(1, client=8, revoked=True), 0)
    assert (table.active(8, 15), len(table)) == ((), 1)


def test_what_has_expired_is_never_kept_and_swept_away():
    table = Table()
    table.apply(_in_table(1), 20)
    assert len(table) == 0
    table.apply(_in_table(2), 0)
    table.sweep(19)
    assert len(table) == 1
    table.sweep(20)
    assert len(table) == 0


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"id":1}',
     '{"id":"a","client":null,"action":"x","simulated":true,"starts_at":0,"expires_at":1}',
     '{"id":"a","client":"cl_zz","action":"x","simulated":true,"starts_at":0,"expires_at":1}',
     '{"id":"a","client":1,"action":"x","simulated":true,"starts_at":NaN,"expires_at":1}'],
)  # fmt: skip
def test_what_is_no_decision_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011
        parse(text)


def test_clients_are_numbers_or_names_and_doubt_means_simulated():
    assert parse(command(_decision(client="cl_00000000000000ff"))[-1]).client == 255
    assert parse(command(_decision(simulated=False))[-1]).simulated is False
    assert parse(command(_decision(simulated=0))[-1]).simulated is True
    with pytest.raises(ValueError):  # noqa: PT011
        command({"id": "x"})


async def test_decisions_reach_a_follower(redis_url):
    table = Table()
    client = connect_async(redis_url, timeout=5)
    follower = Follower(client, table, time.time)
    with connect(redis_url, timeout=5) as publisher:
        publish(publisher, [_decision(number) for number in range(2500)])
        publisher.xadd(STREAM, {"d": "nonsense"})
        publisher.xadd(STREAM, {"other": "field"})
        assert [await follower.read() for _ in range(4)] == [1000, 1000, 502, 0]
        assert (len(table), follower.unreadable) == (2500, 2)
        publish(publisher, [_decision(3, revoked=True)])
        assert await follower.read() == 1
    assert len(table) == 2499
    await follower.close()


async def test_a_follower_outlives_redis_and_its_table_stays(private_valkey, monkeypatch):
    monkeypatch.setattr(decisions, "POLL_SECONDS", 0.02)
    table = Table()
    follower = Follower(connect_async(private_valkey.url), table, time.time)
    task = asyncio.create_task(follower.run())
    await _until(lambda: follower.failures)
    private_valkey.start()
    with redis.Redis.from_url(private_valkey.url) as publisher:
        publish(publisher, [_decision(1)])
    await _until(lambda: len(table) == 1)
    private_valkey.kill()
    await _until(lambda: not follower.connected)
    assert len(table.active(7, time.time())) == 1
    private_valkey.start()  # empty: its stream begins anew
    with redis.Redis.from_url(private_valkey.url) as publisher:
        publish(publisher, [_decision(2)])
    await _until(lambda: len(table) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await follower.close()


async def test_a_black_hole_costs_a_tenth_of_a_second_not_a_minute(private_valkey):
    private_valkey.start()
    follower = Follower(connect_async(private_valkey.url), Table(), time.time)
    await follower.read()
    private_valkey.pause()
    began = time.monotonic()
    with pytest.raises((redis.RedisError, TimeoutError, OSError)):
        await follower.read()
    assert time.monotonic() - began < 1
    private_valkey.resume()
    await follower.close()


async def _until(condition, seconds=10):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
