"""Every route of the API in one place: what is mounted where."""

from __future__ import annotations

import json
import sys

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from app.api import (
    alerts,
    campaign_decisions,
    campaigns,
    clients,
    decisions,
    documents,
    health,
    indicators,
    ledger,
    mode,
    organisations,
    sign_up_attributes,
    status,
)


async def _openapi(request: Request) -> JSONResponse:
    """The OpenAPI document, open to everyone: it holds no data."""
    app: FastAPI = request.app
    return JSONResponse(app.openapi())


def make_router() -> APIRouter:
    """The resources under /api/v1; health and metrics at the root and, under the same names, beside them."""
    router = APIRouter()
    reviewed = (alerts, campaigns, campaign_decisions, indicators, clients, decisions, ledger)
    for module in (*reviewed, organisations, sign_up_attributes, mode, status):
        router.include_router(module.router)
    for part in (health.open_router, health.guarded_router):
        router.include_router(part)
        router.include_router(part, prefix=documents.BASE, include_in_schema=False)
    router.add_api_route(documents.PATH, _openapi, methods=["GET"], include_in_schema=False)
    return router


def document() -> str:
    """The OpenAPI document as it is committed in docs/openapi.json."""
    app = FastAPI(openapi_url=None)
    app.include_router(make_router())
    documents.install(app)
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
