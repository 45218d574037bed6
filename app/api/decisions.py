"""/decisions: what is done to clients, made and revoked by a person, with a look beforehand at who is hit."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.access.tokens import Principal
from app.api.access import Caller, GuardedRoute, allowed
from app.api.clients import read_live
from app.api.documents import BASE, errors
from app.api.paging import listing, unsealed
from app.api.schemas import (
    ClientShape,
    DecisionBody,
    DecisionPreview,
    DecisionQuery,
    DecisionShape,
    Listing,
    RevokeBody,
)
from app.clients import queries as clients
from app.models.base import moment
from app.models.vocabulary import Action, Mode
from app.policies import manual, mode, queries
from app.policies.manual import Order
from app.policies.queries import DecisionFilter
from app.policies.tell import tell
from app.store.db import read_scope, session_scope

router = APIRouter(prefix=f"{BASE}/decisions", tags=["decisions"], route_class=GuardedRoute)
READ, WRITE = allowed("clients:read"), allowed("decisions:write")


def shape(decision: object) -> DecisionShape:
    """The decision as the API shows it."""
    return DecisionShape.model_validate(decision)


def _order(body: DecisionBody, caller: Principal) -> Order:
    """What the body asks for; Forbidden where the token may not block."""
    if body.action is Action.BLOCK:
        caller.require("decisions:block")
    return Order(
        client_id=body.client,
        action=body.action,
        seconds=body.duration_seconds,
        reason=body.reason,
        parameters=body.parameters,
        simulated=body.simulated,
        alert_id=body.alert_id,
        start_within=body.start_within_seconds,
    )


@router.get(
    "",
    operation_id="listDecisions",
    summary="List decisions",
    dependencies=READ,
    responses=errors(400, 401, 403, 422, 503),
)
async def list_decisions(
    request: Request, response: Response, query: Annotated[DecisionQuery, Query()]
) -> Listing[DecisionShape]:
    """A page of decisions, ended ones too, the latest made first."""
    filters = DecisionFilter(query.active, query.client or "", query.action or "", query.simulated)
    cursor = unsealed(request, query.cursor)
    async with read_scope(request.app.state.engine) as session:
        page = await queries.list_decisions(session, filters, cursor, query.limit, moment(time.time()))
    return listing(request, response, page, shape)


@router.get(
    "/{decision_id}",
    operation_id="getDecision",
    summary="Read a decision",
    dependencies=READ,
    responses=errors(401, 403, 404, 503),
)
async def get_decision(request: Request, decision_id: str) -> DecisionShape:
    """One decision: what, until when, by whom and why."""
    async with read_scope(request.app.state.engine) as session:
        return shape(await queries.get_decision(session, decision_id))


@router.post(
    "",
    operation_id="makeDecision",
    summary="Decide about a client",
    dependencies=WRITE,
    status_code=201,
    responses=errors(400, 401, 403, 404, 409, 413, 422, 503),
)
async def make(request: Request, caller: Caller, body: DecisionBody) -> DecisionShape:
    """Decide by hand. A standing decision of the same action ends, a real one only by a real one.

    A block also needs `decisions:block`.
    """
    async with session_scope(request.app.state.engine) as session:
        made = await manual.make(session, _order(body, caller), caller.name, time.time())
    await tell(request.app.state.redis, made.changed)
    return shape(made.decision)


@router.post(
    "/preview",
    operation_id="previewDecision",
    summary="Look at who a decision would hit",
    dependencies=WRITE,
    responses=errors(400, 401, 403, 404, 413, 422, 503),
)
async def preview(request: Request, caller: Caller, body: DecisionBody) -> DecisionPreview:
    """What the same body would make, whom it would hit, and what it would end. Nothing is kept."""
    now, order = time.time(), _order(body, caller)
    async with read_scope(request.app.state.engine) as session:
        draft, standing = await manual.preview(session, order, caller.name, now)
        client = await clients.get_client(session, order.client_id)
        present = await mode.present(session, request.app.state.settings.mode)
    found, how = await read_live(request, order.client_id)
    ends = manual.replaced(draft, standing)
    starts_before = now + order.start_within
    return DecisionPreview(
        client=ClientShape.model_validate(client),
        action=draft.action,
        simulated=draft.simulated,
        acts_now=not draft.simulated and present.mode is Mode.ENFORCE,
        parameters=draft.parameters,
        starts_before=moment(starts_before),
        expires_at=moment(starts_before + order.seconds),
        requests_last_hour=_sum(found.activity.minutes, now - 3600) if found else None,
        requests_last_day=_sum(found.activity.hours, now - 86400) if found else None,
        live_status=how,
        replaces=[shape(one) for one in ends],
        stands_beside=[shape(one) for one in standing if one not in ends],
    )


def _sum(spans: tuple[tuple[float, int], ...], since: float) -> int:
    return sum(int(count) for start, count in spans if start >= since)


@router.post(
    "/{decision_id}/revoke",
    operation_id="revokeDecision",
    summary="End a decision",
    dependencies=WRITE,
    responses=errors(400, 401, 403, 404, 409, 413, 422, 503),
)
async def revoke(request: Request, caller: Caller, decision_id: str, body: RevokeBody) -> DecisionShape:
    """End it now, at every gateway within two seconds; the policy does not bring it back for a week."""
    async with session_scope(request.app.state.engine) as session:
        ended = await manual.revoke(session, decision_id, body.reason, caller.name, time.time())
    await tell(request.app.state.redis, ended.changed)
    return shape(ended.decision)
