"""/clients: who is scored, and what is known of one of them, its live row included."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response

from app.alerts import queries as alert_queries
from app.alerts.evidence import jsonable, why
from app.api.access import GuardedRoute, allowed
from app.api.alerts import shape as alert_shape
from app.api.alerts import week
from app.api.documents import BASE, errors
from app.api.paging import listing, unsealed, utc
from app.api.schemas import (
    ActivityShape,
    Bucket,
    ClientDetail,
    ClientQuery,
    ClientShape,
    DecisionShape,
    LabelShape,
    Listing,
    LiveShape,
)
from app.campaigns import queries as campaign_queries
from app.clients import queries
from app.clients.live import LiveClient, live
from app.clients.queries import ClientFilter
from app.errors import NotFound, Unavailable
from app.models.base import moment
from app.store.db import read_scope

router = APIRouter(prefix=f"{BASE}/clients", tags=["clients"], route_class=GuardedRoute)
READ = allowed("clients:read")
LIVE_SECONDS = 1.0  # a page about a client does not wait longer for Redis


def _activity(found: LiveClient) -> ActivityShape:
    def buckets(spans: Any) -> list[Bucket]:
        return [Bucket(start=moment(float(at)), requests=int(count)) for at, count in spans]

    return ActivityShape(minutes=buckets(found.activity.minutes), hours=buckets(found.activity.hours))


def _live(found: LiveClient) -> LiveShape:
    explanation = found.explanation
    return LiveShape(
        at=moment(explanation.at),
        level=int(explanation.level),
        score=jsonable(float(explanation.score)),
        threshold=jsonable(float(explanation.threshold)),
        peer_group=explanation.peer_group,
        requests=int(explanation.requests),
        explanation=jsonable(why(explanation)),
        activity=_activity(found),
    )


async def read_live(request: Request, client_id: str) -> tuple[LiveClient | None, str]:
    """The live row, and how that went: ok, expired or unavailable."""
    state = request.app.state
    if state.scoring is None:
        return None, "unavailable"
    try:
        async with asyncio.timeout(LIVE_SECONDS):
            partitions = state.settings.partitions
            found = await live(state.redis, state.scoring, client_id, time.time(), partitions=partitions)
    except (RedisError, OSError, TimeoutError):
        return None, "unavailable"
    return found, "ok" if found else "expired"


@router.get(
    "",
    operation_id="listClients",
    summary="List clients",
    dependencies=READ,
    responses=errors(400, 401, 403, 422, 503),
)
async def list_clients(
    request: Request, response: Response, query: Annotated[ClientQuery, Query()]
) -> Listing[ClientShape]:
    """A page of clients, highest score first. Rows move while traffic flows: sweep over all by `sort=first_seen`."""
    filters = ClientFilter(
        level_gte=query.level_gte,
        flagged=query.flagged,
        peer_group=query.peer_group,
        seen_gte=utc("seen_gte", query.seen_gte),
        q=query.q,
        account=query.account,
        sort=query.sort,
    )
    async with read_scope(request.app.state.engine) as session:
        page = await queries.list_clients(session, filters, unsealed(request, query.cursor), query.limit)
    return listing(request, response, page, ClientShape.model_validate)


@router.get(
    "/{client_id}",
    operation_id="getClient",
    summary="Read a client",
    dependencies=allowed("clients:read", "alerts:read"),
    responses=errors(401, 403, 404, 503),
)
async def get_client(request: Request, client_id: str) -> ClientDetail:
    """One client: its numbers, why it scores as it does now, its alerts, decisions and labels."""
    batch = await week(request)
    async with read_scope(request.app.state.engine) as session:
        client = await queries.get_client(session, client_id)
        alerts = await queries.alerts_of(session, client_id)
        decisions = await queries.decisions_of(session, client_id)
        labels = await alert_queries.labels_of(session, client_id)
        campaigns = await campaign_queries.campaigns_of(session, client_id)
    found, how = await read_live(request, client_id)
    return ClientDetail(
        **ClientShape.model_validate(client).model_dump(),
        live=_live(found) if found else None,
        live_status=how,
        alerts=[alert_shape(alert, batch) for alert in alerts],
        decisions=[DecisionShape.model_validate(decision) for decision in decisions],
        labels=[LabelShape.model_validate(label) for label in labels],
        campaign_ids=[one.id for one in campaigns],
    )


@router.get(
    "/{client_id}/activity",
    operation_id="getClientActivity",
    summary="Read when a client asked",
    dependencies=READ,
    responses=errors(401, 403, 404, 503),
)
async def get_activity(request: Request, client_id: str) -> ActivityShape:
    """Requests a minute and an hour; 404 where the row has expired, 503 where Redis is away."""
    async with read_scope(request.app.state.engine) as session:
        await queries.get_client(session, client_id)
    found, how = await read_live(request, client_id)
    if how == "unavailable":
        raise Unavailable("Redis does not answer")
    if found is None:
        raise NotFound("the client's row has expired")
    return _activity(found)
