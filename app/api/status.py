"""Whether traffic is watched: from the heartbeats of every process, Redis and the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request

from app.alerts import queries as alerts
from app.api.access import GuardedRoute, allowed
from app.api.documents import BASE, errors
from app.api.schemas import Process, StatusShape
from app.clients import queries as clients
from app.errors import Unavailable
from app.models.base import moment
from app.policies import mode as modes
from app.policies.mode import Present
from app.store import lately, readings
from app.store import mode as mode_key
from app.store.db import read_scope
from app.store.deadline import within
from app.store.heartbeat import Heartbeat, read_all_async
from app.store.mode import Told

router = APIRouter(prefix=BASE, tags=["service"], route_class=GuardedRoute)
REDIS_SECONDS = 1.0
DATABASE_SECONDS = 2.0
BY_NUMBER = {0: "bypass", 1: "observe", 2: "enforce"}  # modes as gateways count them
UNKNOWN = "unknown"  # the mode, while nobody says


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says."""

    alerts: dict[str, int]
    clients: int
    mode: Present


@dataclass(frozen=True, slots=True)
class Assessment:
    """The mode, and why it is not ok; `lag` in seconds and `dropped`, None where nobody says."""

    mode: str
    reasons: list[str] = field(default_factory=list)
    lag: float | None = None
    dropped: float | None = None


def assess(beats: Sequence[Heartbeat] | None, mode: str, database: bool = True) -> Assessment:
    """The mode of the service from heartbeats (None: Redis is away) and from the gateways' mode.

    fail_open: traffic passes and its events are lost. degraded: scores are late, or cannot be known. What
    was dropped in the past is told beside the mode and does not change it.
    """
    away = [] if database else ["the database does not answer: alerts and decisions wait until it is back"]
    if beats is None:
        reason = "Redis does not answer: traffic passes, and is not scored until it is back"
        return Assessment("degraded", [reason, *away])
    alive = {beat.role for beat in beats}  # Redis forgets the others
    reasons = [f"no {role} reports" for role in ("gateway", "extractor", "worker") if role not in alive]
    lost = bool(alive) and "extractor" not in alive  # gateways report through it
    if mode == "bypass":
        reasons.append("the mode is bypass: the gateway relays and watches nothing")
        lost = True
    reasons += away or _writes_wait(beats)
    lag = readings.lag_seconds(beats)
    if lag is not None and lag > readings.LATE_SECONDS:
        reasons.append(f"scoring is {lag:.0f} s behind")
    word = "fail_open" if lost else "degraded" if reasons else "ok"
    return Assessment(word, reasons, lag, readings.dropped(beats))


def _writes_wait(beats: Sequence[Heartbeat]) -> list[str]:
    """Why workers cannot write although the database can be read."""
    if any(beat.role == "worker" and beat.info.get("database") == "away" for beat in beats):
        return ["a worker cannot write to the database: its alerts and decisions wait"]
    return []


async def heartbeats(request: Request) -> list[Heartbeat] | None:
    """Every living process; None where Redis is away."""
    try:
        async with asyncio.timeout(REDIS_SECONDS):
            return await read_all_async(request.app.state.redis)
    except (RedisError, OSError, TimeoutError):
        return None


def late_gateways(beats: Iterable[Heartbeat], present: Present, now: float) -> list[str]:
    """What there is to say of gateways that have not taken up the newest change of the mode."""
    if present.at is None:
        return []
    late = readings.behind_mode(beats, present.version, now - present.at.timestamp())
    return [f"the gateway {beat.instance} has not taken up the mode {present.mode}" for beat in late]


def drifted(beats: Iterable[Heartbeat]) -> list[str]:
    """What the workers say of a reference that no longer fits their traffic, or cannot be read."""
    said = {
        f"{what}: {beat.info[name]}"
        for name, what in (("drift", "drift"), ("reference", "the new reference cannot be read"))
        for beat in beats
        if beat.role == "worker" and beat.info.get(name)
    }
    return sorted(said)


def unlinked(beats: Sequence[Heartbeat] | None) -> list[str]:
    """Why campaigns are not found, or late; nothing where Redis is away (None). It does not change the mode."""
    if beats is None:
        return []
    found = [] if any(beat.role == "linker" for beat in beats) else ["no linker reports: no new campaign is found"]
    if any(beat.role == "worker" and beat.info.get("linking") for beat in beats):
        found.append("events are left out of linking: campaigns are found late, or not at all")
    return found


async def stored(request: Request) -> Stored | None:
    """What the database says; None where it is away."""
    try:
        return await within(DATABASE_SECONDS, _stored(request.app.state.engine, request.app.state.settings.mode))
    except Unavailable:
        return None


async def _stored(engine: AsyncEngine, setting: str) -> Stored:
    async with read_scope(engine) as session:
        counts = await alerts.counts_by_state(session)
        totals = await clients.totals(session)
        mode = await modes.present(session, setting)
    return Stored({str(state): count for state, count in counts.items()}, totals.clients, mode)


async def told(request: Request) -> Told | None:
    """The mode that gateways were told, as Redis has it; None where it was never switched, or Redis is away."""
    try:
        async with asyncio.timeout(REDIS_SECONDS):
            return mode_key.parse(await request.app.state.redis.get(mode_key.KEY))
    except (RedisError, OSError, TimeoutError):
        return None


def reported(beats: Iterable[Heartbeat]) -> Told | None:
    """The mode of the gateway that has heard of the newest change; None where none says."""
    said = [
        Told(BY_NUMBER[int(number)], int(readings.mode_version(beat)))
        for beat in beats
        if beat.role == "gateway" and (number := beat.counters.get("mode")) in BY_NUMBER
    ]
    return max(said, key=lambda one: one.version, default=None)


def _process(beat: Heartbeat) -> Process:
    return Process(
        role=beat.role,
        instance=beat.instance,
        host=beat.host,
        at=moment(beat.at),
        started=moment(beat.started),
        counters=dict(beat.counters),
        gauges=dict(beat.gauges),
        info=dict(beat.info),
    )


@router.get(
    "/status",
    operation_id="getStatus",
    summary="Read the state of the service",
    dependencies=allowed("metrics:read"),
    responses=errors(401, 403, 503),
)
async def get_status(request: Request) -> StatusShape:
    """The mode and what is behind it; answers also while Redis or the database is away."""
    now = time.time()
    beats, rows = await asyncio.gather(heartbeats(request), stored(request))
    present: Present | Told | None = rows.mode if rows is not None else None
    if present is None and beats is not None:  # else Redis would be waited for once more
        present = await told(request) or reported(beats)
    found = assess(beats, present.mode if present is not None else UNKNOWN, rows is not None)
    late = late_gateways(beats or (), rows.mode, now) if rows is not None else []
    return StatusShape(
        gateway_mode=present.mode if present is not None else UNKNOWN,
        gateway_mode_version=present.version if present is not None else None,
        mode=found.mode,
        reasons=[
            *found.reasons,
            *late,
            *unlinked(beats),
            *drifted(beats or ()),
            *lately.reasons(beats or ()),
        ],
        at=moment(now),
        redis="ok" if beats is not None else "away",
        db="ok" if rows is not None else "away",
        scorer_lag_s=found.lag,
        dropped_events=found.dropped,
        alerts=rows.alerts if rows is not None else {},
        clients=rows.clients if rows is not None else None,
        processes=[_process(beat) for beat in beats or ()],
    )
