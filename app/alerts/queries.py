"""Reads of alerts, as plain functions on a session."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import NotFound
from app.models.alert import Alert
from app.models.alert_event import AlertEvent
from app.models.base import is_id
from app.models.client import client_number
from app.models.label import Label
from app.models.vocabulary import Severity, State
from app.store.page import Key, Page, digest, paginate, sort_keys

SORTS = {
    "created_at": Alert.opened_at,
    "updated_at": Alert.updated_at,
    "score": Alert.score,
    "severity": Alert.severity,
}
HISTORY = 1000  # steps shown of one alert


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts, in which order; an empty field keeps all."""

    states: tuple[str, ...] = ()  # of vocabulary.State
    severities: tuple[str, ...] = ()  # of vocabulary.Severity
    severity_gte: Severity | None = None
    client: str = ""
    created_gte: datetime | None = None
    created_lt: datetime | None = None
    q: str = ""  # part of the sentence, or of the client's or the alert's id
    sort: str = "-created_at"


def _select(filters: AlertFilter) -> sa.Select[Alert]:
    query = sa.select(Alert)
    if filters.states:
        query = query.where(Alert.state.in_(filters.states))
    if filters.severities:
        query = query.where(Alert.severity.in_(filters.severities))
    if filters.severity_gte is not None:
        query = query.where(Alert.severity >= filters.severity_gte)
    if filters.client:
        query = query.where(Alert.client_id == filters.client)
    if filters.created_gte is not None:
        query = query.where(Alert.opened_at >= filters.created_gte)
    if filters.created_lt is not None:
        query = query.where(Alert.opened_at < filters.created_lt)
    if filters.q:
        found = [c.icontains(filters.q, autoescape=True) for c in (Alert.sentence, Alert.client_id, Alert.id)]
        query = query.where(sa.or_(*found))
    return query


async def list_alerts(session: AsyncSession, filters: AlertFilter, cursor: str | None, limit: int) -> Page[Alert]:
    """A page of alerts, newest first unless the filter says otherwise."""
    keys = sort_keys(filters.sort, SORTS, Alert.id)
    return await paginate(session, _select(filters), keys, digest("alerts", astuple(filters)), cursor, limit)


async def get_alert(session: AsyncSession, alert_id: str) -> Alert:
    """The alert; NotFound where there is none."""
    alert = await session.get(Alert, alert_id) if is_id(alert_id, "al") else None
    if alert is None:
        raise NotFound("no such alert")
    return alert


async def next_new(session: AsyncSession, after: str) -> Alert | None:
    """The gravest new alert, the oldest of equals; None where there is none but `after`.

    An alert `after` that is still new was passed over: then the one that follows it, and behind the last the first.
    """
    order = (Alert.severity.desc(), Alert.opened_at, Alert.id)
    others = sa.select(Alert).where(Alert.state == State.NEW, Alert.id != after).order_by(*order).limit(1)
    passed = await session.get(Alert, after) if is_id(after, "al") else None
    if passed is not None and passed.state == State.NEW:
        later = sa.tuple_(Alert.opened_at, Alert.id) > sa.tuple_(sa.literal(passed.opened_at), sa.literal(passed.id))
        behind = sa.or_(Alert.severity < passed.severity, sa.and_(Alert.severity == passed.severity, later))
        found: Alert | None = await session.scalar(others.where(behind))
        if found is not None:
            return found
    return await session.scalar(others)


async def history_page(session: AsyncSession, alert_id: str, cursor: str | None, limit: int) -> Page[AlertEvent]:
    """A page of an alert's steps, oldest first; NotFound where there is no such alert."""
    await get_alert(session, alert_id)
    query = sa.select(AlertEvent).where(AlertEvent.alert_id == alert_id)
    keys = (Key(AlertEvent.sequence, descending=False), Key(AlertEvent.id, descending=False))
    return await paginate(session, query, keys, digest("history", alert_id), cursor, limit)


async def history(session: AsyncSession, alert_id: str) -> list[AlertEvent]:
    """The alert's steps, oldest first; NotFound where there is no such alert."""
    await get_alert(session, alert_id)
    query = sa.select(AlertEvent).where(AlertEvent.alert_id == alert_id)
    return list(await session.scalars(query.order_by(AlertEvent.sequence).limit(HISTORY)))


async def labels_of(session: AsyncSession, client_id: str) -> list[Label]:
    """The verdicts on a client, newest first."""
    client_number(client_id)
    query = sa.select(Label).where(Label.client_id == client_id)
    return list(await session.scalars(query.order_by(Label.given_at.desc(), Label.id.desc()).limit(HISTORY)))


async def counts_by_state(session: AsyncSession) -> dict[State, int]:
    """How many alerts stand in each state, zeros too."""
    found = await session.execute(sa.select(Alert.state, sa.func.count()).group_by(Alert.state))
    return dict.fromkeys(State, 0) | {State(state): count for state, count in found}
