"""Reads of campaigns, as plain functions on a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound
from app.models.alert import Alert
from app.models.base import is_id
from app.models.campaign import Campaign
from app.models.campaign_edge import CampaignEdge
from app.models.campaign_event import CampaignEvent
from app.models.campaign_member import CampaignMember
from app.models.vocabulary import State
from app.store.db import chunks
from app.store.page import Key, Page, digest, paginate, sort_keys

SORTS = {
    "created_at": Campaign.opened_at,
    "updated_at": Campaign.updated_at,
    "score": Campaign.score,
    "size": Campaign.size,
}
HISTORY = 1000  # steps shown of one campaign


@dataclass(frozen=True, slots=True)
class CampaignFilter:
    """Which campaigns, in which order; an empty field keeps all."""

    states: tuple[str, ...] = ()  # of vocabulary.State
    level_gte: int = 0  # of detectors.base.Level: what new ones reached at least, though they calmed down since
    client: str = ""
    size_gte: int = 0
    created_gte: datetime | None = None
    created_lt: datetime | None = None
    q: str = ""  # part of the sentence or of the id
    sort: str = "-created_at"


def _select(filters: CampaignFilter) -> sa.Select[Campaign]:
    query = sa.select(Campaign)
    if filters.states:
        query = query.where(Campaign.state.in_(filters.states))
    if filters.level_gte:  # who claimed or closed one finds it again, whatever it reached
        query = query.where(sa.or_(Campaign.was_at(filters.level_gte), Campaign.state != State.NEW))
    if filters.client:
        members = sa.select(CampaignMember.campaign_id).where(CampaignMember.client_id == filters.client)
        query = query.where(Campaign.id.in_(members))
    if filters.size_gte:
        query = query.where(Campaign.size >= filters.size_gte)
    if filters.created_gte is not None:
        query = query.where(Campaign.opened_at >= filters.created_gte)
    if filters.created_lt is not None:
        query = query.where(Campaign.opened_at < filters.created_lt)
    if filters.q:
        found = [column.icontains(filters.q, autoescape=True) for column in (Campaign.sentence, Campaign.id)]
        query = query.where(sa.or_(*found))
    return query


async def list_campaigns(
    session: AsyncSession, filters: CampaignFilter, cursor: str | None, limit: int
) -> Page[Campaign]:
    """A page of campaigns, newest first unless the filter says otherwise."""
    keys = sort_keys(filters.sort, SORTS, Campaign.id)
    return await paginate(session, _select(filters), keys, digest("campaigns", astuple(filters)), cursor, limit)


async def get_campaign(session: AsyncSession, campaign_id: str) -> Campaign:
    """The campaign; NotFound where there is none."""
    campaign = await session.get(Campaign, campaign_id) if is_id(campaign_id, "cp") else None
    if campaign is None:
        raise NotFound("no such campaign")
    return campaign


async def following(session: AsyncSession, campaign_id: str) -> str | None:
    """The id of the next episode of a campaign, if there is one."""
    query = sa.select(Campaign.id).where(Campaign.previous_id == campaign_id).order_by(Campaign.id).limit(1)
    return await session.scalar(query)


async def counts_by_state(session: AsyncSession, level_gte: int = 0) -> dict[State, int]:
    """How many campaigns stand in each state, zeros too; of new ones those at a level at least."""
    query = _select(CampaignFilter(level_gte=level_gte)).with_only_columns(Campaign.state, sa.func.count())
    found = await session.execute(query.group_by(Campaign.state))
    return dict.fromkeys(State, 0) | {State(state): count for state, count in found}


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """Which members of a campaign."""

    present: bool | None = None  # has not left


async def members_page(
    session: AsyncSession, campaign_id: str, filters: MemberFilter, cursor: str | None, limit: int
) -> Page[CampaignMember]:
    """A page of members, those who joined first at the top; NotFound where there is no such campaign."""
    await get_campaign(session, campaign_id)
    query = sa.select(CampaignMember).where(CampaignMember.campaign_id == campaign_id)
    if filters.present is not None:
        stays = CampaignMember.left_at.is_(None)
        query = query.where(stays if filters.present else sa.not_(stays))
    keys = (Key(CampaignMember.joined_at, descending=False), Key(CampaignMember.client_id, descending=False))
    mark = digest("members", campaign_id, astuple(filters))
    return await paginate(session, query, keys, mark, cursor, limit)


async def member_ids(session: AsyncSession, campaign_id: str) -> list[str]:
    """Every member that has not left, in order of id."""
    query = sa.select(CampaignMember.client_id).where(
        CampaignMember.campaign_id == campaign_id, CampaignMember.left_at.is_(None)
    )
    return list(await session.scalars(query.order_by(CampaignMember.client_id)))


async def edges_page(session: AsyncSession, campaign_id: str, cursor: str | None, limit: int) -> Page[CampaignEdge]:
    """A page of the stored edges, the strongest first; NotFound where there is no such campaign."""
    await get_campaign(session, campaign_id)
    query = sa.select(CampaignEdge).where(CampaignEdge.campaign_id == campaign_id)
    keys = (Key(CampaignEdge.rank, descending=False),)
    return await paginate(session, query, keys, digest("edges", campaign_id), cursor, limit)


async def edges(session: AsyncSession, campaign_id: str) -> list[CampaignEdge]:
    """All stored edges, the strongest first; they are bounded."""
    query = sa.select(CampaignEdge).where(CampaignEdge.campaign_id == campaign_id)
    return list(await session.scalars(query.order_by(CampaignEdge.rank)))


async def history_page(session: AsyncSession, campaign_id: str, cursor: str | None, limit: int) -> Page[CampaignEvent]:
    """A page of a campaign's steps, oldest first; NotFound where there is no such campaign."""
    await get_campaign(session, campaign_id)
    query = sa.select(CampaignEvent).where(CampaignEvent.campaign_id == campaign_id)
    keys = (Key(CampaignEvent.sequence, descending=False), Key(CampaignEvent.id, descending=False))
    return await paginate(session, query, keys, digest("campaign history", campaign_id), cursor, limit)


async def history(session: AsyncSession, campaign_id: str) -> list[CampaignEvent]:
    """The campaign's steps, oldest first."""
    query = sa.select(CampaignEvent).where(CampaignEvent.campaign_id == campaign_id)
    return list(await session.scalars(query.order_by(CampaignEvent.sequence).limit(HISTORY)))


async def campaigns_of(session: AsyncSession, client_id: str, limit: int = 20) -> list[Campaign]:
    """The campaigns that a client is a member of, newest first; those it left are not among them."""
    mine = sa.select(CampaignMember.campaign_id).where(
        CampaignMember.client_id == client_id, CampaignMember.left_at.is_(None)
    )
    query = sa.select(Campaign).where(Campaign.id.in_(mine)).order_by(Campaign.opened_at.desc(), Campaign.id.desc())
    return list(await session.scalars(query.limit(limit)))


async def open_alerts(session: AsyncSession, client_ids: Sequence[str]) -> list[Alert]:
    """The alerts of clients that are not closed, in order of id."""
    found: list[Alert] = []
    for part in chunks(client_ids):
        query = sa.select(Alert).where(Alert.client_id.in_(part), Alert.state != State.CLOSED)
        found += list(await session.scalars(query))
    return sorted(found, key=lambda alert: alert.id)
