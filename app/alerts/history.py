"""The steps of an alert's history: each change of what a reviewer acts on adds one, and one to the version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.alert import Alert
from app.models.alert_event import AlertEvent
from app.models.base import moment, new_id
from app.webhooks import outbox

SYSTEM = "stillwatch"  # the actor of what no person did
TOLD = frozenset({"opened", "escalated", "closed", "reopened"})  # the steps that others are notified of


def step(session: AsyncSession, alert: Alert, kind: str, actor: str, data: Mapping[str, Any], now: float) -> None:
    """Count the version up, and write the step and its notification beside the change."""
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
    if kind in TOLD:
        summary = {
            "alert_id": alert.id,
            "client_id": alert.client_id,
            "status": str(alert.state),
            "severity": str(alert.severity),
            "score": alert.score,
            "version": alert.version,
        }
        outbox.enqueue(session, f"alert.{kind}", f"{alert.id}:{alert.version}", summary, now)
