"""Record decisions, and end them, in the transaction of the alert they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.alert import Alert
from app.models.base import moment, new_id
from app.models.client import client_number
from app.models.decision import Decision
from app.policies import rules
from app.webhooks import outbox


@dataclass(frozen=True, slots=True)
class DecisionOut:
    """A decision as gateways learn it; moments are epoch seconds."""

    id: str
    client: int
    action: str
    simulated: bool
    starts_at: float
    expires_at: float
    revoked: bool

    def as_entry(self) -> dict[str, Any]:
        """The JSON-ready form for the `decisions` stream."""
        return {
            "id": self.id,
            "client": self.client,
            "action": self.action,
            "simulated": self.simulated,
            "starts_at": self.starts_at,
            "expires_at": self.expires_at,
            "revoked": self.revoked,
        }


def outcome(decision: Decision) -> DecisionOut:
    """The row as gateways learn it."""
    return DecisionOut(
        id=decision.id,
        client=client_number(decision.client_id),
        action=str(decision.action),
        simulated=decision.simulated,
        starts_at=decision.starts_at.timestamp(),
        expires_at=decision.expires_at.timestamp(),
        revoked=decision.revoked_at is not None,
    )


async def _standing(session: AsyncSession, client_ids: Iterable[str]) -> dict[str, list[Decision]]:
    query = sa.select(Decision).where(Decision.client_id.in_(sorted(client_ids)), Decision.revoked_at.is_(None))
    found: dict[str, list[Decision]] = {}
    for decision in await session.scalars(query.order_by(Decision.id)):
        found.setdefault(decision.client_id, []).append(decision)
    return found


def _end(session: AsyncSession, decision: Decision, reason: str, now: float) -> DecisionOut:
    decision.revoked_at = moment(now)
    decision.revoked_reason = reason
    outbox.enqueue(session, "decision.revoked", decision.id, {"id": decision.id, "reason": reason}, now)
    return outcome(decision)


async def apply(session: AsyncSession, alerts: Sequence[Alert], now: float) -> list[DecisionOut]:
    """Decide on open alerts, each of another client; returns what changed: decisions that end, then the new ones."""
    if not alerts:
        return []
    standing = await _standing(session, {alert.client_id for alert in alerts})
    ended: list[DecisionOut] = []
    made: list[Decision] = []
    for alert in alerts:
        intent = rules.decide(alert.severity)
        old = standing.get(alert.client_id, [])
        if not all(rules.replaces(intent, one.action, one.expires_at.timestamp(), now) for one in old):
            continue
        ended += [_end(session, one, "expired" if one.expires_at <= moment(now) else "superseded", now) for one in old]
        made.append(_make(alert, intent, now))
    await session.flush()  # what ends must be gone before the index sees what takes its place
    for decision in made:
        session.add(decision)
        outbox.enqueue(session, "decision.created", decision.id, _summary(decision), now)
    await session.flush()
    return [*ended, *(outcome(decision) for decision in made)]


def _make(alert: Alert, intent: rules.Intent, now: float) -> Decision:
    return Decision(
        id=new_id("dc", now),
        alert_id=alert.id,
        client_id=alert.client_id,
        action=intent.action,
        simulated=intent.simulated,
        reason=intent.reason,
        policy=rules.POLICY,
        policy_version=rules.POLICY_VERSION,
        starts_at=moment(now),
        expires_at=moment(now + intent.seconds),
    )


def _summary(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "alert_id": decision.alert_id,
        "client_id": decision.client_id,
        "action": str(decision.action),
        "simulated": decision.simulated,
    }


async def revoke_of_alert(session: AsyncSession, alert_id: str, reason: str, now: float) -> list[DecisionOut]:
    """End every standing decision that came from the alert; returns them."""
    query = sa.select(Decision).where(Decision.alert_id == alert_id, Decision.revoked_at.is_(None))
    return [_end(session, decision, reason, now) for decision in await session.scalars(query.order_by(Decision.id))]


async def decisions_of_alert(session: AsyncSession, alert_id: str) -> list[Decision]:
    """Every decision that came from the alert, oldest first."""
    return list(await session.scalars(sa.select(Decision).where(Decision.alert_id == alert_id).order_by(Decision.id)))
