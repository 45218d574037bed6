"""One linker at a time: the lease is kept by a thread, passes on, and is never held by two."""

import time

import pytest
import redis

from app.linker.keeper import Keeper
from app.store.heartbeat import Heartbeat, read_all


@pytest.fixture
def keeper(redis_url):
    made = []

    def make(name, url=redis_url):
        keeper = Keeper(url, name, lambda now: Heartbeat("linker", name, now, now), 0.8)
        made.append(keeper)
        keeper.start()
        return keeper

    yield make
    for one in made:
        one.stop()


def eventually(holds, seconds=90.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_second_stands_by_and_takes_over(keeper, redis_url):
    first = keeper("a")
    eventually(first.holds)
    second = keeper("b")
    with redis.Redis.from_url(redis_url) as client:
        eventually(lambda: {beat.instance for beat in read_all(client)} == {"a", "b"})
    assert first.holds()
    assert not second.holds()
    first.stop()
    eventually(second.holds)


def test_without_redis_nobody_works_for_longer_than_the_lease(keeper, private_valkey):
    private_valkey.start()
    one = keeper("a", private_valkey.url)
    eventually(one.holds)
    private_valkey.pause()
    eventually(lambda: not one.holds())
    private_valkey.resume()
    eventually(one.holds)
