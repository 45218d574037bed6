"""What a reviewer does to a campaign: claim, close with its members' alerts, re-open; in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.alerts import lifecycle as alerts
from app.campaigns import history, queries
from app.errors import Conflict, InvalidInput, NotFound, PreconditionFailed, PreconditionRequired
from app.models.base import is_id, moment
from app.models.campaign import Campaign
from app.models.vocabulary import Disposition, State
from app.policies import decide
from app.policies.decide import DecisionOut

NOTE_LIMIT = 4000  # characters


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed campaign, how many of its members' alerts went with it, and the decisions that ended."""

    campaign: Campaign
    alerts: int
    ended: list[DecisionOut]


async def locked(session: AsyncSession, campaign_id: str, expected_version: int | None) -> Campaign:
    """The campaign, locked, in the version that the reviewer saw."""
    if expected_version is None:
        raise PreconditionRequired("say which version you saw: send its ETag in If-Match")
    campaign = None
    if is_id(campaign_id, "cp"):
        campaign = await session.get(Campaign, campaign_id, with_for_update=True, populate_existing=True)
    if campaign is None:
        raise NotFound("no such campaign")
    if campaign.version != expected_version:
        raise PreconditionFailed(f"the campaign is at version {campaign.version} now: read it again")
    return campaign


def text(pointer: str, given: str, *, required: bool = True) -> str:
    """A person's words, trimmed; InvalidInput where they are missing, too long or hold NUL."""
    given = given.strip()
    if len(given) > NOTE_LIMIT or "\0" in given:
        raise InvalidInput(pointer, f"give at most {NOTE_LIMIT} characters, none of them NUL")
    if required and not given:
        raise InvalidInput(pointer, "say why")
    return given


def disposition_of(given: str | None) -> Disposition:
    """The disposition of that name; InvalidInput names the choices."""
    try:
        return Disposition(given or "")
    except ValueError:
        raise InvalidInput("/disposition", f"choose one of {', '.join(Disposition)}") from None


async def claim(
    session: AsyncSession, campaign_id: str, actor: str, expected_version: int | None, now: float
) -> Campaign:
    """Take the campaign into review; Conflict where it is closed or another reviewer has it."""
    campaign = await locked(session, campaign_id, expected_version)
    if campaign.state == State.CLOSED:
        raise Conflict("the campaign is closed: re-open it first")
    if campaign.state == State.IN_REVIEW and campaign.assignee != actor:
        raise Conflict("another reviewer has claimed the campaign")
    if campaign.state == State.NEW:
        campaign.state, campaign.assignee = State.IN_REVIEW, actor
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
    chosen = disposition_of(disposition)
    note = text("/note", note, required=False)
    campaign = await locked(session, campaign_id, expected_version)
    if campaign.state == State.CLOSED:
        raise Conflict("the campaign is closed already")
    shut(campaign, chosen, note, actor, now)
    count, ended = await _close_alerts(session, campaign, chosen, note, actor, now) if with_alerts else (0, [])
    data = {"disposition": str(chosen), "note": note, "size": campaign.size, "alerts_closed": count}
    history.step(session, campaign, "closed", actor, data, now)
    await session.flush()
    return Closed(campaign, count, ended)


def shut(campaign: Campaign, disposition: Disposition, note: str, actor: str, now: float) -> None:
    """Set what a closed campaign carries."""
    campaign.state, campaign.disposition = State.CLOSED, disposition
    campaign.closed_at, campaign.closed_by = moment(now), actor
    campaign.closed_size, campaign.note = campaign.size, note or None


async def _close_alerts(
    session: AsyncSession, campaign: Campaign, disposition: Disposition, note: str, actor: str, now: float
) -> tuple[int, list[DecisionOut]]:
    """Close every open alert of the members; how many, and the decisions that ended with them."""
    words = f"{note}\nClosed with campaign {campaign.id}.".strip()[:NOTE_LIMIT]
    found = await queries.open_alerts(session, await queries.member_ids(session, campaign.id))
    ended: list[DecisionOut] = []
    for alert in found:
        await alerts.close(session, alert.id, disposition, words, actor, alert.version, now)
        ended += await decide.ended_of_alert(session, alert.id)
    return len(found), ended


async def reopen(
    session: AsyncSession, campaign_id: str, reason: str, actor: str, expected_version: int | None, now: float
) -> Campaign:
    """Bring a closed campaign back to the queue; Conflict where a newer episode exists or it was merged away."""
    reason = text("/reason", reason)
    campaign = await locked(session, campaign_id, expected_version)
    if campaign.state != State.CLOSED:
        raise Conflict("the campaign is not closed")
    if campaign.merged_into is not None:
        raise Conflict(f"the campaign was merged into {campaign.merged_into}: work on that one")
    newer = await session.scalar(sa.select(Campaign.id).where(Campaign.previous_id == campaign.id).limit(1))
    if newer is not None:
        raise Conflict(f"the campaign has a newer episode, {newer}: work on that one")
    campaign.state = State.NEW
    campaign.disposition = campaign.closed_at = campaign.closed_by = campaign.closed_size = None
    campaign.note = campaign.assignee = None
    history.step(session, campaign, "reopened", actor, {"reason": reason}, now)
    await session.flush()
    return campaign
