"""Write a notification in the transaction of the change it tells of; delivery is another process's business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.base import moment, new_id
from app.models.outbox import OutboxMessage

KEPT_SECONDS = 30 * 86_400.0  # for which a message waits for its delivery, or is kept after it
PRUNED = 500  # messages that go at once, so that nobody waits for it


def enqueue(session: AsyncSession, topic: str, once: str, payload: Mapping[str, Any], now: float) -> None:
    """Add one thin message (ids and a summary); `once` names the change, and the database refuses a second of it."""
    message = OutboxMessage(
        id=new_id("ob", now), topic=topic, once=f"{topic}:{once}", payload=dict(payload), created_at=moment(now)
    )
    session.add(message)


async def prune(session: AsyncSession, now: float) -> int:
    """Delete some of the oldest messages, if their time is over; how many. Ids are ordered by time.

    What they told of stays in alerts, decisions and changes of the mode; no change is told again so much later.
    """
    oldest = await session.execute(
        sa.select(OutboxMessage.id, OutboxMessage.created_at).order_by(OutboxMessage.id).limit(PRUNED)
    )
    over = [message for message, made in oldest if made < moment(now - KEPT_SECONDS)]
    if over:
        await session.execute(sa.delete(OutboxMessage).where(OutboxMessage.id.in_(over)))
    return len(over)
