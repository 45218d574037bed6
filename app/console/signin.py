"""Signing in with a token, and out."""

from __future__ import annotations

import math
import time

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.access import sessions, tokens
from app.console import menu, render, session
from app.console.guard import HOME, return_path
from app.console.route import PageRoute
from app.console.throttle import Throttle
from app.errors import Unauthenticated
from app.store.db import session_scope

UNSAVED = "You were not signed in, so nothing was changed. Sign in and send the form again."


def _page(request: Request, wanted: str, problem: str = "", message: str = "", status: int = 200) -> Response:
    """The form, tied to this browser by a cookie of its own."""
    door = session.new_door()
    kind = "warn" if message == UNSAVED else "good"
    context = {
        "next": wanted,
        "problem": problem,
        "message": message,
        "kind": kind,
        "asked": wanted != HOME,
        "csrf_token": session.door_token(door),
    }
    response = render.html("signin.html", context, status)
    session.set_cookie(request, response, session.door_cookie(request), door, session.DOOR_SECONDS)
    return response


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def make_router() -> APIRouter:
    """`/signin` and `/signout`, with a throttle of their own."""
    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    throttle = Throttle()

    @router.get("/signin")
    async def show(request: Request) -> Response:
        asked = request.query_params
        message = "You are signed out." if "out" in asked else UNSAVED if "unsaved" in asked else ""
        return _page(request, return_path(asked.get("next", HOME)), message=message)

    @router.post("/signin")
    async def enter(request: Request) -> Response:
        form = await session.read_form(request)
        wanted, now = return_path(form.get("next", HOME)), time.time()
        door = request.cookies.get(session.door_cookie(request), "")
        if not door:
            problem = "Your browser sent no cookie. Allow cookies for this site, then try again."
            return _page(request, wanted, problem, status=403)
        session.check_token(form, session.door_token(door))
        wait = throttle.wait(_peer(request), time.monotonic())
        if wait:
            problem = f"Too many failed attempts from your address. Try again in {math.ceil(wait)} s."
            response = _page(request, wanted, problem, status=429)
            response.headers["retry-after"] = str(math.ceil(wait))
            return response
        return await _enter(request, form.get("token", "").strip(), wanted, throttle, now)

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


async def _enter(request: Request, token: str, wanted: str, throttle: Throttle, now: float) -> Response:
    """Begin a session under a new name, whatever cookie came along, and end the one that it named."""
    cookie = session.session_cookie(request)
    try:
        async with session_scope(request.app.state.engine) as db:
            principal = await tokens.authenticate(db, token, now)
            await sessions.end(db, request.cookies.get(cookie, ""))
            await tokens.touch(db, principal.token_id, now)
            value = await sessions.begin(db, principal, now)
    except Unauthenticated:
        throttle.failed(_peer(request), time.monotonic())
        return _page(request, wanted, "This token is not valid. It may be mistyped, expired or revoked.", status=401)
    response = render.redirect(menu.first(principal.scopes, wanted))
    session.set_cookie(request, response, cookie, value, sessions.LIFE_SECONDS)
    session.set_cookie(request, response, session.door_cookie(request), "", 0)
    return response
