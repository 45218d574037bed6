"""`stillwatch token`: create, list and revoke, straight in the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from app.access import tokens
from app.access.scopes import READ_ONLY
from app.errors import InvalidInput
from app.models.token import Token
from app.settings import Settings
from app.store.db import make_engine, migrate, session_scope

DAY_SECONDS = 86_400.0
MOST_DAYS = 3_650

T = TypeVar("T")


def in_session(settings: Settings, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Do `work` in one transaction of the migrated database."""

    async def run() -> T:
        engine = make_engine(settings.database_url)
        try:
            async with session_scope(engine) as session:
                return await work(session)
        finally:
            await engine.dispose()

    migrate(settings.database_url)
    return asyncio.run(run())


def create(settings: Settings, name: str, scopes: list[str], days: float | None = None) -> int:
    """Print the new token's secret on stdout, alone, so that a script can take it; it ends after `days`, if given."""
    if days is not None and not 0 < days <= MOST_DAYS:
        raise InvalidInput("--days", f"give a number up to {MOST_DAYS:,}, or leave it out for a token without an end")
    now = time.time()
    ends = None if days is None else now + days * DAY_SECONDS

    async def work(session: AsyncSession) -> tuple[Token, str]:
        return await tokens.create_token(session, name, scopes or READ_ONLY, now, ends)

    token, secret = in_session(settings, work)
    until = f" until {token.expires_at:%Y-%m-%d %H:%M} UTC" if token.expires_at else ""
    told = f"{token.id} may{until}: {', '.join(token.scopes)}. It is shown this once:"
    Console(stderr=True, highlight=False).print(told)
    print(secret)  # noqa: T201
    return 0


def list_all(settings: Settings) -> int:
    """Print every token without its secret, newest first."""
    rows: list[tuple[str, ...]] = [("ID", "NAME", "MAY", "CREATED", "LAST USED", "EXPIRES", "REVOKED")]
    for token in in_session(settings, tokens.list_tokens):
        moments = (token.created_at, token.last_used_at, token.expires_at, token.revoked_at)
        told = (f"{at:%Y-%m-%d %H:%M}" if at else "-" for at in moments)
        rows.append((token.id, token.name, ",".join(token.scopes), *told))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:  # never cut: ids are copied from here
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())  # noqa: T201
    return 0


def revoke(settings: Settings, token_id: str) -> int:
    """Revoke one token."""

    async def work(session: AsyncSession) -> Token:
        return await tokens.revoke_token(session, token_id, time.time())

    token = in_session(settings, work)
    print(f"{token.id} ({token.name}) is revoked")  # noqa: T201
    return 0
