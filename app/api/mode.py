"""/mode: what the gateways do, switched live, with every change kept."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.access import Caller, GuardedRoute, allowed
from app.api.alerts import IfMatch, expected_version
from app.api.documents import BASE, ETAG, errors
from app.api.schemas import ModeBody, ModeChangeShape, ModeShape
from app.api.status import BY_NUMBER, UNKNOWN, heartbeats
from app.policies import mode
from app.policies.mode import Present
from app.policies.tell import tell_mode
from app.store.db import read_scope, session_scope
from app.store.heartbeat import Heartbeat

router = APIRouter(prefix=f"{BASE}/mode", tags=["service"], route_class=GuardedRoute)


def gateway_modes(beats: Iterable[Heartbeat]) -> dict[str, str]:
    """The mode that each gateway process last reported."""
    found = {beat.instance: beat.counters.get("mode") for beat in beats if beat.role == "gateway"}
    return {name: BY_NUMBER.get(int(number), UNKNOWN) for name, number in found.items() if number is not None}


def _shape(present: Present, changes: Iterable[Any], beats: Iterable[Heartbeat], response: Response) -> ModeShape:
    response.headers["ETag"] = f'"{present.version}"'
    return ModeShape(
        mode=present.mode,
        version=present.version,
        changes=[ModeChangeShape.model_validate(change) for change in changes],
        gateways=gateway_modes(beats),
    )


@router.get(
    "",
    operation_id="getMode",
    summary="Read the gateways' mode",
    dependencies=allowed("metrics:read"),
    responses=errors(401, 403, 503) | ETAG,
)
async def get_mode(request: Request, response: Response) -> ModeShape:
    """The mode, who set it, and what each gateway reports."""
    async with read_scope(request.app.state.engine) as session:
        present = await mode.present(session, request.app.state.settings.mode)
        changes = await mode.history(session)
    return _shape(present, changes, await heartbeats(request) or (), response)


@router.put(
    "",
    operation_id="setMode",
    summary="Switch the gateways' mode",
    dependencies=allowed("mode:admin"),
    responses=errors(400, 401, 403, 409, 412, 413, 422, 503) | ETAG,
)
async def set_mode(
    request: Request, response: Response, caller: Caller, body: ModeBody, if_match: IfMatch = None
) -> ModeShape:
    """Switch live: gateways follow within two seconds. Setting what is set changes nothing; If-Match is optional."""
    version, setting = expected_version(if_match), request.app.state.settings.mode
    async with session_scope(request.app.state.engine) as session:
        present = await mode.switch(session, body.mode, body.reason, caller.name, setting, time.time(), version)
        changes = await mode.history(session)
    await tell_mode(request.app.state.redis, present)
    return _shape(present, changes, await heartbeats(request) or (), response)
