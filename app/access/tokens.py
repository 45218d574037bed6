"""Tokens: made once, kept only as a hash, checked at every call."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.scopes import SCOPES, checked
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from app.models.base import moment, new_id
from app.models.token import Token
from app.store.db import ADMIN_LOCK, insert_into, take_turns

PREFIX = "swt_"
SECRET_BYTES = 24  # 192 bits: a plain SHA-256 of it cannot be guessed back
ADMIN_NAME = "admin"
ADMIN_LENGTH = 16  # characters of the shortest admin token that an operator may set
NAME_LENGTH = 100
PRESENTED_LENGTH = 512
TOUCH_SECONDS = 60.0  # how exact `last_used_at` is: a write for every call would be too dear


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a token's id, name and scopes; `touched_at` is its last noted use, epoch seconds."""

    token_id: str
    name: str
    scopes: frozenset[str]
    touched_at: float = 0.0

    def require(self, *scopes: str) -> None:
        """Forbidden unless the token has every one of `scopes`."""
        missing = [scope for scope in scopes if scope not in self.scopes]
        if missing:
            raise Forbidden(f"the token lacks the scope {', '.join(missing)}")


def secret_hash(secret: str) -> str:
    """The form in which a secret is stored: hex SHA-256."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


UNKNOWN = "the token that was sent is not known, has expired, or was revoked"  # which of them is nobody's business


def _standing(token: Token | None, now: float) -> Token:
    if token is None or token.revoked_at is not None:
        raise Unauthenticated(UNKNOWN)
    if token.expires_at is not None and token.expires_at <= moment(now):
        raise Unauthenticated(UNKNOWN)
    return token


def principal_of(token: Token | None, now: float) -> Principal:
    """Who a token speaks for; Unauthenticated where it has ended."""
    token = _standing(token, now)
    used = token.last_used_at.timestamp() if token.last_used_at else 0.0
    return Principal(token.id, token.name, frozenset(token.scopes) & SCOPES.keys(), used)


async def authenticate(session: AsyncSession, presented: str, now: float) -> Principal:
    """Who presents this secret; raises Unauthenticated. Reads only: `touch` notes the use."""
    if not presented or len(presented) > PRESENTED_LENGTH:
        raise Unauthenticated(UNKNOWN)
    wanted = secret_hash(presented)
    token = await session.scalar(sa.select(Token).where(Token.secret_hash == wanted))
    if token is not None and not hmac.compare_digest(token.secret_hash, wanted):
        token = None
    return principal_of(token, now)


def is_due(principal: Principal, now: float) -> bool:
    """Whether the last noted use is old enough to note this one."""
    return now - principal.touched_at >= TOUCH_SECONDS


async def touch(session: AsyncSession, token_id: str, now: float) -> None:
    """Note that the token was used."""
    await session.execute(sa.update(Token).where(Token.id == token_id).values(last_used_at=moment(now)))


def _name(text: str) -> str:
    text = text.strip()
    if not text or len(text) > NAME_LENGTH or not text.isprintable():
        raise InvalidInput("name", f"give 1 to {NAME_LENGTH} printable characters")
    return text


async def create_token(
    session: AsyncSession, name: str, scopes: Iterable[str], now: float, expires_at: float | None = None
) -> tuple[Token, str]:
    """A new token and its secret, which cannot be read again; Conflict where the name is in use."""
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    values = {
        "id": new_id("tk", now),
        "name": _name(name),
        "secret_hash": secret_hash(secret),
        "scopes": checked(scopes),
        "bootstrap": False,
        "created_at": moment(now),
        "expires_at": None if expires_at is None else moment(expires_at),
    }
    added = await session.scalar(insert_into(session, Token).values(values).on_conflict_do_nothing().returning(Token))
    if added is None:
        raise Conflict("a token of this name exists: revoke it, or choose another name")
    return added, secret


async def list_tokens(session: AsyncSession) -> list[Token]:
    """Every token, revoked ones too, newest first."""
    return list(await session.scalars(sa.select(Token).order_by(Token.id.desc())))


async def revoke_token(session: AsyncSession, token_id: str, now: float) -> Token:
    """End a token, and with it the sessions that it opened; NotFound where there is none."""
    token = await session.get(Token, token_id)
    if token is None:
        raise NotFound("no such token")
    if token.revoked_at is None:
        token.revoked_at = moment(now)
    return token


async def ensure_admin(session: AsyncSession, secret: str, now: float) -> None:
    """Make `secret` the admin token, and end the one that the operator set before; twice is once."""
    if len(secret) < ADMIN_LENGTH:
        raise InvalidInput("admin token", f"give at least {ADMIN_LENGTH} characters")
    await take_turns(session, ADMIN_LOCK)  # the name is unique too, and of that a conflict is an error, not an update
    wanted = secret_hash(secret)
    others = sa.update(Token).where(Token.revoked_at.is_(None), Token.secret_hash != wanted)
    former = others.where(sa.or_(Token.bootstrap, Token.name == ADMIN_NAME))
    await session.execute(former.values(revoked_at=moment(now)))
    statement = insert_into(session, Token).values(
        id=new_id("tk", now),
        name=ADMIN_NAME,
        secret_hash=wanted,
        scopes=sorted(SCOPES),
        bootstrap=True,
        created_at=moment(now),
    )
    again = {"revoked_at": None, "expires_at": None, "bootstrap": True, "name": ADMIN_NAME, "scopes": sorted(SCOPES)}
    await session.execute(statement.on_conflict_do_update(index_elements=[Token.secret_hash], set_=again))
