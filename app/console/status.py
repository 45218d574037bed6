"""The system status, and the help."""

from __future__ import annotations

import time

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.console import health, render, session
from app.console.route import PageRoute
from app.policies import mode


async def show(request: Request) -> Response:
    """`GET /status`: which processes live, what was lost, how far scoring is behind."""
    state = request.app.state
    async with session.visit(request, "metrics:read") as visit:
        beats = await health.heartbeats(state.redis)
        present = await mode.present(visit.db, state.settings.mode)
        answered = await health.ping(state.redis) if beats is not None else None  # it would be waited for once more
        starting = state.startup.waiting(beats, time.monotonic())
        context = {
            "problems": health.problems(beats, present.mode, starting) + health.late(beats or (), present, visit.now),
            "tiles": health.tiles(beats, present, state.engine.dialect.name, answered),
            "known": beats is not None,
            "processes": [health.process(beat) for beat in beats or ()],
        }
        return render.html("status.html", visit.page("status", **context))


async def show_help(request: Request) -> Response:
    """`GET /help`: the keyboard shortcuts."""
    async with session.visit(request) as visit:
        return render.html("help.html", visit.page("help"))


def make_router() -> APIRouter:
    """`/status` and `/help`."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    router.add_api_route("/status", show, methods=["GET"])
    router.add_api_route("/help", show_help, methods=["GET"])
    return router
