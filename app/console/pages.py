"""The dashboard's router: the roof includes it beside the REST API."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.console import (
    alerts,
    assets,
    campaign_orders,
    campaigns,
    client_orders,
    clients,
    decisions,
    render,
    route,
    signin,
    status,
)
from app.console.guard import HOME


async def _home(_request: Request) -> Response:
    return render.redirect(HOME)


def make_router() -> APIRouter:
    """Every page. Needs `app.state` to hold engine, redis (asyncio), scoring, chance and settings."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", _home, methods=["GET"])
    router.add_api_route("/static/{name:path}", assets.serve, methods=["GET"])
    for part in (signin, alerts, campaigns, campaign_orders, clients, client_orders, decisions, status):
        router.include_router(part.make_router())
    last = APIRouter(route_class=route.LastRoute, include_in_schema=False)
    last.add_api_route("/{path:path}", route.nothing_here, methods=["GET", "HEAD"])
    router.include_router(last)
    return router
