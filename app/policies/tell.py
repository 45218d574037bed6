"""Tell the gateways, after the commit: at once where Redis answers; else a worker says it when it compares again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from redis.exceptions import RedisError

from app.policies.decide import DecisionOut
from app.policies.mode import Present
from app.store import decisions as store
from app.store import mode as stored_mode

TELL_SECONDS = 0.5  # an answer does not wait longer for Redis

logger = logging.getLogger(__name__)


async def tell(redis: Any, changed: Iterable[DecisionOut]) -> bool:
    """Publish decisions that are committed; False where Redis is away, which loses nothing."""
    entries = [decision.as_entry() for decision in changed]
    if not entries:
        return True
    try:
        async with asyncio.timeout(TELL_SECONDS):
            await store.publish_async(redis, entries)
    except (RedisError, OSError, TimeoutError):
        logger.warning("Redis is away: the gateways hear of it when it is back (decisions: %d)", len(entries))
        return False
    return True


async def tell_mode(redis: Any, present: Present) -> bool:
    """Publish the mode that is committed; False where Redis is away, which loses nothing."""
    told = present.told()
    if told is None:
        return True
    try:
        async with asyncio.timeout(TELL_SECONDS):
            await stored_mode.publish_async(redis, told)
    except (RedisError, OSError, TimeoutError):
        logger.warning("Redis is away: the gateways hear of the mode when it is back")
        return False
    return True
