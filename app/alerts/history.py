"""The steps of an alert's history: each change of what a reviewer acts on adds one, and one to the version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.alert import Alert
from app.models.alert_event import AlertEvent
from app.models.base import moment, new_id

SYSTEM = "stillwatch"  # the actor of what no person did


def step(session: AsyncSession, alert: Alert, kind: str, actor: str, data: Mapping[str, Any], now: float) -> None:
    """Count the version up, and write the step beside the change."""
    alert.version += 1
    alert.updated_at = moment(now)
    event = AlertEvent(
        id=new_id("ae", now),
        alert_id=alert.id,
        sequence=alert.version,
        at=moment(now),
        kind=kind,
        actor=actor,
        data=dict(data),
    )
    session.add(event)
