"""Decisions as API and dashboard read them."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound
from app.models.base import is_id
from app.models.decision import Decision
from app.store.page import Key, Page, digest, paginate


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions; what is empty does not narrow."""

    active: bool | None = None  # neither revoked nor expired at `now`
    client: str = ""
    action: str = ""
    simulated: bool | None = None


def _active(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(Decision.revoked_at.is_(None), Decision.expires_at > now)


async def list_decisions(
    session: AsyncSession, filters: DecisionFilter, cursor: str | None, limit: int, now: datetime
) -> Page[Decision]:
    """A page of decisions, the latest made first."""
    query = sa.select(Decision)
    if filters.active is not None:
        query = query.where(_active(now) if filters.active else sa.not_(_active(now)))
    if filters.client:
        query = query.where(Decision.client_id == filters.client)
    if filters.action:
        query = query.where(Decision.action == filters.action)
    if filters.simulated is not None:
        query = query.where(Decision.simulated.is_(filters.simulated))
    mark = digest("decisions", astuple(filters))
    return await paginate(session, query, (Key(Decision.id, descending=True),), mark, cursor, limit)


async def get_decision(session: AsyncSession, decision_id: str) -> Decision:
    """The decision; NotFound where there is none."""
    found = await session.get(Decision, decision_id) if is_id(decision_id, "dc") else None
    if found is None:
        raise NotFound("no such decision")
    return found


async def counts(session: AsyncSession, now: datetime) -> dict[bool, int]:
    """How many decisions are active, by whether they are simulated."""
    query = sa.select(Decision.simulated, sa.func.count()).where(_active(now)).group_by(Decision.simulated)
    found = {bool(simulated): int(count) for simulated, count in (await session.execute(query)).all()}
    return {False: found.get(False, 0), True: found.get(True, 0)}
