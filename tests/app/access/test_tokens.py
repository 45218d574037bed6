"""Tokens are checked by hash, end when they should, and cannot be made twice."""

import asyncio

import pytest
import sqlalchemy as sa

from app.access import tokens
from app.access.scopes import READ_ONLY, SCOPES
from app.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from app.models import Token
from app.store.db import read_scope, session_scope

NOW = 1_800_000_000.0
ADMIN = "the-operator-chose-this-one"


async def create(engine, name="ci", scopes=READ_ONLY, **fields):
    async with session_scope(engine) as session:
        return await tokens.create_token(session, name, scopes, NOW, **fields)


async def who(engine, secret, now=NOW):
    async with read_scope(engine) as session:
        return await tokens.authenticate(session, secret, now)


async def admit(engine, secret=ADMIN, now=NOW):
    async with session_scope(engine) as session:
        await tokens.ensure_admin(session, secret, now)


async def test_a_token_speaks_for_its_name_and_scopes(database):
    token, secret = await create(database)
    assert secret.startswith("swt_")
    assert len(secret) >= 4 + 128 / 6
    principal = await who(database, secret)
    assert (principal.token_id, principal.name, principal.scopes) == (token.id, "ci", frozenset(READ_ONLY))
    principal.require("alerts:read")
    with pytest.raises(Forbidden, match="alerts:write"):
        principal.require("alerts:read", "alerts:write")


async def test_no_secret_is_stored(database):
    _, secret = await create(database)
    await admit(database)
    async with read_scope(database) as session:
        rows = (await session.execute(sa.text("SELECT * FROM token"))).all()
    assert len(rows) == 2
    assert secret not in str(rows)
    assert ADMIN not in str(rows)


@pytest.mark.parametrize("presented", ["", "swt_", "x" * 10_000, "\ud800", "\0", "swt_' OR 1=1 --"])
async def test_what_is_no_token_is_refused(database, presented):
    await create(database)
    with pytest.raises(Unauthenticated):
        await who(database, presented)


async def test_a_token_ends_when_it_expires(database):
    _, secret = await create(database, expires_at=NOW + 60)
    assert await who(database, secret, NOW + 59.9)
    with pytest.raises(Unauthenticated):
        await who(database, secret, NOW + 60)


async def test_a_revoked_token_ends_and_frees_its_name(database):
    token, secret = await create(database)
    with pytest.raises(Conflict):
        await create(database)
    async with session_scope(database) as session:
        await tokens.revoke_token(session, token.id, NOW)
    with pytest.raises(Unauthenticated):
        await who(database, secret)
    again, _ = await create(database)
    assert again.id != token.id
    with pytest.raises(NotFound):
        async with session_scope(database) as session:
            await tokens.revoke_token(session, "tk_nothing", NOW)


@pytest.mark.parametrize("scopes", [[], ["alerts:*"], ["alerts:read", "root"]])
async def test_only_scopes_that_exist(sqlite_database, scopes):
    with pytest.raises(InvalidInput, match="scopes"):
        await create(sqlite_database, scopes=scopes)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
async def test_names_are_plain(sqlite_database, name):
    with pytest.raises(InvalidInput, match="name"):
        await create(sqlite_database, name=name)


async def test_the_admin_token_may_do_everything_and_twice_is_once(database):
    await admit(database)
    await admit(database)
    principal = await who(database, ADMIN)
    assert principal.scopes == frozenset(SCOPES)
    async with read_scope(database) as session:
        assert len(await tokens.list_tokens(session)) == 1


async def test_another_admin_token_ends_the_former_and_may_come_back(database):
    await admit(database)
    await admit(database, ADMIN + "2")
    assert await who(database, ADMIN + "2")
    with pytest.raises(Unauthenticated):
        await who(database, ADMIN)
    await admit(database, ADMIN)
    assert await who(database, ADMIN)
    with pytest.raises(Unauthenticated):
        await who(database, ADMIN + "2")


async def test_other_tokens_outlive_a_change_of_admin(database):
    _, secret = await create(database)
    await admit(database)
    await admit(database, ADMIN + "2")
    assert await who(database, secret)


async def test_a_token_that_took_the_name_makes_way(database):
    _, secret = await create(database, name="admin")
    await admit(database)
    assert await who(database, ADMIN)
    with pytest.raises(Unauthenticated):
        await who(database, secret)


async def test_two_consoles_that_start_at_once_agree(database):
    await asyncio.gather(*(admit(database) for _ in range(4)))
    assert await who(database, ADMIN)
    async with read_scope(database) as session:
        assert len(await tokens.list_tokens(session)) == 1


async def test_a_console_that_starts_with_another_token_waits_for_the_one_before_it(database):
    """Both insert the same name, of which the database has one at a time: the second one's start failed."""
    async with session_scope(database) as session:
        await tokens.ensure_admin(session, ADMIN, NOW)
        later = asyncio.create_task(admit(database, ADMIN[::-1], NOW + 1))
        if database.dialect.name == "postgresql":
            await blocked(database)
    await later
    assert await who(database, ADMIN[::-1])
    with pytest.raises(Unauthenticated):
        await who(database, ADMIN)


async def blocked(database):
    """Return once a transaction waits for another one."""
    async with asyncio.timeout(60), database.connect() as looking:
        while not await looking.scalar(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            await looking.rollback()


async def test_a_short_admin_token_is_refused(sqlite_database):
    with pytest.raises(InvalidInput):
        await admit(sqlite_database, "short")


async def test_use_is_noted_when_it_is_due(database):
    _, secret = await create(database)
    principal = await who(database, secret)
    assert tokens.is_due(principal, NOW)
    async with session_scope(database) as session:
        await tokens.touch(session, principal.token_id, NOW)
    principal = await who(database, secret)
    assert not tokens.is_due(principal, NOW + 59)
    assert tokens.is_due(principal, NOW + 60)


async def test_a_scope_that_no_longer_exists_gives_nothing(database):
    token, secret = await create(database)
    async with session_scope(database) as session:
        await session.execute(sa.update(Token).where(Token.id == token.id).values(scopes=["alerts:read", "gone:read"]))
    assert (await who(database, secret)).scopes == {"alerts:read"}
