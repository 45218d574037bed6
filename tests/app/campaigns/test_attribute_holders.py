"""What the linker hears of sign-up attributes: changes once, what clients have, by account too, who else has it."""

import pytest
import sqlalchemy as sa

from app.campaigns import attribute_holders, attribute_tables, attributes
from app.clients import queries as clients
from app.models.client import Client, client_ref
from app.store.db import session_scope

NOW = 1_800_000_000.0
SECRET = b"s" * 32
ONE, TWO, THREE = (client_ref(number) for number in (1, 2, 3))


def mark(name, value):
    return int(attributes.hashed(SECRET, name, value), 16)


async def given(database, *lines, secret=SECRET):
    async with session_scope(database) as session:
        return await attributes.give(session, attribute_tables.read(lines), secret, "ana", NOW)


@pytest.fixture
async def customers(database):
    """Clients 1 to 4, of whom 3 and 4 are of the account Acme."""
    async with session_scope(database) as session:
        await clients.ensure(session, [(number, NOW) for number in (1, 2, 3, 4)])
        await session.execute(sa.update(Client).where(Client.id.in_([THREE, client_ref(4)])).values(account="Acme"))


async def looked(database, *of, lacking=list, most=0):
    async with session_scope(database) as session:
        return await attribute_holders.look(session, of, lacking, most)


@pytest.mark.usefixtures("customers")
async def test_news_are_told_once_and_of_an_account_for_each_client(database):
    async with session_scope(database) as session:
        assert not await attribute_holders.supplied(session)
    await given(database, "client,payment", f"{ONE},1")
    await given(database, "account,payment", "Acme,1")
    async with session_scope(database) as session:
        assert await attribute_holders.supplied(session)
        assert len(await attribute_holders.news(session, 1)) in (1, 2)
    async with session_scope(database) as session:
        await attribute_holders.news(session, 10)
        assert await attribute_holders.news(session, 10) == []
    await given(database, "account,payment", "Acme,2")
    async with session_scope(database) as session:
        assert await attribute_holders.news(session, 10) == [3, 4]


@pytest.mark.usefixtures("customers")
async def test_that_the_last_one_was_forgotten_is_news_too(database):
    await given(database, "client,payment", f"{ONE},1")
    async with session_scope(database) as session:
        await attribute_holders.news(session, 10)
        await attributes.forget(session, ("client", ONE), NOW)
    async with session_scope(database) as session:
        assert await attribute_holders.supplied(session)
        assert await attribute_holders.news(session, 10) == [1]
        assert not await attribute_holders.supplied(session)
    assert (await looked(database, 1)).held == {1: {}}


@pytest.mark.usefixtures("customers")
async def test_a_clients_own_attributes_go_before_its_accounts(database):
    await given(database, "account,payment,phone", "Acme,1,5")
    await given(database, "client,payment", f"{THREE},2")
    found = await looked(database, 3, 4, 99, lacking=lambda _: [])
    assert found.held == {
        3: {"payment": mark("payment", "2"), "phone": mark("phone", "5")},
        4: {"payment": mark("payment", "1"), "phone": mark("phone", "5")},
        99: {},
    }
    assert (found.others, found.unknown) == ({}, (99,))


@pytest.mark.usefixtures("customers")
async def test_of_a_value_that_ties_nobody_yet_all_holders_are_told_unless_they_are_too_many(database, monkeypatch):
    await given(database, "client,payment,phone", f"{ONE},1,7", f"{TWO},1,8")
    await given(database, "account,payment", "Acme,1")
    await given(database, "client,payment", f"{client_ref(4)},9")
    found = await looked(database, 1)
    assert found.others == {client: {"payment": mark("payment", "1")} for client in (1, 2, 3)}
    assert (await looked(database, 1, lacking=lambda _: [])).others == {}
    monkeypatch.setattr(attribute_holders, "LIMIT", 2)
    assert (await looked(database, 1)).others == {}
    assert len((await looked(database, 1, most=3)).others) == 3
