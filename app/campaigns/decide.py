"""Decide about every member of a campaign at once: first a look at who is hit, then the same order for real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.alerts import reviewing
from app.campaigns import history, organisations, queries
from app.errors import Conflict
from app.models.base import moment
from app.models.campaign import Campaign
from app.models.decision import Decision
from app.policies import decide, manual
from app.policies.decide import DecisionOut
from app.policies.manual import Order
from app.store.db import chunks

MOST = 500  # decisions of one call; what remains is said, and the same call again goes on with it
SAME = 0.9  # of the asked duration: a standing decision that lasts so long need not be made again

DECIDE, REPLACE, STANDS, EXEMPT = "decide", "replace", "stands", "exempt"


@dataclass(frozen=True, slots=True)
class CampaignOrder:
    """What a person wants done to everybody of a campaign; verified organisations are left out by default."""

    action: str
    seconds: float
    reason: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = True
    start_within: float = 0.0
    exempt_too: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """What would happen to one member: decide, replace (what stands ends), stands (nothing to do) or exempt."""

    client_id: str
    outcome: str
    organisation: str = ""
    standing: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Every member with its outcome, in order of id, and how many of each there are."""

    campaign: Campaign
    items: tuple[Item, ...]
    draft: Decision  # the decision that each would get, but for its client

    @property
    def counts(self) -> dict[str, int]:
        """Members by outcome, zeros too."""
        found = Counter(item.outcome for item in self.items)
        return {name: found[name] for name in (DECIDE, REPLACE, STANDS, EXEMPT)}


@dataclass(frozen=True, slots=True)
class Applied:
    """What was decided, what gateways must hear, and how many members another call is needed for."""

    campaign: Campaign
    made: tuple[Decision, ...]
    changed: list[DecisionOut]
    skipped: dict[str, int]
    remaining: int


async def preview(session: AsyncSession, campaign_id: str, wanted: CampaignOrder, actor: str, now: float) -> Plan:
    """Who would be hit and how; nothing is kept. Raises NotFound, InvalidInput."""
    return await _plan(session, await queries.get_campaign(session, campaign_id), wanted, actor, now)


async def _plan(session: AsyncSession, campaign: Campaign, wanted: CampaignOrder, actor: str, now: float) -> Plan:
    draft = manual.draft(_order(campaign, wanted, ""), actor, now)
    members = await queries.member_ids(session, campaign.id)
    stand = await _standing(session, members, now)
    exempt = {} if wanted.exempt_too else await organisations.verified_of(session, members)
    items = []
    for client in members:
        there = tuple(stand.get(client, ()))
        outcome = EXEMPT if client in exempt else _outcome(there, draft, wanted, now)
        items.append(Item(client, outcome, exempt.get(client, ""), there))
    return Plan(campaign, tuple(items), draft)


def _order(campaign: Campaign, wanted: CampaignOrder, client_id: str) -> Order:
    return Order(
        client_id=client_id,
        action=wanted.action,
        seconds=wanted.seconds,
        reason=wanted.reason,
        parameters=wanted.parameters,
        simulated=wanted.simulated,
        start_within=wanted.start_within,
        campaign_id=campaign.id,
    )


def _outcome(standing: Sequence[Decision], draft: Decision, wanted: CampaignOrder, now: float) -> str:
    old = manual.replaced(draft, standing)
    for one in old:
        lasts = one.expires_at.timestamp() - now >= SAME * wanted.seconds
        if lasts and one.simulated == draft.simulated and dict(one.parameters or {}) == dict(draft.parameters):
            return STANDS
    return REPLACE if old else DECIDE


async def _standing(session: AsyncSession, clients: Sequence[str], now: float) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = {}
    for part in chunks(clients):
        query = sa.select(Decision).where(
            Decision.client_id.in_(part),
            Decision.revoked_at.is_(None),
            Decision.expires_at > moment(now),
        )
        for one in await session.scalars(query.order_by(Decision.id)):
            found.setdefault(one.client_id, []).append(one)
    return found


async def apply(
    session: AsyncSession,
    campaign_id: str,
    wanted: CampaignOrder,
    expected_clients: int,
    actor: str,
    expected_version: int | None,
    now: float,
) -> Applied:
    """Decide about the members, at most MOST in one call; saying it again goes on until all is done.

    Raises Conflict where the campaign does not have `expected_clients` members any more: look again, then say so.
    """
    campaign = await reviewing.locked(session, Campaign, campaign_id, expected_version)
    plan = await _plan(session, campaign, wanted, actor, now)
    if len(plan.items) != expected_clients:
        raise Conflict(f"the campaign has {len(plan.items)} members now, not {expected_clients}: look again")
    due = [item.client_id for item in plan.items if item.outcome in (DECIDE, REPLACE)]
    made: list[Decision] = []
    changed: list[DecisionOut] = []
    for client in due[:MOST]:
        one = await manual.make(session, replace(_order(campaign, wanted, ""), client_id=client), actor, now)
        made.append(one.decision)
        changed += one.changed
    counts = plan.counts
    skipped = {name: counts[name] for name in (STANDS, EXEMPT)}
    remaining = len(due) - len(made)
    if made:
        data = {"action": str(plan.draft.action), "simulated": wanted.simulated, "clients": len(made), **skipped}
        data |= {"reason": wanted.reason.strip(), "remaining": remaining}
        history.step(session, campaign, "decided", actor, data, now)
        await session.flush()
    return Applied(campaign, tuple(made), changed, skipped, remaining)


async def revoke(
    session: AsyncSession, campaign_id: str, reason: str, actor: str, expected_version: int | None, now: float
) -> tuple[Campaign, list[DecisionOut]]:
    """End every standing decision that was made about the campaign as a whole."""
    reason = reviewing.words("/reason", reason)
    campaign = await reviewing.locked(session, Campaign, campaign_id, expected_version)
    query = sa.select(Decision).where(
        Decision.campaign_id == campaign.id, Decision.revoked_at.is_(None), Decision.expires_at > moment(now)
    )
    ended = []
    for one in await session.scalars(query.order_by(Decision.id).with_for_update()):
        ended.append(decide.end(one, decide.REVOKED, now, actor))
        one.revoked_note = reason
    if ended:
        history.step(session, campaign, "revoked", actor, {"reason": reason, "decisions": len(ended)}, now)
    await session.flush()
    return campaign, ended


async def counts(session: AsyncSession, campaign_id: str, now: float) -> dict[tuple[str, bool], int]:
    """How many decisions about the whole campaign are active, by action and whether they are simulated."""
    query = sa.select(Decision.action, Decision.simulated, sa.func.count()).where(
        Decision.campaign_id == campaign_id, Decision.revoked_at.is_(None), Decision.expires_at > moment(now)
    )
    found = await session.execute(query.group_by(Decision.action, Decision.simulated))
    return {(str(action), bool(simulated)): int(count) for action, simulated, count in found}
