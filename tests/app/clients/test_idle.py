"""Old clients go, some at a time; whoever something refers to, or who comes back, stays."""

import asyncio
import itertools
from datetime import datetime

import pytest
import sqlalchemy as sa

from app.clients import idle, queries
from app.clients.queries import ClientSummary
from app.models.base import Base, moment
from app.models.client import Client, client_ref
from app.models.sign_up import SignUpAttribute, SignUpNews
from app.models.vocabulary import Severity
from app.store.db import make_engine, read_scope, session_scope

NOW = 1_800_000_000.0
DAY = 86_400.0
LIMIT = moment(NOW - 90 * DAY)
NUMBERS = itertools.count(1)


async def see(engine, *numbers, days=100.0):
    async with session_scope(engine) as session:
        at = NOW - days * DAY
        await queries.upsert(session, [ClientSummary(one, at, at, 5, 10, 10, 0, 0.0) for one in numbers])


async def prune(engine, after=None):
    async with session_scope(engine) as session:
        return await idle.prune(session, LIMIT, after)


async def prune_all(engine):
    gone, place = await prune(engine)
    while place is not None:
        more, place = await prune(engine, place)
        gone += more
    return gone


async def present(engine):
    async with read_scope(engine) as session:
        return set(await session.scalars(sa.select(Client.id)))


async def add(session, table, **given):
    """A row of any table, whatever it holds, with the rows that it refers to; its first key."""
    values = dict(given)
    for column in table.columns:
        if column.name in given or column.nullable or column.server_default is not None:
            continue
        if column.foreign_keys:
            (key,) = column.foreign_keys
            values[column.name] = await add(session, key.column.table)
        elif column.name == "severity":
            values[column.name] = Severity.HIGH
        elif isinstance(column.type, sa.JSON):
            values[column.name] = {}
        else:
            kind = column.type.python_type
            number = next(NUMBERS)
            values[column.name] = moment(NOW) if kind is datetime else str(number) if kind is str else kind()
            if kind is int:
                values[column.name] = number
    await session.execute(sa.insert(table).values(values))
    return values[next(iter(table.primary_key.columns)).name]


def test_every_reference_to_a_client_is_known():
    refer = {
        column
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name == "client_id" or any(key.column is Client.__table__.c.id for key in column.foreign_keys)
    }
    assert refer == {column.property.columns[0] for column in idle.REFERENCES}


async def test_whom_nothing_refers_to_is_deleted_and_everybody_else_stays(database):
    tables = [(column.property.columns[0].table, {}) for column in idle.REFERENCES]
    of_accounts = len(tables) + 2
    await see(database, *range(of_accounts + 2))
    await see(database, 1000, days=89.0)
    async with session_scope(database) as session:
        for number, (table, more) in enumerate(tables):
            await add(session, table, client_id=client_ref(number), **more)
        for number, signed_up in enumerate((SignUpAttribute, SignUpNews), len(tables)):
            await add(session, signed_up.__table__, kind="client", of=client_ref(number))
        await add(session, SignUpAttribute.__table__, kind="account", of=client_ref(of_accounts))
    before = await present(database)
    assert await prune_all(database) == [of_accounts, of_accounts + 1]
    assert before - await present(database) == {client_ref(of_accounts), client_ref(of_accounts + 1)}
    await see(database, of_accounts, days=0.0)  # who comes back has a row again
    assert client_ref(of_accounts) in await present(database)


async def test_a_look_is_in_pieces_and_those_that_stay_do_not_hold_it_up(database, monkeypatch):
    monkeypatch.setattr(idle, "PRUNED", 3)
    await see(database, *range(7))  # all at one moment: the id leads on
    async with session_scope(database) as session:
        for number in range(4):
            await add(session, Base.metadata.tables["given_account"], client_id=client_ref(number))
    gone, place = await prune(database)
    assert (gone, place) == ([], (moment(NOW - 100 * DAY), client_ref(2)))
    gone, place = await prune(database, place)
    assert (gone, place) == ([4, 5], (moment(NOW - 100 * DAY), client_ref(5)))
    assert await prune(database, place) == ([6], None)
    assert await present(database) == {client_ref(number) for number in range(4)}


@pytest.fixture
async def postgres(postgres_database, migrated):
    """An engine on PostgreSQL, where two may write at once."""
    migrated(postgres_database)
    engine = make_engine(postgres_database)
    yield engine
    await engine.dispose()


async def test_who_is_being_written_is_passed_over_without_a_wait(postgres):
    await see(postgres, 1, 2, 3)
    async with session_scope(postgres) as session:
        await queries.upsert(session, [ClientSummary(1, NOW, NOW, 6, 10, 10, 0, 0.0)])
        await queries.ensure(session, [(2, NOW)])
        assert await asyncio.wait_for(prune(postgres), 5) == ([3], None)
        await add(session, Base.metadata.tables["indicator_hit"], client_id=client_ref(2))
    assert await prune(postgres) == ([], None)
    assert {client_ref(1), client_ref(2)} <= await present(postgres)


@pytest.mark.parametrize("way", ["upsert", "ensure"])
async def test_who_comes_back_while_the_row_is_deleted_gets_another(postgres, way):
    await see(postgres, 1)

    async def come_back():
        async with session_scope(postgres) as session:
            if way == "upsert":
                await queries.upsert(session, [ClientSummary(1, NOW, NOW, 6, 10, 10, 0, 0.0)])
            else:
                await queries.ensure(session, [(1, NOW)])
            await add(session, Base.metadata.tables["indicator_hit"], client_id=client_ref(1))

    async with session_scope(postgres) as session:
        assert await idle.prune(session, LIMIT, None) == ([1], None)
        back = asyncio.create_task(come_back())
        done, _ = await asyncio.wait((back,), timeout=0.5)
        assert not done  # it waits for the end of the deletion
    await asyncio.wait_for(back, 5)
    async with read_scope(postgres) as session:
        assert await session.scalar(sa.select(Client.last_seen)) == moment(NOW)
