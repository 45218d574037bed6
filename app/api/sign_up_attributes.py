"""/sign-up-attributes: what clients and accounts signed up with; values come in, and only keyed hashes are kept."""

from __future__ import annotations

import io
import time
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.api.access import Caller, GuardedRoute, allowed
from app.api.campaign_schemas import (
    AttributeImportBody,
    AttributeQuery,
    AttributesBody,
    AttributesForgotten,
    AttributeShape,
    AttributesImported,
    SubjectQuery,
)
from app.api.documents import BASE, errors
from app.api.paging import listing, unsealed
from app.api.schemas import Listing
from app.campaigns import attribute_tables, attributes
from app.campaigns.attribute_tables import Entry
from app.campaigns.attributes import Imported, Row, Subject
from app.errors import InvalidInput
from app.models.sign_up import ACCOUNT, CLIENT
from app.store.db import read_scope, session_scope
from app.store.page import Page

router = APIRouter(prefix=f"{BASE}/sign-up-attributes", tags=["campaigns"], route_class=GuardedRoute)
READ, WRITE = allowed("clients:read"), allowed("attributes:write")


def _shape(row: Row) -> AttributeShape:
    one = row.attribute
    return AttributeShape(
        client=one.of if one.kind == CLIENT else None,
        account=one.of if one.kind == ACCOUNT else None,
        name=one.name,
        shared=row.shared,
        updated_by=one.updated_by,
        updated_at=one.updated_at,
    )


def _subject(query: SubjectQuery) -> Subject:
    return attribute_tables.subject(query.client, query.account, "account" if query.client is None else "client")


def _entries(body: AttributeImportBody) -> list[Entry]:
    """What an import holds; InvalidInput names the line of the table, or the entry."""
    if (body.csv is None) == (body.entries is None):
        raise InvalidInput("/csv", "give either csv or entries")
    if body.csv is not None:
        try:
            return attribute_tables.read(io.StringIO(body.csv, newline=""))
        except InvalidInput as error:
            raise InvalidInput("/csv", f"{error.pointer}: {error.problem}") from None
    return attribute_tables.agreed(
        (where, attribute_tables.entry(one.client, one.account, one.attributes, where))
        for place, one in enumerate(body.entries or ())
        for where in (f"/entries/{place}",)
    )


def _imported(done: Imported) -> AttributesImported:
    return AttributesImported.model_validate(done)


@router.get(
    "",
    operation_id="listSignUpAttributes",
    summary="List sign-up attributes",
    dependencies=READ,
    responses=errors(400, 401, 403, 422, 503),
)
async def list_attributes(
    request: Request, response: Response, query: Annotated[AttributeQuery, Query()]
) -> Listing[AttributeShape]:
    """A page of attributes by whom they are of: names and how many have the same value, no values."""
    cursor = unsealed(request, query.cursor)
    subject = None if query.client is None and query.account is None else _subject(query)
    async with read_scope(request.app.state.engine) as session:
        page = await attributes.list_attributes(session, subject, query.name, cursor, query.limit)
        rows = await attributes.counted(session, page.items)
    return listing(request, response, Page(rows, page.next_cursor, page.prev_cursor), _shape)


@router.post(
    "/import",
    operation_id="importSignUpAttributes",
    summary="Say what clients or accounts signed up with",
    dependencies=WRITE,
    responses=errors(400, 401, 403, 413, 422, 503),
)
async def import_attributes(request: Request, caller: Caller, body: AttributeImportBody) -> AttributesImported:
    """A table or entries: all of it, or nothing where one is wrong. Larger ones: `stillwatch attributes import`."""
    entries, secret = _entries(body), request.app.state.secret
    async with session_scope(request.app.state.engine) as session:
        done = await attributes.give(session, entries, secret, caller.name, time.time(), replace=body.replace)
    return _imported(done)


@router.put(
    "",
    operation_id="replaceSignUpAttributes",
    summary="Replace what a client or an account signed up with",
    dependencies=WRITE,
    responses=errors(400, 401, 403, 413, 422, 503),
)
async def replace(
    request: Request, caller: Caller, query: Annotated[SubjectQuery, Query()], body: AttributesBody
) -> AttributesImported:
    """From now on these are all; the same again changes nothing."""
    kind, of = _subject(query)
    entry = attribute_tables.entry(query.client, query.account, body.attributes, "")
    async with session_scope(request.app.state.engine) as session:
        secret = request.app.state.secret
        one = Entry(kind, of, entry.values)
        done = await attributes.give(session, [one], secret, caller.name, time.time(), replace=True)
    return _imported(done)


@router.delete(
    "",
    operation_id="forgetSignUpAttributes",
    summary="Forget what a client or an account signed up with",
    dependencies=WRITE,
    responses=errors(400, 401, 403, 422, 503),
)
async def forget(request: Request, query: Annotated[SubjectQuery, Query()]) -> AttributesForgotten:
    """Their hashes are deleted at once, and leave the linker's memory and file within minutes."""
    subject = _subject(query)
    async with session_scope(request.app.state.engine) as session:
        return AttributesForgotten(removed=await attributes.forget(session, subject, time.time()))


@router.delete(
    "/names/{name}",
    operation_id="dropSignUpAttribute",
    summary="Forget an attribute of everybody",
    dependencies=WRITE,
    responses=errors(400, 401, 403, 422, 503),
)
async def drop(request: Request, name: str) -> AttributesForgotten:
    """As forgetting it for each client and account."""
    name = attribute_tables.named(name, "name")
    async with session_scope(request.app.state.engine) as session:
        return AttributesForgotten(removed=await attributes.drop(session, name, time.time()))
