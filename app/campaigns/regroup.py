"""Split a campaign in two, and merge two into one; what the reviewer says is a constraint that the linker obeys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.alerts import reviewing
from app.campaigns import constraints, history, lifecycle, queries
from app.campaigns.found import EDGES_KEPT
from app.errors import Conflict, InvalidInput
from app.models.base import moment, new_id
from app.models.campaign import Campaign
from app.models.campaign_constraint import CANNOT, MUST
from app.models.campaign_edge import CampaignEdge
from app.models.campaign_member import CampaignMember
from app.models.vocabulary import Disposition, State

MOST = 5_000  # clients named in one call
CHUNK = 500
WHOLE = "Before a split: "  # begins what was said of a tie of the whole, until the linker has looked at its parts


@dataclass(frozen=True, slots=True)
class Split:
    """What stayed, and what was moved out."""

    rest: Campaign
    part: Campaign


async def split(
    session: AsyncSession,
    campaign_id: str,
    clients: Collection[str],
    reason: str,
    actor: str,
    expected_version: int | None,
    now: float,
    *,
    disposition: str | None = None,
) -> Split:
    """Move members into a campaign of their own, never to be linked with the others again.

    With a disposition the part that is moved out is closed at once. Raises InvalidInput where a client is no member
    or nobody would be left.
    """
    reason = reviewing.words("/reason", reason)
    verdict = reviewing.disposition_of(disposition) if disposition else None
    moving = sorted(set(clients))
    if not 1 <= len(moving) <= MOST:
        raise InvalidInput("/clients", f"name 1 to {MOST} members")
    campaign = await reviewing.locked(session, Campaign, campaign_id, expected_version)
    if campaign.merged_into is not None:
        raise Conflict(f"the campaign was merged into {campaign.merged_into}: split that one")
    present = await queries.member_ids(session, campaign.id)
    if not set(moving) <= set(present):
        raise InvalidInput("/clients", "name only clients that are members now")
    staying = sorted(set(present).difference(moving))
    if not staying:
        raise InvalidInput("/clients", "leave at least one member in the campaign")
    await constraints.divide(session, staying, moving)
    part = _part(campaign, len(moving), reason, now)
    session.add(part)
    await session.flush()
    await constraints.add(session, CANNOT, campaign.id, (staying, moving), reason, actor, now)
    await _move(session, campaign.id, part.id, moving, f"split out of {campaign.id}", now)
    await _part_edges(session, campaign.id, part.id, set(moving))
    campaign.size = len(staying)
    campaign.requests, part.requests = [await queries.linked(session, one) for one in (campaign.id, part.id)]
    history.step(session, campaign, "split", actor, {"reason": reason, "clients": len(moving), "part": part.id}, now)
    data = {"reason": reason, "size": part.size, "split_from": campaign.id}
    if verdict is not None:
        lifecycle.shut(part, verdict, reason, actor, now)
        data |= {"disposition": str(verdict)}
    history.step(session, part, "opened", actor, data, now)
    await session.flush()
    return Split(campaign, part)


def _part(campaign: Campaign, size: int, reason: str, now: float) -> Campaign:
    """The new campaign of a split: what is known of the whole, until the linker has looked at the part."""
    part_id = new_id("cp", now)
    said = {"split_from": campaign.id, "reason": reason, "size": size}
    return Campaign(
        id=part_id,
        key="",
        episode=1,
        state=State.NEW,
        level=campaign.level,
        reached=campaign.reached,
        score=campaign.score,
        threshold=campaign.threshold,
        size=size,
        requests=0,
        sentence=campaign.sentence,
        evidence={**campaign.evidence, "split_from": campaign.id, "reason": reason, "id": part_id},  # of the whole
        latest={**campaign.latest, **said, "told_size": size, "edges_mark": ""},
        opened_at=moment(now),
        updated_at=moment(now),
        seen_at=campaign.seen_at,
        version=0,
    )


async def _move(session: AsyncSession, source: str, target: str, clients: list[str], reason: str, now: float) -> None:
    """Members leave one campaign and join another, at the same moment."""
    for start in range(0, len(clients), CHUNK):
        some = CampaignMember.client_id.in_(clients[start : start + CHUNK])
        leaving = sa.select(CampaignMember).where(CampaignMember.campaign_id == source, some)
        known = sa.select(CampaignMember).where(CampaignMember.campaign_id == target, some)
        there = {one.client_id: one for one in await session.scalars(known)}
        for one in await session.scalars(leaving.where(CampaignMember.left_at.is_(None))):
            one.left_at, one.left_reason = moment(now), f"moved to {target}"
            joined = there.get(one.client_id) or CampaignMember(campaign_id=target, client_id=one.client_id)
            joined.joined_at, joined.seen_at, joined.reason = moment(now), one.seen_at, reason
            joined.requests, joined.share = one.requests, one.share
            joined.left_at = joined.left_reason = None
            session.add(joined)
    await session.flush()


async def _part_edges(session: AsyncSession, source: str, target: str, moved: set[str]) -> None:
    """Each part keeps what at least two of its members are known to have."""
    whole = await queries.edges(session, source)
    for campaign_id, inside in ((source, False), (target, True)):
        rows = []
        for edge in whole:
            holders = [client for client in edge.holders if (client in moved) is inside]
            if len(holders) >= 2:
                rows.append(_edge(edge, holders))
        await _replace_edges(session, campaign_id, rows)


def _edge(edge: CampaignEdge, holders: list[str] | None = None) -> dict[str, Any]:
    """The values of an edge; with fewer holders, as the edge of a part."""
    return {
        "kind": edge.kind,
        "token": edge.token,
        "members": edge.members if holders is None else len(holders),
        "clients": edge.clients,
        "weight": edge.weight,
        "sentence": edge.sentence if holders is None else f"{WHOLE}{edge.sentence.removeprefix(WHOLE)}",
        "holders": edge.holders if holders is None else holders,
    }


async def _replace_edges(session: AsyncSession, campaign_id: str, rows: list[dict[str, Any]]) -> None:
    connection = await session.connection()
    await connection.execute(sa.delete(CampaignEdge).where(CampaignEdge.campaign_id == campaign_id))
    if rows:
        ranked = [{"campaign_id": campaign_id, "rank": rank, **row} for rank, row in enumerate(rows, 1)]
        await connection.execute(sa.insert(CampaignEdge), ranked)


async def merge(
    session: AsyncSession,
    campaign_id: str,
    other_id: str,
    other_version: int | None,
    reason: str,
    actor: str,
    expected_version: int | None,
    now: float,
) -> Campaign:
    """Move everybody of another campaign into this one and close that one as merged; a split between them is lifted."""
    reason = reviewing.words("/reason", reason)
    if other_id == campaign_id:
        raise InvalidInput("/other", "name another campaign")
    first, second = sorted((campaign_id, other_id))  # locked in one order, so that two merges never cross
    versions = {campaign_id: expected_version, other_id: other_version}
    found = {name: await reviewing.locked(session, Campaign, name, versions[name]) for name in (first, second)}
    campaign, other = found[campaign_id], found[other_id]
    if campaign.state == State.CLOSED or other.merged_into is not None or campaign.merged_into is not None:
        raise Conflict("one of the campaigns is closed or was merged already: re-open it, or take the one it is in")
    moving = await queries.member_ids(session, other.id)
    staying = await queries.member_ids(session, campaign.id)
    await constraints.unite(session, [*staying, *moving])
    await constraints.add(session, MUST, campaign.id, ([*staying, *moving],), reason, actor, now)
    await _move(session, other.id, campaign.id, moving, f"merged from {other.id}: {reason}"[:2000], now)
    edges = sorted(
        [*await queries.edges(session, campaign.id), *await queries.edges(session, other.id)],
        key=lambda edge: -edge.weight,
    )
    await _replace_edges(session, campaign.id, [_edge(edge) for edge in edges[:EDGES_KEPT]])
    campaign.size = len({*staying, *moving})
    campaign.requests = await queries.linked(session, campaign.id)
    campaign.score, campaign.level = max(campaign.score, other.score), max(campaign.level, other.level)
    campaign.reached = max(campaign.reached, other.reached)
    size = other.size
    if other.state != State.CLOSED:
        lifecycle.shut(other, Disposition.DUPLICATE, reason, actor, now)
    other.merged_into, other.size, other.requests = campaign.id, 0, 0
    history.step(session, campaign, "merged", actor, {"reason": reason, "from": other.id, "clients": size}, now)
    history.step(session, other, "merged", actor, {"reason": reason, "into": campaign.id}, now)
    await session.flush()
    return campaign
