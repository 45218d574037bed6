"""Heartbeats: what is published is read by all, what is silent disappears."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter

import redis
import redis.asyncio

from app.store import heartbeat
from app.store.heartbeat import Heartbeat


def beat(role, instance, **more):
    return Heartbeat(role, instance, at=100.0, started=50.0, **more)


async def test_all_processes_are_read_in_order(redis_url):
    worker = beat("worker", "b", counters=Counter({"events": 5}), gauges={"lag": 1.5}, info={"database": "away"})
    with redis.Redis.from_url(redis_url) as client:
        heartbeat.publish(client, worker)
        async with redis.asyncio.Redis.from_url(redis_url) as other:
            await heartbeat.publish_async(other, beat("extractor", "a"))
            expected = [beat("extractor", "a"), worker]
            assert heartbeat.read_all(client) == expected
            assert await heartbeat.read_all_async(other) == expected
        assert worker.pid == os.getpid()
        assert 0 < client.ttl(worker.key) <= heartbeat.LIFE_SECONDS


async def test_a_silent_process_is_gone_and_forgotten(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        heartbeat.publish(client, beat("worker", "a"))
        heartbeat.publish(client, beat("worker", "b"))
        client.delete(beat("worker", "a").key)
        assert heartbeat.read_all(client) == [beat("worker", "b")]
        assert client.smembers(heartbeat.INDEX) == {b"worker:b"}
        client.delete(beat("worker", "b").key)
        async with redis.asyncio.Redis.from_url(redis_url) as other:
            assert await heartbeat.read_all_async(other) == []
        assert heartbeat.read_all(client) == []


def test_a_beat_again_replaces_the_last_one(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        heartbeat.publish(client, beat("worker", "a"))
        later = dataclasses.replace(beat("worker", "a"), at=101.0, counters={"events": 9})
        heartbeat.publish(client, later)
        assert heartbeat.read_all(client) == [later]


def test_another_versions_heartbeat_is_left_out():
    assert heartbeat.parse([b'{"role":"worker","new":1}', b"not json", b"[1]", None]) == []
