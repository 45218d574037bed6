"""Split a campaign in two, and merge two into one; what the reviewer says is a constraint that the linker obeys."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.alerts import reviewing
from app.campaigns import constraints, edges, history, members, queries, settle
from app.campaigns.found import Edge, together
from app.errors import Conflict, InvalidInput
from app.models.base import moment, new_id
from app.models.campaign import Campaign
from app.models.campaign_constraint import CANNOT, MUST
from app.models.campaign_member import CampaignMember
from app.models.client import client_number
from app.models.vocabulary import Disposition, State
from app.store.db import chunks

MOST = 5_000  # clients named in one call


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
    await settle.alone(session)
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
    whole = await edges.read(session, campaign.id)
    for one, clients_of_it in ((campaign, staying), (part, moving)):
        await _count(session, one)
        await _write_edges(session, one, _among(whole, clients_of_it))
    data = {"reason": reason, "clients": len(moving), "part": part.id}
    history.step(session, campaign, "split", actor, data, now)
    data = {"reason": reason, "size": part.size, "split_from": campaign.id}
    if verdict is not None:
        settle.shut(part, verdict, reason, actor, now)
        data |= {"disposition": str(verdict)}
    history.step(session, part, "opened", actor, data, now)
    await settle.settle(session, part, [*map(client_number, moving)], now)
    return Split(campaign, part)


def _part(campaign: Campaign, size: int, reason: str, now: float) -> Campaign:
    """The new campaign of a split: what is known of the whole, until the linker has looked at the part."""
    part_id = new_id("cp", now)
    said = {"split_from": campaign.id, "reason": reason}
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
        evidence={**campaign.evidence, **said, "id": part_id},  # of the whole: its size too
        latest={**campaign.latest, **said, "size": size, "told_size": size},
        opened_at=moment(now),
        updated_at=moment(now),
        seen_at=campaign.seen_at,
        version=0,
    )


async def _move(session: AsyncSession, source: str, target: str, clients: list[str], reason: str, now: float) -> None:
    """Members leave one campaign and join another, at the same moment."""
    for part in chunks(clients):
        some = CampaignMember.client_id.in_(part)
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


async def _count(session: AsyncSession, campaign: Campaign) -> None:
    """Size and linked requests by the members that it has now."""
    crowd = await members.present(session, [campaign.id])
    settle.count(campaign, crowd[campaign.id].values())


def _among(whole: Iterable[Edge], clients: Iterable[str]) -> list[Edge]:
    """What at least two of a part's members are known to have."""
    numbers = frozenset(map(client_number, clients))
    return [edge for edge in (one.among(numbers) for one in whole) if edge.members >= 2]


async def _write_edges(session: AsyncSession, campaign: Campaign, kept: Iterable[Edge]) -> None:
    campaign.latest = campaign.latest | {"edges_mark": await edges.write(session, campaign.id, kept)}


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
    await settle.alone(session)
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
    size = other.size
    tied = [*await edges.read(session, campaign.id), *await edges.read(session, other.id)]
    await _count(session, campaign)
    await _write_edges(session, campaign, together(tied, campaign.size))
    campaign.score, campaign.level = max(campaign.score, other.score), max(campaign.level, other.level)
    campaign.reached = max(campaign.reached, other.reached)
    if other.state != State.CLOSED:
        settle.shut(other, Disposition.DUPLICATE, reason, actor, now)
    other.merged_into = campaign.id
    settle.count(other, ())
    history.step(session, campaign, "merged", actor, {"reason": reason, "from": other.id, "clients": size}, now)
    history.step(session, other, "merged", actor, {"reason": reason, "into": campaign.id}, now)
    await settle.settle(session, campaign, [*map(client_number, [*staying, *moving])], now)
    return campaign
