"""/organisations: which company is behind which clients; verified ones are not linked with themselves."""

from __future__ import annotations

import io
import time
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.access import Caller, GuardedRoute, allowed
from app.api.campaign_schemas import (
    OrganisationImportBody,
    OrganisationImported,
    OrganisationQuery,
    OrganisationShape,
)
from app.api.documents import BASE, errors
from app.api.paging import listing, unsealed
from app.api.schemas import Listing
from app.campaigns import organisations
from app.campaigns.organisations import Row
from app.errors import InvalidInput
from app.store.db import read_scope, session_scope
from app.store.page import Page

router = APIRouter(prefix=f"{BASE}/organisations", tags=["campaigns"], route_class=GuardedRoute)


def _shape(row: Row) -> OrganisationShape:
    one = row.organisation
    return OrganisationShape(
        id=one.id,
        name=one.name,
        verified=one.verified,
        clients=row.clients,
        accounts=row.accounts,
        updated_by=one.updated_by,
        updated_at=one.updated_at,
    )


@router.get(
    "",
    operation_id="listOrganisations",
    summary="List organisations",
    dependencies=allowed("clients:read"),
    responses=errors(400, 401, 403, 422, 503),
)
async def list_organisations(
    request: Request, response: Response, query: Annotated[OrganisationQuery, Query()]
) -> Listing[OrganisationShape]:
    """A page of organisations, by name."""
    cursor = unsealed(request, query.cursor)
    async with read_scope(request.app.state.engine) as session:
        page = await organisations.list_organisations(session, query.q, cursor, query.limit)
        rows = await organisations.counted(session, page.items)
    return listing(request, response, Page(rows, page.next_cursor, page.prev_cursor), _shape)


@router.post(
    "/import",
    operation_id="importOrganisations",
    summary="Say which company is behind which clients",
    dependencies=allowed("organisations:write"),
    responses=errors(400, 401, 403, 413, 422, 503),
)
async def import_table(request: Request, caller: Caller, body: OrganisationImportBody) -> OrganisationImported:
    """Read a CSV table: all of it, or nothing where a line is wrong. Larger ones: `stillwatch organisations`."""
    try:
        table = organisations.read(io.StringIO(body.csv, newline=""))
    except InvalidInput as error:
        raise InvalidInput("/csv", f"{error.pointer}: {error.problem}") from None
    async with session_scope(request.app.state.engine) as session:
        done = await organisations.give(session, table, caller.name, time.time(), verified=body.verified)
    return OrganisationImported(organisations=done.organisations, entries=done.entries, removed=done.removed)
