"""The gateway's own endpoints, on the customers' port: life for everybody, everything else for who runs it."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from app.addresses import read_address
from app.gateway.metrics import registry
from app.gateway.problems import own_problem

if TYPE_CHECKING:
    from app.gateway.app import Parts

PROBES = ["GET", "HEAD"]
FORWARDING = ("forwarded", "via", "x-real-ip")  # and x-forwarded-...: headers of a proxy that speaks for another


class Access:
    """Who may see how the gateway does: whoever has the token; without one, who is on this host himself."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def allows(self, request: Request) -> bool:
        """Whether this request may see mode and counters."""
        if self._token:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            same = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
            return same and scheme.lower() == "bearer"
        address = read_address(request.client.host) if request.client is not None else None
        # A proxy on this host connects from here as well, for anybody.
        spoken_for = any(name in FORWARDING or name.startswith("x-forwarded-") for name in request.headers)
        return address is not None and address.is_loopback and not spoken_for

    def check(self, request: Request) -> None:
        """Raise what a path that is not there raises, where the request may not see them."""
        if not self.allows(request):
            raise HTTPException(404)


async def _problem(_request: Request, error: Exception) -> Response:
    """An error of these endpoints, in the form of all answers of the gateway's own."""
    assert isinstance(error, HTTPException)
    problem = own_problem(error.status_code)
    return Response(problem.body(), problem.status, error.headers, media_type="application/json")


def add_endpoints(app: FastAPI, parts: Parts, prefix: str, token: str) -> None:
    """Add the endpoints below `prefix`; `token` opens status and metrics."""
    exposed = registry(parts.readings)
    access = Access(token)
    app.add_exception_handler(HTTPException, _problem)

    @app.api_route(f"{prefix}livez", methods=PROBES)
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @app.api_route(f"{prefix}readyz", methods=PROBES)
    async def readyz(request: Request) -> JSONResponse:
        detail = {"status": "stopping" if parts.stopping else "ready"}
        if access.allows(request):
            detail |= parts.readings.links()
        return JSONResponse(detail, status_code=503 if parts.stopping else 200)

    @app.api_route(f"{prefix}metrics", methods=PROBES)
    async def metrics(request: Request) -> Response:
        access.check(request)
        return Response(generate_latest(exposed), media_type=CONTENT_TYPE_LATEST)

    @app.api_route(f"{prefix}status", methods=PROBES)
    async def status(request: Request) -> JSONResponse:
        access.check(request)
        return JSONResponse(parts.readings.status())
