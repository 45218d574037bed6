"""Who is signed in: cookies, form tokens, and the visit that every page works within."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from app.access import sessions
from app.errors import Forbidden, InvalidInput
from app.store.db import read_scope, session_scope

FORM_BYTES = 64 * 1024
FORM_FIELDS = 20
DOOR_SECONDS = 3600  # how long a sign-in page stays usable


class CrossSite(Forbidden):
    """A form came without the token that our own page gives."""

    code = "form_token"
    title = "The form is out of date"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in reviewer, with the database session that it may use."""

    db: AsyncSession
    name: str
    scopes: frozenset[str]
    csrf: str
    now: float

    def page(self, section: str, **context: Any) -> dict[str, Any]:
        """What every template needs, and `context`."""
        return {"viewer": self, "csrf_token": self.csrf, "section": section, "now": self.now, **context}


def _name(request: Request, plain: str) -> str:
    """`__Host-` binds the cookie to this host and to TLS; plain HTTP cannot have it."""
    return f"__Host-{plain}" if request.app.state.settings.console_https else plain


def session_cookie(request: Request) -> str:
    """The name of the session's cookie."""
    return _name(request, "stillwatch_session")


def door_cookie(request: Request) -> str:
    """The name of the cookie that ties a sign-in form to the browser that it was given to."""
    return _name(request, "stillwatch_door")


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """A cookie that no script reads and no other site sends; empty `value` removes it."""
    secure = bool(request.app.state.settings.console_https)
    age = seconds if value else 0
    response.set_cookie(name, value, max_age=age, path="/", secure=secure, httponly=True, samesite="strict")


def door_token(value: str) -> str:
    """The form token that belongs to a door cookie."""
    return sha256(b"door\0" + value.encode()).hexdigest()


def new_door() -> str:
    """A fresh value for the door cookie."""
    return secrets.token_urlsafe(24)


async def read_form(request: Request, fields: int = FORM_FIELDS) -> dict[str, str]:
    """The fields of a small urlencoded form, so many at most; of repeated ones the last."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise InvalidInput("form", f"larger than {FORM_BYTES} bytes")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=fields, errors="strict")
    except ValueError:
        raise InvalidInput("form", "not a form of ours") from None
    request.state.form = dict(pairs)  # what was typed outlives a session that ended: see door.keeps
    return dict(pairs)


def check_token(form: dict[str, str], expected: str) -> None:
    """Refuse a form that does not carry the token of this session."""
    if not expected or not hmac.compare_digest(form.get("csrf", "").encode(), expected.encode()):
        raise CrossSite("reload the page and send the form again")


@asynccontextmanager
async def visit(request: Request, *scopes: str, write: bool = False) -> AsyncIterator[Visit]:
    """The signed-in reviewer and a database session; Unauthenticated without one, Forbidden without the scopes."""
    cookie = request.cookies.get(session_cookie(request), "")
    opened = session_scope if write else read_scope
    async with opened(request.app.state.engine) as db:
        now = time.time()
        found = await sessions.resume(db, cookie, now)
        found.principal.require(*scopes)
        yield Visit(db, found.principal.name, found.principal.scopes, found.csrf, now)
