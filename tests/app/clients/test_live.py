"""A live client is read from the very row that the worker writes."""

import time

import numpy as np
import pytest
import redis

from app.clients.live import live
from app.errors import NotFound
from app.store.redis import connect_async
from app.store.stream import partition_of, row_key
from detectors import mixed
from detectors.event import zeros
from detectors.registry import load

NUMBER = 0xC0FFEE
PARTITIONS = 16


@pytest.fixture(scope="session")
def engine():
    return load()


@pytest.fixture
async def server(redis_url):
    client = connect_async(redis_url, 2.0)
    yield client
    await client.aclose()


@pytest.fixture
def rows(engine):
    now = time.time()
    events = zeros(20)
    events["client"], events["at"], events["status"] = NUMBER, now - np.arange(20)[::-1], 200
    found = engine.empty(np.array([NUMBER], np.uint64))
    engine.step(found, events, now)
    return found


def put(redis_url, data):
    partition = int(partition_of(np.array([NUMBER], np.uint64), PARTITIONS)[0])
    with redis.Redis.from_url(redis_url) as client:
        client.set(row_key(partition, NUMBER), data)


async def read(server, engine, name=f"cl_{NUMBER:016x}"):
    return await live(server, engine, name, time.time(), partitions=PARTITIONS)


async def test_the_row_is_explained(server, engine, rows, redis_url):
    put(redis_url, rows.tobytes())
    found = await read(server, engine)
    assert found.explanation.client == NUMBER
    assert found.explanation.requests == 20
    assert sum(count for _, count in found.activity.hours) == 20


async def test_no_row_is_none(server, engine):
    assert await read(server, engine) is None


async def test_a_row_of_another_version_or_client_is_none(server, engine, rows, redis_url):
    put(redis_url, rows.tobytes()[:-8])
    assert await read(server, engine) is None
    older = rows.copy()
    older["schema"] += 1
    put(redis_url, older.tobytes())
    assert await read(server, engine) is None
    other = rows.copy()
    other["client"] += 1
    put(redis_url, other.tobytes())
    assert await read(server, engine) is None


async def test_a_client_that_stands_for_a_part_of_its_traffic_is_explained_by_that(server, engine, rows, redis_url):
    rows["counted"], rows["parts"]["part"], rows["parts"]["level"], rows["parts"]["score"] = 400, 3, 2, 7.0
    number = int(mixed.ids(rows["client"], rows["parts"]["part"])[0])
    apart = rows.copy()
    apart["client"], apart["part"], apart["level"], apart["counted"] = number, 3, 2, 60
    put(redis_url, rows.tobytes())
    found = await read(server, engine)
    assert found.explanation.part_requests == 0  # its row is not there
    partition = int(partition_of(np.array([NUMBER], np.uint64), PARTITIONS)[0])
    with redis.Redis.from_url(redis_url) as client:
        client.set(row_key(partition, number), apart.tobytes())
    told = (await read(server, engine)).explanation
    assert (told.client, told.level, told.part_requests, told.requests) == (NUMBER, 2, 60, 20)
    assert told.sentence.startswith("In a part of its traffic, 60 of 400 answered requests")
    rows["level"] = 2
    rows["score"] = 9.0
    put(redis_url, rows.tobytes())
    assert (await read(server, engine)).explanation.part_requests == 0


async def test_a_name_that_is_none_is_not_found(server, engine):
    with pytest.raises(NotFound):
        await read(server, engine, "cl_x")


async def test_redis_that_is_away_is_said(engine, free_port):
    client = connect_async(f"redis://127.0.0.1:{free_port()}/0", 0.5)
    with pytest.raises(redis.RedisError):
        await read(client, engine)
    await client.aclose()
