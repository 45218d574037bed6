"""One linker at a time: the lease is kept by a thread, passes on, and is never held by two.

Whoever has it again cannot think that nothing happened.
"""

import time

import pytest
import redis

from app.linker.keeper import Keeper
from app.store import linking
from app.store.heartbeat import Heartbeat, read_all


@pytest.fixture
def keeper(redis_url):
    made = []

    def make(name, url=redis_url, lease=0.8, started=True):
        keeper = Keeper(url, name, lambda now: Heartbeat("linker", name, now, now), lease)
        made.append(keeper)
        if started:
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


def lead(one):
    """Have it take the free lease; a busy machine's Redis may need a second try."""
    eventually(lambda: one.renew() or one.tenure())
    return one.tenure()


def test_the_second_stands_by_and_takes_over(keeper, redis_url):
    first = keeper("a")
    eventually(first.tenure)
    second = keeper("b")
    with redis.Redis.from_url(redis_url) as client:
        eventually(lambda: {beat.instance for beat in read_all(client)} == {"a", "b"})
    assert first.tenure()
    assert not second.tenure()
    eventually(lambda: second.stands_by)
    first.stop()
    eventually(second.tenure)
    assert not second.stands_by


def test_without_redis_nobody_works_for_longer_than_the_lease(keeper, private_valkey):
    private_valkey.start()
    one = keeper("a", private_valkey.url)
    eventually(one.tenure)
    private_valkey.pause()
    eventually(lambda: not one.tenure())
    assert not one.stands_by
    private_valkey.resume()
    eventually(one.tenure)


def test_the_time_goes_on_until_somebody_else_may_have_had_the_lease(keeper, redis_url):
    first, second = (keeper(name, lease=60.0, started=False) for name in "ab")
    tenure = lead(first)
    first.renew()
    assert first.tenure() == tenure
    with redis.Redis.from_url(redis_url) as client:
        client.delete(linking.LEASE)
    lead(second)
    assert (first.tenure(), first.confirms(tenure)) == (tenure, False)  # its own clock cannot know
    eventually(lambda: first.renew() or first.stands_by)
    assert first.tenure() == ""
    second.stop()
    assert lead(first) != tenure
    assert first.confirms(first.tenure())
    assert not first.confirms(tenure)


def test_a_time_that_redis_said_is_over_is_left(keeper):
    one = keeper("a", lease=60.0, started=False)
    one.leave(lead(one))
    eventually(lambda: one.renew() or one.stands_by)
    assert one.tenure() == ""  # what stands there is nobody's: it runs out


def test_where_redis_is_silent_our_clock_says_whether_it_lasts(keeper, private_valkey):
    private_valkey.start()
    one = keeper("a", private_valkey.url, lease=60.0, started=False)
    tenure = lead(one)
    private_valkey.kill()
    assert one.confirms(tenure)
    assert not one.confirms("another")
