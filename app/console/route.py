"""A route of the dashboard: whatever goes wrong in it becomes a page that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote, urlencode

from fastapi.routing import APIRoute
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from app.console import door, render
from app.console.guard import HOME, return_path
from app.errors import CursorMismatch, Forbidden, NotFound, StillwatchError, Unauthenticated, Unavailable
from app.store.deadline import within

PAGE_SECONDS = 20.0  # a silent database must not hold a page for ever
MACHINES = ("/api/", "/metrics", "/livez", "/readyz")
REMEDIES: dict[str, str] = {
    "not_found": "It may have been mistyped, or belong to another installation.",
    "forbidden": "Sign in with a token that has the scope, or ask an administrator for one.",
    "form_token": "Nothing was changed. Go back, reload the page and send the form again.",
    "unavailable": "Requests to the model API are not affected. Try again in a moment; the status page says more.",
    "cursor_filter_mismatch": "Start again from the first page.",
}
TITLES: dict[str, str] = {
    "unavailable": "Not available right now",
    "not_found": "Nothing is here",
    "cursor_filter_mismatch": "This page of the list is not known",
}
DETAILS: dict[str, str] = {
    "cursor_filter_mismatch": "The address belongs to another filter or order of the list, or a part of it is missing.",
}


class PageRoute(APIRoute):
    """Turns our errors into pages; everything else is the application's business."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, wrapped."""
        handle = super().get_route_handler()

        async def wrapped(request: Request) -> Response:
            try:
                return await within(PAGE_SECONDS, handle(request))
            except Unauthenticated:
                return to_sign_in(request)
            except RedisError:
                return failure(Unavailable("Redis does not answer."), request)
            except StillwatchError as error:
                return failure(error, request)

        return wrapped


class LastRoute(PageRoute):
    """Takes what no other route takes, for people only: scripts and the API get their own kind of answer."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Full for a browser that asks for a page, else none."""
        headers = dict(scope.get("headers") or ())
        page = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if not page or b"text/html" not in headers.get(b"accept", b"") or scope["path"].startswith(MACHINES):
            return Match.NONE, {}
        return super().matches(scope)


async def nothing_here(_request: Request) -> Response:
    """The page of an address that leads nowhere."""
    raise NotFound("there is nothing at this address")


def to_sign_in(request: Request) -> Response:
    """To the sign-in page and back; scripts get a bare 401, links from other sites one more hop.

    A browser keeps a Strict cookie to itself when a link on another site leads here, so a reviewer who
    follows a link from a mail would seem signed out. The hop makes the same request from our own page.
    """
    accepted = request.headers.get("accept", "*/*")
    page = "text/html" in accepted or "*/*" in accepted
    if not page or request.headers.get("sec-fetch-mode") == "cors":
        return Response("Sign in first", 401, render.PRIVATE, "text/plain")
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = return_path(asked)  # of a form too: its address, asked for, leads to what the form was about
    if request.headers.get("sec-fetch-site") == "cross-site" and request.method == "GET":
        return render.html("passage.html", {"next": wanted})
    kept = door.keeps(request) if request.method == "POST" and wanted != HOME else {}
    if kept:
        return door.page(request, wanted, message=door.KEPT, status=401, kept=kept)
    unsaved = "&unsaved" if request.method == "POST" and wanted != HOME else ""
    return render.redirect(f"/signin?next={quote(wanted, safe='/')}{unsaved}")


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _onward(error: StillwatchError, request: Request) -> tuple[str, str]:
    """Where the page of an error leads, and how the link is called."""
    if isinstance(error, Forbidden):
        return "/signin", "Sign in"
    if isinstance(error, CursorMismatch):
        rest = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        return return_path(request.url.path + (f"?{urlencode(rest)}" if rest else "")), "Go to the first page"
    return HOME, "Go to the alerts"


def failure(error: StillwatchError, request: Request) -> Response:
    """The page of an error, without the frame: it must not need what has just failed."""
    back, back_title = _onward(error, request)
    context = {
        "status": error.status,
        "title": TITLES.get(error.code, error.title),
        "detail": DETAILS.get(error.code) or _sentence(str(error)),
        "remedy": REMEDIES.get(error.code, ""),
        "back": back,
        "back_title": back_title,
    }
    return render.html("failure.html", context, error.status)
