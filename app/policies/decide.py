"""Record decisions, and end them, in the caller's transaction: a policy's about alerts, a person's about a client."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.alert import Alert
from app.models.base import moment, new_id
from app.models.client import client_number
from app.models.decision import SYSTEM, Decision
from app.models.vocabulary import Action
from app.policies import rules

MANUAL = "manual"  # the policy of what a person decides
REVOKED = "revoked"  # why a decision ended that a person took back


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
    parameters: dict[str, Any] = field(default_factory=dict)

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
            "parameters": self.parameters,
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
        parameters=dict(decision.parameters or {}),
    )


async def _heard(session: AsyncSession, client_ids: Iterable[str], now: float) -> dict[str, list[Decision]]:
    """What stands of each client, and what a person lately revoked; locked, since somebody may be ending it."""
    lately = sa.and_(Decision.revoked_reason == REVOKED, Decision.revoked_at > moment(now - rules.EXEMPT_SECONDS))
    query = sa.select(Decision).where(Decision.client_id.in_(sorted(client_ids)))
    query = query.where(sa.or_(Decision.revoked_at.is_(None), lately))
    found: dict[str, list[Decision]] = {}
    for decision in await session.scalars(_locked(query)):
        found.setdefault(decision.client_id, []).append(decision)
    return found


def _locked(query: sa.Select[Decision]) -> sa.Select[Decision]:
    """The decisions as they are once whoever changes them has ended, in one order so that nobody crosses another."""
    return query.order_by(Decision.id).with_for_update().execution_options(populate_existing=True)


def end(decision: Decision, reason: str, now: float, actor: str = SYSTEM) -> DecisionOut:
    """End a decision that stands, for a reason in one word."""
    decision.revoked_at = moment(now)
    decision.revoked_reason = reason
    decision.revoked_by = actor
    return outcome(decision)


def ended_as(decision: Decision, now: float) -> str:
    """The word for what makes way: it ran out, or something took its place."""
    return "expired" if decision.expires_at <= moment(now) else "superseded"


def _seen(decision: Decision) -> rules.Standing:
    by_hand, revoked = decision.policy == MANUAL, decision.revoked_at is not None
    return rules.Standing(decision.action, decision.expires_at.timestamp(), decision.simulated, by_hand, revoked)


async def apply(
    session: AsyncSession, alerts: Sequence[Alert], now: float, enforce: Collection[Action] = ()
) -> list[DecisionOut]:
    """Decide on open alerts, each of another client; returns what changed: decisions that end, then the new ones.

    Only actions among `enforce` are decided for real; what is simulated ends nothing real and holds it back nowhere.
    What a person decided stands until it has run out.
    """
    if not alerts:
        return []
    heard = await _heard(session, {alert.client_id for alert in alerts}, now)
    ended: list[DecisionOut] = []
    made: list[Decision] = []
    for alert in alerts:
        old = heard.get(alert.client_id, [])
        for intent in rules.orders(alert.severity, enforce):
            if not all(rules.makes_way(intent, _seen(one), now) for one in old):
                continue
            goes = [one for one in old if rules.ends(intent, _seen(one), now)]
            ended += [end(one, ended_as(one, now), now) for one in goes]
            old = [one for one in old if one not in goes]
            made.append(_make(alert, intent, now))
    await session.flush()  # what ends must be gone before the index sees what takes its place
    for decision in made:
        session.add(decision)
    await session.flush()
    return [*ended, *(outcome(decision) for decision in made)]


def _make(alert: Alert, intent: rules.Intent, now: float) -> Decision:
    decision_id = new_id("dc", now)
    starts = now + rules.start_delay(decision_id)
    return Decision(
        id=decision_id,
        alert_id=alert.id,
        client_id=alert.client_id,
        action=intent.action,
        simulated=intent.simulated,
        parameters=dict(intent.parameters),
        made_by=SYSTEM,
        reason=intent.reason,
        policy=rules.POLICY,
        policy_version=rules.POLICY_VERSION,
        starts_at=moment(starts),
        expires_at=moment(starts + intent.seconds),
    )


async def revoke_of_alert(session: AsyncSession, alert_id: str, reason: str, now: float) -> list[DecisionOut]:
    """End every standing decision that came from the alert; returns them."""
    query = sa.select(Decision).where(Decision.alert_id == alert_id, Decision.revoked_at.is_(None))
    return [end(decision, reason, now) for decision in await session.scalars(_locked(query))]


async def ended_of_alert(session: AsyncSession, alert_id: str) -> list[DecisionOut]:
    """The alert's decisions that were ended, as gateways must have heard."""
    return [outcome(one) for one in await decisions_of_alert(session, alert_id) if one.revoked_at is not None]


async def decisions_of_alert(session: AsyncSession, alert_id: str) -> list[Decision]:
    """Every decision that came from the alert, oldest first."""
    return list(await session.scalars(sa.select(Decision).where(Decision.alert_id == alert_id).order_by(Decision.id)))
