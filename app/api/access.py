"""Bearer tokens at the door of the API: who calls is settled before anything of the request is read."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, get_origin

from fastapi import Depends, Security
from fastapi.params import Security as SecurityParameter
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request
from starlette.responses import Response

from app.access import tokens
from app.access.memory import Memory
from app.access.tokens import Principal
from app.errors import InvalidInput, Unauthenticated, Unavailable
from app.store.db import read_scope, session_scope
from app.store.deadline import within

LOOK_UP_SECONDS = 3.0
REQUEST_SECONDS = 30.0  # a silent database must not hold requests for ever

_scheme = HTTPBearer(scheme_name="token", description="A token with the scopes named.", auto_error=False)


def _presented(request: Request) -> str:
    """The bearer token; Unauthenticated where there is none, or more than one."""
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise Unauthenticated("send one token: there are several Authorization headers")
    scheme, _, secret = given[0].partition(" ") if given else ("", "", "")
    if scheme.lower() != "bearer" or not secret.strip():
        what = "what the Authorization header holds is none" if given else "there is no Authorization header"
        raise Unauthenticated(f"send a token as Authorization: Bearer ...; {what}")
    return secret.strip()


async def identify(request: Request, *scopes: str) -> Principal:
    """Who calls for `scopes`; who was known lately may still read how the service is while the database is away."""
    memory: Memory = request.app.state.memory
    presented, ticks = _presented(request), time.monotonic()
    try:
        principal = await within(LOOK_UP_SECONDS, _look_up(request.app.state.engine, presented, time.time()))
    except Unauthenticated:
        memory.forget(presented)
        raise
    except Unavailable:
        known = memory.recall(presented, ticks)
        if known is None or not known.scopes >= set(scopes):
            raise
        return known
    memory.note(presented, principal, ticks)
    return principal


async def _look_up(engine: AsyncEngine, presented: str, now: float) -> Principal:
    """Whose token it is; its use is noted about once a minute, and never at the price of the request."""
    async with read_scope(engine) as session:
        principal = await tokens.authenticate(session, presented, now)
    if tokens.is_due(principal, now):
        with contextlib.suppress(Unavailable):
            async with session_scope(engine) as session:
                await tokens.touch(session, principal.token_id, now)
    return principal


def _single(route: APIRoute) -> frozenset[str]:
    """The parameters of a route's address that have one value."""
    models = [parameter.field_info.annotation for parameter in route.dependant.query_params]
    return frozenset(
        name
        for model in models
        for name, one in getattr(model, "model_fields", {}).items()
        if get_origin(one.annotation) is not list
    )


def _once(request: Request, single: frozenset[str]) -> None:
    """Refuse a parameter given twice: the last one alone would count, and the answer pass for that to both."""
    query = request.query_params
    for name in sorted(single):
        if len(query.getlist(name)) > 1:
            raise InvalidInput(name, "give it once; where it takes several values, join them by commas")


class GuardedRoute(APIRoute):
    """A route whose `allowed(...)` scopes are checked first, before parameters and body are looked at."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the check; a route that names no scope is a mistake and cannot be made."""
        handle = super().get_route_handler()
        scopes = [s for d in self.dependencies if isinstance(d, SecurityParameter) for s in d.scopes or ()]
        if not scopes:
            raise TypeError(f"{self.path} names no scope")
        single = _single(self)

        async def guarded(request: Request) -> Response:
            principal = await identify(request, *scopes)
            principal.require(*scopes)
            request.state.principal = principal
            if not self.dependant.query_params and request.query_params:
                raise InvalidInput("query", "this address takes no parameters: only its path, and a body, are read")
            _once(request, single)
            return await within(REQUEST_SECONDS, handle(request))

        return guarded


async def _documented(_token: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]) -> None:
    """Puts the scheme into the OpenAPI document; the check itself is GuardedRoute's."""


def allowed(*scopes: str) -> list[Any]:
    """The `dependencies` of a route: a token with all of `scopes`."""
    return [Security(_documented, scopes=list(scopes))]


def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


Caller = Annotated[Principal, Depends(_principal)]
