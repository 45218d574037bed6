"""Sessions of the dashboard: a cookie whose hash is kept, a form secret, and an end."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.tokens import Principal, principal_of, secret_hash
from app.errors import Unauthenticated
from app.models.base import moment
from app.models.session import ConsoleSession
from app.models.token import Token

LIFE_SECONDS = 12 * 3600
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One browser's session: who, the secret that its forms must carry, and its end in epoch seconds."""

    principal: Principal
    csrf: str
    expires_at: float


async def begin(session: AsyncSession, principal: Principal, now: float) -> str:
    """A new session; returns the value for its cookie. Sessions that have ended are forgotten."""
    await session.execute(sa.delete(ConsoleSession).where(ConsoleSession.expires_at <= moment(now)))
    cookie = secrets.token_urlsafe(SECRET_BYTES)
    row = ConsoleSession(
        id=secret_hash(cookie),
        token_id=principal.token_id,
        csrf=secrets.token_urlsafe(SECRET_BYTES),
        created_at=moment(now),
        expires_at=moment(now + LIFE_SECONDS),
    )
    session.add(row)
    await session.flush()
    return cookie


async def resume(session: AsyncSession, cookie: str, now: float) -> SignedIn:
    """The session of a cookie; Unauthenticated where it has ended, or its token has."""
    query = sa.select(ConsoleSession, Token).join(Token, Token.id == ConsoleSession.token_id)
    found = (await session.execute(query.where(ConsoleSession.id == secret_hash(cookie)))).one_or_none()
    if found is None or found[0].expires_at <= moment(now):
        raise Unauthenticated("sign in")
    row, token = found
    return SignedIn(principal_of(token, now), row.csrf, row.expires_at.timestamp())


async def end(session: AsyncSession, cookie: str) -> None:
    """Forget the session of a cookie."""
    await session.execute(sa.delete(ConsoleSession).where(ConsoleSession.id == secret_hash(cookie)))
