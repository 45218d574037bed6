"""What a reviewer does to a campaign: claim, close with its members' alerts, re-open; in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.alerts import lifecycle as alerts
from app.alerts import reviewing
from app.campaigns import history, queries, settle
from app.errors import Conflict
from app.models.campaign import Campaign
from app.models.client import client_number
from app.models.vocabulary import Disposition, State
from app.policies import decide
from app.policies.decide import DecisionOut


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed campaign, how many of its members' alerts went with it, and the decisions that ended."""

    campaign: Campaign
    alerts: int
    ended: list[DecisionOut]


async def claim(
    session: AsyncSession, campaign_id: str, actor: str, expected_version: int | None, now: float
) -> Campaign:
    """Take the campaign into review; Conflict where it is closed or another reviewer has it."""
    campaign = await reviewing.locked(session, Campaign, campaign_id, expected_version)
    if reviewing.take(campaign, actor):
        history.step(session, campaign, "claimed", actor, {}, now)
        await session.flush()
    return campaign


async def close(
    session: AsyncSession,
    campaign_id: str,
    disposition: str | None,
    note: str,
    actor: str,
    expected_version: int | None,
    now: float,
    *,
    with_alerts: bool = False,
) -> Closed:
    """Close with a verdict; `with_alerts` closes its members' open alerts with the same one and the same note."""
    chosen = reviewing.disposition_of(disposition)
    note = reviewing.words("/note", note, required=False)
    campaign = await reviewing.locked(session, Campaign, campaign_id, expected_version)
    if campaign.state == State.CLOSED:
        raise Conflict("the campaign is closed already")
    settle.shut(campaign, chosen, note, actor, now)
    count, ended = await _close_alerts(session, campaign, chosen, note, actor, now) if with_alerts else (0, [])
    data = {"disposition": str(chosen), "note": note, "size": campaign.size, "alerts_closed": count}
    history.step(session, campaign, "closed", actor, data, now)
    await session.flush()
    return Closed(campaign, count, ended)


async def _close_alerts(
    session: AsyncSession, campaign: Campaign, disposition: Disposition, note: str, actor: str, now: float
) -> tuple[int, list[DecisionOut]]:
    """Close every open alert of the members; how many, and the decisions that ended with them."""
    words = f"{note}\nClosed with campaign {campaign.id}.".strip()[: reviewing.NOTE_LIMIT]
    found = await queries.open_alerts(session, await queries.member_ids(session, campaign.id))
    ended: list[DecisionOut] = []
    for alert in found:
        await alerts.close(session, alert.id, disposition, words, actor, alert.version, now)
        ended += await decide.ended_of_alert(session, alert.id)
    return len(found), ended


async def reopen(
    session: AsyncSession, campaign_id: str, reason: str, actor: str, expected_version: int | None, now: float
) -> Campaign:
    """Bring a closed campaign back to the queue, without the members who are in another one that is open by now.

    Conflict where a newer episode exists, it was merged away, or all its members are in others.
    """
    reason = reviewing.words("/reason", reason)
    await settle.alone(session)
    campaign = await reviewing.locked(session, Campaign, campaign_id, expected_version)
    if campaign.state != State.CLOSED:
        raise Conflict("the campaign is not closed")
    if campaign.merged_into is not None:
        raise Conflict(f"the campaign was merged into {campaign.merged_into}: work on that one")
    newer = await session.scalar(sa.select(Campaign.id).where(Campaign.previous_id == campaign.id).limit(1))
    if newer is not None:
        raise Conflict(f"the campaign has a newer episode, {newer}: work on that one")
    clients = [client_number(client) for client in await queries.member_ids(session, campaign.id)]
    homes = await settle.homes(session, clients)
    if clients and len(homes) == len(clients):
        raise Conflict(f"all its members are in {', '.join(sorted(set(homes.values()))[:3])} now: work on that")
    campaign.state = State.NEW
    campaign.disposition = campaign.closed_at = campaign.closed_by = campaign.closed_size = None
    campaign.note = campaign.assignee = None
    history.step(session, campaign, "reopened", actor, {"reason": reason}, now)
    await settle.settle(session, campaign, clients, now, keeps=False)
    return campaign
