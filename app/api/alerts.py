"""/alerts: the queue, one alert, its history, and what a reviewer does to it."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from app.alerts import chance, lifecycle, queries
from app.alerts.chance import Chance, Kept
from app.alerts.evidence import in_nats
from app.alerts.queries import AlertFilter
from app.api.access import Caller, GuardedRoute, allowed
from app.api.documents import BASE, ETAG, errors
from app.api.paging import PageQuery, listing, unsealed, utc
from app.api.schemas import (
    AlertDetail,
    AlertQuery,
    AlertShape,
    ChanceShape,
    CloseBody,
    DecisionShape,
    EventShape,
    Listing,
    ReopenBody,
)
from app.errors import PreconditionFailed
from app.models.alert import Alert
from app.models.vocabulary import SEVERITY_IDS, Severity
from app.policies import decide
from app.policies.tell import tell
from app.store.db import read_scope, session_scope

router = APIRouter(prefix=f"{BASE}/alerts", tags=["alerts"], route_class=GuardedRoute)
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag that the alert was read with", max_length=64)
]
READ, WRITE = allowed("alerts:read"), allowed("alerts:write")


async def week(request: Request) -> Chance:
    """The week's batch as this process keeps it."""
    state = request.app.state
    kept: Kept = state.chance
    async with read_scope(state.engine) as session:
        return await kept.read(session, state.scoring.reference if state.scoring else None, time.time())


def shape(alert: Alert, batch: Chance) -> AlertShape:
    """The alert as a list shows it."""
    return AlertShape.model_validate(alert).model_copy(update={"q_value": batch.q.get(alert.id)})


async def _detail(session: Any, alert: Alert, batch: Chance, response: Response) -> AlertDetail:
    response.headers["ETag"] = f'"{alert.version}"'
    decisions = await decide.decisions_of_alert(session, alert.id)
    fields = shape(alert, batch).model_dump(by_alias=False)
    shapes = [DecisionShape.model_validate(decision) for decision in decisions]
    said, newest = in_nats(alert.evidence), in_nats(alert.latest)
    return AlertDetail.model_construct(**fields, evidence=said, latest=newest, decisions=shapes)


def expected_version(if_match: str | None) -> int | None:
    """The version that If-Match names; None without the header. PreconditionFailed where it is no ETag of ours."""
    if if_match is None:
        return None
    text = if_match.strip()
    digits = text[1:-1]
    if len(text) < 3 or text[0] != '"' or text[-1] != '"' or not (digits.isascii() and digits.isdigit()):
        wanted = 'give exactly the ETag that this was read with, a number in quotation marks such as "3"'
        raise PreconditionFailed(f"If-Match: {_wrong(text)}; {wanted}")
    return int(digits)


def _wrong(text: str) -> str:
    """What was sent in place of an ETag, without repeating it: it may be anything."""
    if text == "*":
        return "* would be any version"
    if text.startswith("W/"):
        return "it is a weak ETag"
    if "," in text:
        return "it names several versions"
    return "the quotation marks are missing" if text.isdigit() else "it is no ETag of ours"


def _filters(query: AlertQuery) -> AlertFilter:
    least = query.severity_gte
    by_id = {str(number): severity for severity, number in SEVERITY_IDS.items()}
    return AlertFilter(
        states=tuple(sorted(set(query.status.split(",")))) if query.status else (),
        severity_gte=by_id.get(least) or Severity(least) if least else None,
        client=query.client or "",
        created_gte=utc("created_gte", query.created_gte),
        created_lt=utc("created_lt", query.created_lt),
        q=query.q,
        sort=query.sort,
    )


@router.get(
    "", operation_id="listAlerts", summary="List alerts", dependencies=READ, responses=errors(400, 401, 403, 422, 503)
)
async def list_alerts(
    request: Request, response: Response, query: Annotated[AlertQuery, Query()]
) -> Listing[AlertShape]:
    """A page of alerts, newest first."""
    batch = await week(request)
    async with read_scope(request.app.state.engine) as session:
        page = await queries.list_alerts(session, _filters(query), unsealed(request, query.cursor), query.limit)
    return listing(request, response, page, lambda alert: shape(alert, batch))


@router.get(
    "/chance",
    operation_id="getAlertChance",
    summary="Read how many of the week's alerts chance would bring",
    dependencies=READ,
    responses=errors(401, 403, 503),
)
async def get_chance(request: Request) -> ChanceShape:
    """The last seven days: clients compared, alerts by score, and how many of them are beyond chance."""
    batch = await week(request)
    return ChanceShape(
        since=batch.since,
        clients=batch.clients,
        reviewed=batch.reviewed,
        tripwires=batch.tripwires,
        complete=batch.complete,
        expected=batch.expected,
        level=chance.LEVEL,
        beyond_chance=batch.beyond,
        resolvable=batch.resolvable,
    )


@router.get(
    "/{alert_id}",
    operation_id="getAlert",
    summary="Read an alert",
    dependencies=READ,
    responses=errors(401, 403, 404, 503) | ETAG,
)
async def get_alert(request: Request, response: Response, alert_id: str) -> AlertDetail:
    """One alert with its frozen evidence, the newest reading and its decisions."""
    batch = await week(request)
    async with read_scope(request.app.state.engine) as session:
        return await _detail(session, await queries.get_alert(session, alert_id), batch, response)


@router.get(
    "/{alert_id}/history",
    operation_id="listAlertHistory",
    summary="Read an alert's history",
    dependencies=READ,
    responses=errors(400, 401, 403, 404, 422, 503),
)
async def list_history(
    request: Request, response: Response, alert_id: str, query: Annotated[PageQuery, Query()]
) -> Listing[EventShape]:
    """Who did what, when; oldest first."""
    async with read_scope(request.app.state.engine) as session:
        page = await queries.history_page(session, alert_id, unsealed(request, query.cursor), query.limit)
    return listing(request, response, page, EventShape.model_validate)


CHANGES = errors(400, 401, 403, 404, 409, 412, 413, 422, 428, 503) | ETAG


@router.post(
    "/{alert_id}/claim",
    operation_id="claimAlert",
    summary="Take an alert into review",
    dependencies=WRITE,
    responses=CHANGES,
)
async def claim(
    request: Request,
    response: Response,
    caller: Caller,
    alert_id: str,
    if_match: IfMatch = None,
) -> AlertDetail:
    """Claim a new alert: others see who works on it."""
    version, batch = expected_version(if_match), await week(request)
    async with session_scope(request.app.state.engine) as session:
        alert = await lifecycle.claim(session, alert_id, caller.name, version, time.time())
        return await _detail(session, alert, batch, response)


@router.post(
    "/{alert_id}/close",
    operation_id="closeAlert",
    summary="Close an alert with a verdict",
    dependencies=WRITE,
    responses=CHANGES,
)
async def close(
    request: Request,
    response: Response,
    caller: Caller,
    alert_id: str,
    body: CloseBody,
    if_match: IfMatch = None,
) -> AlertDetail:
    """Close an alert; the verdict is also a label, and a benign one ends the alert's decisions."""
    version, batch = expected_version(if_match), await week(request)
    async with session_scope(request.app.state.engine) as session:
        alert = await lifecycle.close(session, alert_id, body.disposition, body.note, caller.name, version, time.time())
        detail = await _detail(session, alert, batch, response)
        ended = await decide.ended_of_alert(session, alert.id)
    await tell(request.app.state.redis, ended)
    return detail


@router.post(
    "/{alert_id}/reopen",
    operation_id="reopenAlert",
    summary="Bring a closed alert back",
    dependencies=WRITE,
    responses=CHANGES,
)
async def reopen(
    request: Request,
    response: Response,
    caller: Caller,
    alert_id: str,
    body: ReopenBody,
    if_match: IfMatch = None,
) -> AlertDetail:
    """Re-open a closed alert; its verdict stays in history and labels."""
    version, batch = expected_version(if_match), await week(request)
    async with session_scope(request.app.state.engine) as session:
        alert = await lifecycle.reopen(session, alert_id, body.reason, caller.name, version, time.time())
        return await _detail(session, alert, batch, response)
