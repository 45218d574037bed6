"""Members of campaigns: who joined when and why, who was seen again, who left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.found import Found
from app.clients import queries as clients
from app.models.base import moment
from app.models.campaign_member import CampaignMember
from app.models.client import client_number, client_ref
from app.store.db import chunks, insert_into

SEEN_SECONDS = 3600.0  # how old the note of the last link may get before it is written anew


async def present(session: AsyncSession, campaign_ids: Iterable[str]) -> dict[str, dict[int, CampaignMember]]:
    """The members of each campaign that have not left, by client."""
    found: dict[str, dict[int, CampaignMember]] = {name: {} for name in campaign_ids}
    names = sorted(found)
    for part in chunks(names):
        query = sa.select(CampaignMember).where(CampaignMember.campaign_id.in_(part), CampaignMember.left_at.is_(None))
        for one in await session.scalars(query):
            found[one.campaign_id][client_number(one.client_id)] = one
    return found


async def join(
    session: AsyncSession, campaign_id: str, found: Found, joining: Collection[int], now: float, reason: str = ""
) -> None:
    """Add members; who had left before joins again, from now on."""
    if not joining:
        return
    await clients.ensure(session, [(client, found.at) for client in joining])
    rows = [
        {
            "campaign_id": campaign_id,
            "client_id": client_ref(client),
            "joined_at": moment(now),
            "reason": reason or found.members[client].reason,
            "seen_at": moment(found.at),
            "requests": found.members[client].requests,
            "share": found.members[client].share,
            "left_at": None,
            "left_reason": None,
        }
        for client in sorted(joining)
    ]
    statement = insert_into(session, CampaignMember)
    new = statement.excluded
    changed = {
        name: new[name] for name in ("joined_at", "reason", "seen_at", "requests", "share", "left_at", "left_reason")
    }
    statement = statement.on_conflict_do_update(
        index_elements=[CampaignMember.campaign_id, CampaignMember.client_id],
        set_=changed,
        where=CampaignMember.left_at.is_not(None),
    )
    connection = await session.connection()
    for part in chunks(rows):
        await connection.execute(statement, part)


async def seen(session: AsyncSession, known: Mapping[int, CampaignMember], found: Found) -> None:
    """Note that members were linked again: at most once an hour each, or where their part grew by a tenth."""
    for client, one in known.items():
        now = found.members.get(client)
        if now is None:
            continue
        if now.requests > 1.1 * one.requests or found.at - one.seen_at.timestamp() >= SEEN_SECONDS:
            one.seen_at, one.requests, one.share = moment(found.at), now.requests, now.share
    await session.flush()


async def leave(session: AsyncSession, leaving: Iterable[CampaignMember], reason: str, now: float) -> None:
    """Note that members left, and why."""
    for one in leaving:
        one.left_at, one.left_reason = moment(now), reason
    await session.flush()
