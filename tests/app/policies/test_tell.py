"""Gateways are told after the commit; an absent Redis costs half a second at most and no error."""

from __future__ import annotations

import time

from app.models.vocabulary import Mode
from app.policies.decide import DecisionOut
from app.policies.mode import Present
from app.policies.tell import tell, tell_mode
from app.store import mode as stored
from app.store.decisions import STANDING, STREAM
from app.store.mode import Told
from app.store.redis import connect_async

MADE = DecisionOut("dc_1", 7, "tag", True, 1.0, 4e9, False)


async def test_decisions_and_mode_arrive(redis_url):
    redis = connect_async(redis_url, 5)
    try:
        assert await tell(redis, [])
        assert await tell(redis, [MADE])
        assert await tell_mode(redis, Present(Mode.OBSERVE, 0))
        assert await redis.get(stored.KEY) is None  # the setting is nobody's change
        assert await tell_mode(redis, Present(Mode.ENFORCE, 4))
        assert (await redis.xlen(STREAM), await redis.hlen(STANDING)) == (1, 1)
        assert stored.parse(await redis.get(stored.KEY)) == Told("enforce", 4)
    finally:
        await redis.aclose()


async def test_without_redis_it_says_so_and_goes_on(private_valkey):
    private_valkey.start()
    redis = connect_async(private_valkey.url, 5)
    await redis.ping()
    private_valkey.pause()
    began = time.monotonic()
    assert await tell(redis, [MADE]) is False
    assert await tell_mode(redis, Present(Mode.BYPASS, 1)) is False
    assert time.monotonic() - began < 5  # one patience of that client
    private_valkey.kill()
    assert await tell(redis, [MADE]) is False
    await redis.aclose()
