"""/ledger: which clients received a text, asked by hashes alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from numpy.typing import NDArray
from redis.exceptions import RedisError
from starlette.requests import Request

from app.api.access import GuardedRoute, allowed
from app.api.documents import BASE, errors
from app.api.ledger_schemas import LedgerBody, LedgerMatch, LedgerQuery, LedgerShape
from app.errors import Unavailable
from app.models.base import moment
from app.settings import Settings
from app.store.ledger import PIECES, Match, Search, answer_keys

router = APIRouter(prefix=f"{BASE}/ledger", tags=["clients"], route_class=GuardedRoute)
MOST_CLIENTS = 1_000


@router.get(
    "/lookup",
    operation_id="lookUpInLedger",
    summary="Find who received a short text",
    dependencies=allowed("clients:read"),
    responses=errors(401, 403, 422, 503),
)
async def look_up(request: Request, query: Annotated[LedgerQuery, Query()]) -> LedgerShape:
    """Which clients received the text with these shingles. The hashes are keyed: only the deployment makes them."""
    return await _answer(request, query.hash)


@router.post(
    "/lookup",
    operation_id="lookUpManyInLedger",
    summary="Find who received a text",
    dependencies=allowed("clients:read"),
    responses=errors(400, 401, 403, 413, 422, 503),
)
async def look_up_many(request: Request, body: LedgerBody) -> LedgerShape:
    """The same for more hashes than an address holds; it changes nothing."""
    return await _answer(request, body.hashes)


async def _answer(request: Request, hashes: Sequence[str]) -> LedgerShape:
    settings: Settings = request.app.state.settings
    matches: list[Match] = []
    if settings.ledger_bytes:
        try:
            matches = await _found(request, np.array([int(one, 16) for one in hashes], np.uint32), settings.ledger_days)
        except (RedisError, OSError, TimeoutError):
            raise Unavailable("Redis does not answer") from None
    clients = [
        LedgerMatch(
            client_id=f"cl_{match.client:016x}",
            share=match.share,
            answers=match.answers,
            first_at=moment(match.first),
            last_at=moment(match.last),
        )
        for match in matches[:MOST_CLIENTS]
    ]
    return LedgerShape(enabled=settings.ledger_bytes > 0, days=settings.ledger_days, clients=clients)


async def _found(request: Request, hashes: NDArray[np.uint32], days: float) -> list[Match]:
    """Look through the ledger a piece at a time, so that neither Redis nor this process is held up."""
    search = Search(hashes)
    for key in answer_keys(time.time(), days):
        start = 0
        while pieces := await request.app.state.redis.lrange(key, start, start + PIECES - 1):
            await asyncio.to_thread(search.feed, b"".join(pieces))
            start += PIECES
    return await asyncio.to_thread(search.matches)
