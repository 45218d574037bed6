"""Clients: kept up to date by the worker, read by API and dashboard."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound
from app.models.alert import Alert
from app.models.base import COUNT_LIMIT, moment
from app.models.campaign import Campaign
from app.models.campaign_member import CampaignMember
from app.models.client import ACCOUNT_LENGTH, Client, client_number, client_ref
from app.models.decision import Decision
from app.models.vocabulary import Disposition, State
from app.store.db import Prepared, insert_into, insert_of
from app.store.page import Page, digest, paginate, sort_keys
from detectors.base import Level

CHUNK = 500  # rows of one statement: nine parameters each, far under either database's limit
RELATED = 50  # alerts and decisions shown of one client
SEEN = Client.requests > 0
"""Whether a client's requests were scored: others are there so that something can point to them, or by an import."""
SORTS = {
    "last_seen": Client.last_seen,
    "first_seen": Client.first_seen,
    "score": Client.score,
    "requests": Client.requests,
}


@dataclass(frozen=True, slots=True)
class ClientSummary:
    """What the worker knows of a client after a batch; moments are epoch seconds, score is nats."""

    client: int
    first: float
    last: float
    requests: int
    in_tokens: int
    out_tokens: int
    level: int
    score: float
    peer_group: str = ""
    account: str = ""  # as gateways were told; empty: they were not


@dataclass(frozen=True, slots=True)
class Totals:
    """All clients at a glance; None where there is no client yet."""

    clients: int
    highest: float | None
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """Which clients, in which order; an empty field keeps all."""

    level_gte: int = 0  # detectors.base.Level
    flagged: bool = False  # waits for a verdict, by itself or in a campaign
    peer_group: str = ""
    seen_gte: datetime | None = None
    q: str = ""  # part of the id
    account: str = ""
    sort: str = "-score"


def _values(summary: ClientSummary) -> dict[str, Any]:
    return {
        "id": client_ref(summary.client),
        "first_seen": moment(summary.first),
        "last_seen": moment(summary.last),
        "requests": min(int(summary.requests), COUNT_LIMIT),
        "in_tokens": min(int(summary.in_tokens), COUNT_LIMIT),
        "out_tokens": min(int(summary.out_tokens), COUNT_LIMIT),
        "level": int(summary.level),
        "score": float(summary.score) if math.isfinite(summary.score) else 0.0,
        "peer_group": summary.peer_group[:120],
        "account": summary.account[:ACCOUNT_LENGTH],
    }


async def upsert(session: AsyncSession, summaries: Sequence[ClientSummary]) -> None:
    """Write the newest summaries; an older one never overwrites a newer, so that a batch may be said twice."""
    newest: dict[int, ClientSummary] = {}
    for summary in summaries:
        known = newest.get(summary.client)
        if known is None or (summary.last, summary.requests) >= (known.last, known.requests):
            newest[summary.client] = summary
    ordered = sorted((_values(summary) for summary in newest.values()), key=lambda values: str(values["id"]))
    if not ordered:
        return
    # In order of id, so that two workers never lock crosswise.
    connection = await session.connection()
    prepared = _upsert(connection.dialect, tuple(ordered[0]))
    for start in range(0, len(ordered), CHUNK):
        await prepared.run(connection, ordered[start : start + CHUNK])


@lru_cache(maxsize=8)
def _upsert(dialect: Dialect, names: tuple[str, ...]) -> Prepared:
    statement = insert_of(dialect, Client)
    new = statement.excluded
    earlier = sa.or_(new.first_seen < Client.first_seen, sa.not_(SEEN))
    earliest = sa.case((earlier, new.first_seen), else_=Client.first_seen)
    changed: dict[str, Any] = {name: new[name] for name in names if name not in ("id", "first_seen", "account")}
    keeps = sa.or_(Client.account_given, new.account == "")
    changed["account"] = sa.case((keeps, Client.account), else_=new.account)
    statement = statement.on_conflict_do_update(
        index_elements=[Client.id],
        set_=changed | {"first_seen": earliest},
        where=sa.or_(new.last_seen >= Client.last_seen, sa.not_(SEEN)),
    )
    return Prepared(statement, names, dialect)


async def ensure(session: AsyncSession, seen: Sequence[tuple[int, float]]) -> None:
    """Add the clients that are unknown, so that alerts and accounts can point to them before their summaries.

    Each has a moment until its first summary says when it was seen. Nobody deletes any before the transaction ends.
    """
    # Of several moments of one the first.
    newest_first = sorted(seen, reverse=True)
    first = {client_ref(one): _values(ClientSummary(one, at, at, 0, 0, 0, 0, 0.0)) for one, at in newest_first}
    names = sorted(first)
    for start in range(0, len(names), CHUNK):
        part = names[start : start + CHUNK]
        query = sa.select(Client.id).where(Client.id.in_(part)).order_by(Client.id)
        known = set(await session.scalars(query.with_for_update(read=True, key_share=True)))
        rows = [first[name] for name in part if name not in known]
        if rows:
            await session.execute(insert_into(session, Client).values(rows).on_conflict_do_nothing())


def _flagged() -> sa.CompoundSelect[str]:
    """Clients with an alert, or in a campaign that was at review, that nobody closed."""
    alone = sa.select(Alert.client_id).where(Alert.state != State.CLOSED)
    return sa.union(alone, _members().with_only_columns(CampaignMember.client_id))


def _members() -> sa.Select[CampaignMember]:
    """The members of campaigns that were at review and that nobody closed."""
    waiting = sa.select(Campaign.id).where(Campaign.state != State.CLOSED, Campaign.was_at(int(Level.REVIEW)))
    return sa.select(CampaignMember).where(CampaignMember.left_at.is_(None), CampaignMember.campaign_id.in_(waiting))


async def campaign_of(session: AsyncSession, clients: Collection[str]) -> dict[str, str]:
    """Of some clients those that wait for a verdict in a campaign, and its id."""
    query = _members().where(CampaignMember.client_id.in_(clients)).order_by(CampaignMember.campaign_id)
    return {one.client_id: one.campaign_id for one in await session.scalars(query)}


async def confirmed_in(session: AsyncSession, clients: Collection[str]) -> dict[str, str]:
    """Of some clients those in a campaign that was closed as distillation confirmed, and the newest such one's id."""
    closed = sa.select(Campaign.id).where(
        Campaign.state == State.CLOSED, Campaign.disposition == Disposition.DISTILLATION_CONFIRMED
    )
    query = sa.select(CampaignMember).where(
        CampaignMember.left_at.is_(None),
        CampaignMember.campaign_id.in_(closed),
        CampaignMember.client_id.in_(clients),
    )
    found = await session.scalars(query.order_by(CampaignMember.campaign_id))
    return {one.client_id: one.campaign_id for one in found}


async def list_clients(session: AsyncSession, filters: ClientFilter, cursor: str | None, limit: int) -> Page[Client]:
    """A page of clients, highest score first unless the filter says otherwise.

    The worker moves rows in every order but `first_seen`: a row that moves between two pages may be seen
    twice or not at all, so sweep over all clients in the order of `first_seen`.
    """
    query = sa.select(Client).where(SEEN)
    if filters.level_gte:
        query = query.where(Client.level >= filters.level_gte)
    if filters.flagged:
        query = query.where(Client.id.in_(_flagged()))
    if filters.peer_group:
        query = query.where(Client.peer_group == filters.peer_group)
    if filters.seen_gte is not None:
        query = query.where(Client.last_seen >= filters.seen_gte)
    if filters.account:
        query = query.where(Client.account == filters.account)
    if filters.q:
        query = query.where(Client.id.contains(filters.q.lower(), autoescape=True))
    keys = sort_keys(filters.sort, SORTS, Client.id)
    return await paginate(session, query, keys, digest("clients", astuple(filters)), cursor, limit)


async def get_client(session: AsyncSession, client_id: str) -> Client:
    """The client; NotFound where there is none."""
    client_number(client_id)
    client = await session.get(Client, client_id)
    if client is None:
        raise NotFound("no such client")
    return client


async def alerts_of(session: AsyncSession, client_id: str, limit: int = RELATED) -> list[Alert]:
    """The client's alerts, newest first."""
    query = sa.select(Alert).where(Alert.client_id == client_id)
    return list(await session.scalars(query.order_by(Alert.opened_at.desc(), Alert.id.desc()).limit(limit)))


async def decisions_of(session: AsyncSession, client_id: str, limit: int = RELATED) -> list[Decision]:
    """The client's decisions, newest first, ended ones too."""
    query = sa.select(Decision).where(Decision.client_id == client_id)
    return list(await session.scalars(query.order_by(Decision.starts_at.desc(), Decision.id.desc()).limit(limit)))


async def totals(session: AsyncSession) -> Totals:
    """How many clients were seen, the highest score among them, and when the newest was seen."""
    columns = sa.func.count(), sa.func.max(Client.score), sa.func.max(Client.last_seen)
    found = await session.execute(sa.select(*columns).where(SEEN))
    clients, highest, last_seen = found.one()
    return Totals(clients, highest, last_seen)
