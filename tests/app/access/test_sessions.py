"""A session lives as long as its cookie, its time and its token."""

import pytest
import sqlalchemy as sa

from app.access import create_token, revoke_token, sessions
from app.access.tokens import Principal
from app.errors import Unauthenticated
from app.models import ConsoleSession
from app.store.db import read_scope, session_scope

NOW = 1_800_000_000.0


@pytest.fixture
async def principal(database):
    async with session_scope(database) as session:
        token, _ = await create_token(session, "ada", ["alerts:read"], NOW, expires_at=NOW + 10 * 3600)
    return Principal(token.id, token.name, frozenset(token.scopes))


async def begin(engine, principal, now=NOW):
    async with session_scope(engine) as session:
        return await sessions.begin(session, principal, now)


async def resume(engine, cookie, now=NOW):
    async with read_scope(engine) as session:
        return await sessions.resume(session, cookie, now)


async def test_a_session_brings_back_who_it_is(database, principal):
    cookie = await begin(database, principal)
    found = await resume(database, cookie)
    assert (found.principal.name, found.principal.scopes) == ("ada", frozenset({"alerts:read"}))
    assert found.expires_at == NOW + sessions.LIFE_SECONDS
    other = await begin(database, principal)
    assert other != cookie
    assert (await resume(database, other)).csrf != found.csrf


async def test_the_cookie_is_not_stored(database, principal):
    cookie = await begin(database, principal)
    async with read_scope(database) as session:
        assert cookie not in str((await session.execute(sa.text("SELECT * FROM session"))).all())


@pytest.mark.parametrize("cookie", ["", "x", "\ud800", "x" * 10_000])
async def test_an_unknown_cookie_is_nobody(database, principal, cookie):
    await begin(database, principal)
    with pytest.raises(Unauthenticated):
        await resume(database, cookie)


async def test_it_ends_by_time_by_signing_out_and_with_its_token(database, principal):
    late, out, revoked = [await begin(database, principal) for _ in range(3)]
    with pytest.raises(Unauthenticated):
        await resume(database, late, NOW + sessions.LIFE_SECONDS)
    async with session_scope(database) as session:
        await sessions.end(session, out)
    with pytest.raises(Unauthenticated):
        await resume(database, out)
    with pytest.raises(Unauthenticated):  # the token expires before the session does
        await resume(database, revoked, NOW + 11 * 3600)
    async with session_scope(database) as session:
        await revoke_token(session, principal.token_id, NOW)
    with pytest.raises(Unauthenticated):
        await resume(database, revoked)


async def test_sessions_that_have_ended_are_forgotten(database, principal):
    await begin(database, principal)
    await begin(database, principal, NOW + sessions.LIFE_SECONDS + 1)
    async with read_scope(database) as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(ConsoleSession)) == 1
