"""/livez, /readyz and /metrics: for whoever keeps the process running, not for reviewers."""

from __future__ import annotations

import asyncio
import time

from fastapi import APIRouter
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response

from app.api import metrics, status
from app.api.access import GuardedRoute, allowed
from app.api.documents import errors
from app.api.schemas import Health
from app.errors import Unavailable
from app.store.db import is_migrated, read_scope
from app.store.deadline import within

TEXT = "text/plain; version=0.0.4; charset=utf-8"
CHECK_SECONDS = 2.0

open_router = APIRouter(tags=["service"])
guarded_router = APIRouter(tags=["service"], route_class=GuardedRoute)


# Probes ask by HEAD as well; the description has the GET alone, which says the same.
@open_router.head("/livez", include_in_schema=False)
@open_router.get("/livez", operation_id="getLive", summary="Whether the process answers", responses=errors())
async def livez() -> Health:
    """Always ok: that it answers is the answer."""
    return Health(status="ok")


async def _redis(request: Request) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await request.app.state.redis.ping()
    except (RedisError, OSError, TimeoutError):
        return "away"
    return "ok"


async def _database(request: Request) -> str:
    async def look() -> str:
        async with read_scope(request.app.state.engine) as session:
            return "ok" if await is_migrated(session) else "not migrated"

    try:
        return await within(CHECK_SECONDS, look())
    except Unavailable:
        return "away"


@open_router.head("/readyz", include_in_schema=False)
@open_router.get(
    "/readyz", operation_id="getReady", summary="Whether API and dashboard can serve", responses=errors(503)
)
async def readyz(request: Request) -> Health:
    """Ready while the database answers and has this version's tables; Redis may be away."""
    database, redis = await asyncio.gather(_database(request), _redis(request))
    checks = {"db": database, "redis": redis}
    if checks["db"] != "ok":
        raise Unavailable(f"the database is {checks['db']}")
    return Health(status="ok", checks=checks)


@guarded_router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Read the metrics",
    dependencies=allowed("metrics:read"),
    response_class=Response,
    responses=errors(401, 403, 503) | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def read_metrics(request: Request) -> Response:
    """Prometheus' text format: this process, and every other one by its heartbeat."""
    now = time.time()
    beats, rows = await asyncio.gather(status.heartbeats(request), status.stored(request))
    families = [
        metrics.dependencies({"redis": beats is not None, "db": rows is not None}),
        *((metrics.alerts(rows.alerts),) if rows is not None else ()),
        *metrics.processes(beats or (), now),
    ]
    return Response(request.app.state.metrics.render(families), media_type=TEXT)
