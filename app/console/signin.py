"""Signing in with a token, and out."""

from __future__ import annotations

import math
import time

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.access import sessions, tokens
from app.console import door, menu, render, session
from app.console.guard import HOME, return_path
from app.console.route import PageRoute
from app.console.throttle import Throttle
from app.errors import Unauthenticated
from app.store.db import session_scope


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def make_router() -> APIRouter:
    """`/signin` and `/signout`, with a throttle of their own."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    throttle = Throttle()

    @router.get("/signin")
    async def show(request: Request) -> Response:
        asked = request.query_params
        message = "You are signed out." if "out" in asked else door.UNSAVED if "unsaved" in asked else ""
        return door.page(request, return_path(asked.get("next", HOME)), message=message)

    @router.post("/signin")
    async def enter(request: Request) -> Response:
        form = await session.read_form(request, door.FIELDS)
        kept = door.kept(form)
        wanted = return_path(form.get("next", HOME))
        ours = request.cookies.get(session.door_cookie(request), "")
        if not ours:
            problem = "Your browser sent no cookie. Allow cookies for this site, then try again."
            return door.page(request, wanted, problem, status=403, kept=kept)
        session.check_token(form, session.door_token(ours))
        wait = throttle.wait(_peer(request), time.monotonic())
        if wait:
            problem = f"Too many failed attempts from your address. Try again in {math.ceil(wait)} s."
            response = door.page(request, wanted, problem, status=429, kept=kept)
            response.headers["retry-after"] = str(math.ceil(wait))
            return response
        return await _enter(request, form.get("token", "").strip(), wanted, kept, throttle)

    @router.post("/signout")
    async def leave(request: Request) -> Response:
        form = await session.read_form(request)
        async with session.visit(request, write=True) as visit:
            session.check_token(form, visit.csrf)
            await sessions.end(visit.db, request.cookies.get(session.session_cookie(request), ""))
        response = render.redirect("/signin?out")
        session.set_cookie(request, response, session.session_cookie(request), "", 0)
        return response

    return router


async def _enter(request: Request, token: str, wanted: str, kept: dict[str, str], throttle: Throttle) -> Response:
    """Begin a session under a new name, whatever cookie came along, and end the one that it named."""
    cookie, now = session.session_cookie(request), time.time()
    try:
        async with session_scope(request.app.state.engine) as db:
            principal = await tokens.authenticate(db, token, now)
            await sessions.end(db, request.cookies.get(cookie, ""))
            await tokens.touch(db, principal.token_id, now)
            value = await sessions.begin(db, principal, now)
            csrf = (await sessions.resume(db, value, now)).csrf
    except Unauthenticated:
        throttle.failed(_peer(request), time.monotonic())
        problem = "This token is not valid. It may be mistyped, expired or revoked."
        return door.page(request, wanted, problem, status=401, kept=kept)
    response = render.redirect(menu.first(principal.scopes, wanted))
    if kept and wanted != HOME:
        response = render.html("unsent.html", {"csrf_token": csrf, "path": wanted, "kept": kept})
    session.set_cookie(request, response, cookie, value, sessions.LIFE_SECONDS)
    session.set_cookie(request, response, session.door_cookie(request), "", 0)
    return response
