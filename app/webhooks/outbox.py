"""Write a notification in the transaction of the change it tells of; delivery is another process's business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.base import moment, new_id
from app.models.outbox import OutboxMessage


def enqueue(session: AsyncSession, topic: str, once: str, payload: Mapping[str, Any], now: float) -> None:
    """Add one thin message (ids and a summary); `once` names the change, and the database refuses a second of it."""
    message = OutboxMessage(
        id=new_id("ob", now), topic=topic, once=f"{topic}:{once}", payload=dict(payload), created_at=moment(now)
    )
    session.add(message)
