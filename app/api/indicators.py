"""/indicators: hashes of campaigns under a shared key, out and in; no text is in them."""

from __future__ import annotations

import time
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.access import Caller, GuardedRoute, allowed
from app.api.campaign_schemas import (
    IndicatorExportBody,
    IndicatorImportBody,
    IndicatorMatchQuery,
    IndicatorMatchShape,
    IndicatorSetShape,
)
from app.api.documents import BASE, errors
from app.api.paging import PageQuery, listing, unsealed
from app.api.schemas import Listing
from app.campaigns import indicators
from app.campaigns.indicators import SetRow
from app.errors import Conflict
from app.store import linking
from app.store.db import read_scope, session_scope
from app.store.page import Page

router = APIRouter(prefix=BASE, tags=["campaigns"], route_class=GuardedRoute)
READ, WRITE = allowed("alerts:read"), allowed("indicators:write")


def _key(request: Request) -> bytes:
    """The sharing key; Conflict where there is none."""
    key = str(request.app.state.settings.sharing_key)
    if not key:
        raise Conflict("nothing is shared: set STILLWATCH_SHARING_KEY for extractors and console")
    return key.encode()


def _shape(row: SetRow) -> IndicatorSetShape:
    made = IndicatorSetShape.model_validate(row.set)
    made.clients, made.matches = row.clients, row.matches
    return made


@router.post(
    "/campaigns/{campaign_id}/indicators",
    operation_id="exportIndicators",
    summary="Export a campaign's indicators",
    dependencies=WRITE,
    responses=errors(400, 401, 403, 404, 409, 413, 422, 503),
)
async def export(request: Request, campaign_id: str, body: IndicatorExportBody) -> dict[str, Any]:
    """A signed document with an end. Hashes are known once an extractor has seen the campaign go on: else a 409."""
    key, redis = _key(request), request.app.state.redis
    async with read_scope(request.app.state.engine) as session:
        tokens = await indicators.tokens(session, campaign_id)
        replies = await cast("Any", redis.hmget(linking.KNOWN, tokens)) if tokens else []
        known = {token: [text.decode()] for token, text in zip(tokens, replies, strict=True) if text}
        return await indicators.export(session, campaign_id, known, key, body.days, time.time())


@router.get(
    "/indicators",
    operation_id="listIndicatorSets",
    summary="List imported indicators",
    dependencies=READ,
    responses=errors(400, 401, 403, 422, 503),
)
async def list_sets(
    request: Request, response: Response, query: Annotated[PageQuery, Query()]
) -> Listing[IndicatorSetShape]:
    """A page of imported sets with what each found, the newest first."""
    async with read_scope(request.app.state.engine) as session:
        page = await indicators.list_sets(session, unsealed(request, query.cursor), query.limit)
        rows = await indicators.with_hits(session, page.items)
    return listing(request, response, Page(rows, page.next_cursor, page.prev_cursor), _shape)


@router.get(
    "/indicators/matches",
    operation_id="listIndicatorMatches",
    summary="Read which imported indicators a client matched",
    dependencies=READ,
    responses=errors(401, 403, 422, 503),
)
async def list_matches(request: Request, query: Annotated[IndicatorMatchQuery, Query()]) -> list[IndicatorMatchShape]:
    """Sets whose wordings the client sent, the most often first."""
    async with read_scope(request.app.state.engine) as session:
        found = await indicators.hits_of(session, query.client)
    return [
        IndicatorMatchShape(
            set_id=one.id,
            source=one.source,
            kinds=indicators.kinds_of(hit.kinds),
            matches=hit.count,
            first_at=hit.first_at,
            last_at=hit.last_at,
        )
        for hit, one in found
    ]


@router.post(
    "/indicators/import",
    operation_id="importIndicators",
    summary="Look for another installation's indicators",
    dependencies=WRITE,
    responses=errors(400, 401, 403, 409, 413, 422, 503),
)
async def import_set(request: Request, caller: Caller, body: IndicatorImportBody) -> IndicatorSetShape:
    """Signature and key are checked; the same document again changes nothing, unless it was withdrawn: then it counts
    as imported anew. Extractors look for it seconds later."""
    key = _key(request)
    async with session_scope(request.app.state.engine) as session:
        made = await indicators.take_in(session, body.document, body.note, key, caller.name, time.time())
        (row,) = await indicators.with_hits(session, [made])
    return _shape(row)


@router.post(
    "/indicators/{set_id}/withdraw",
    operation_id="withdrawIndicators",
    summary="Look for a set no more",
    dependencies=WRITE,
    responses=errors(400, 401, 403, 404, 422, 503),
)
async def withdraw(request: Request, set_id: str) -> IndicatorSetShape:
    """What it found stays."""
    async with session_scope(request.app.state.engine) as session:
        (row,) = await indicators.with_hits(session, [await indicators.withdraw(session, set_id, time.time())])
    return _shape(row)
