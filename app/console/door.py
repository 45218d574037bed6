"""The sign-in page, and what it keeps of a form that was sent after the session had ended."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from app.console import render, session
from app.console.guard import HOME

UNSAVED = "You were not signed in, so nothing was changed. Sign in and send the form again."
KEPT = "You were not signed in, so nothing was changed. What you entered is kept: sign in to go on with it."
PREFIX = "kept."  # names the fields that are handed on
FIELDS = 250  # of the sign-in form: its own, and those of the largest form
MOST = session.FORM_BYTES // 3  # characters handed on; percent signs need room
NOT_KEPT = frozenset({"csrf", "token", "step"})  # what belongs to the old session, and what was to be done


def page(
    request: Request,
    wanted: str,
    problem: str = "",
    message: str = "",
    status: int = 200,
    kept: Mapping[str, str] | None = None,
) -> Response:
    """The sign-in form, tied to this browser by a cookie of its own."""
    door = session.new_door()
    context = {
        "next": wanted,
        "problem": problem,
        "message": message,
        "kind": "warn" if message in (UNSAVED, KEPT) else "good",
        "asked": wanted != HOME,
        "kept": {f"{PREFIX}{name}": value for name, value in (kept or {}).items()},
        "csrf_token": session.door_token(door),
    }
    response = render.html("signin.html", context, status)
    session.set_cookie(request, response, session.door_cookie(request), door, session.DOOR_SECONDS)
    return response


def keeps(request: Request) -> dict[str, str]:
    """What was typed into a form of ours that came without a session; empty where another site may have sent it.

    A strict cookie stays at home when another site sends a form here, which then looks as if the session had ended.
    """
    origin = urlsplit(request.headers.get("origin", "")).netloc
    form: Mapping[str, str] = getattr(request.state, "form", {})
    found = {name: value for name, value in form.items() if name not in NOT_KEPT}
    large = sum(len(name) + len(value.encode()) for name, value in found.items()) > MOST
    return {} if not origin or origin != request.headers.get("host") or large else found


def kept(form: Mapping[str, str]) -> dict[str, str]:
    """What a sign-in form hands on."""
    return {name.removeprefix(PREFIX): value for name, value in form.items() if name.startswith(PREFIX)}
