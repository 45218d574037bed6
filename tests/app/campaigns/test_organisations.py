"""Which company is behind which clients: read from a table, through accounts too, all of it or nothing."""

import pytest
import sqlalchemy as sa

from app.campaigns import organisations
from app.clients import queries as clients
from app.errors import InvalidInput
from app.models.client import Client, client_ref
from app.store.db import read_scope, session_scope

NOW = 1_800_000_000.0


async def given(database, *lines, verified=True):
    async with session_scope(database) as session:
        return await organisations.give(session, organisations.read(lines), "ana", NOW, verified=verified)


async def test_a_table_of_clients_is_read_and_read_again(database):
    one, two = client_ref(1), client_ref(2)
    done = await given(database, "client,organisation", f"{one},Acme", f"{two},Acme", "")
    assert (done.organisations, done.entries, done.removed) == (1, 2, 0)
    await given(database, "client,organisation", f"{two},Bolt")
    done = await given(database, "client,organisation", f"{one},")
    assert done.removed == 1
    async with read_scope(database) as session:
        assert await organisations.verified(session) == {two: "Bolt"}
        page = await organisations.list_organisations(session, "", None, 10)
        rows = await organisations.counted(session, page.items)
    assert [(row.organisation.name, row.clients) for row in rows] == [("Acme", 0), ("Bolt", 1)]


async def test_an_accounts_organisation_is_that_of_its_clients_unless_they_have_their_own(database):
    async with session_scope(database) as session:
        await clients.ensure(session, [(1, NOW), (2, NOW), (3, NOW)])
        await session.execute(sa.update(Client).where(Client.id != client_ref(3)).values(account="acct_7"))
    await given(database, "account,organisation", "acct_7,Acme")
    await given(database, "client,organisation", f"{client_ref(2)},Bolt", verified=False)
    async with read_scope(database) as session:
        found = await organisations.of(session, [client_ref(number) for number in (1, 2, 3)])
        assert await organisations.verified_of(session, list(found)) == {client_ref(1): "Acme"}
    assert found == {client_ref(1): ("Acme", True), client_ref(2): ("Bolt", False)}


@pytest.mark.parametrize(
    "lines",
    [
        ["name,organisation"],
        ["client,organisation", "cl_zz,Acme"],
        ["client,organisation", f"{client_ref(1)},Acme,more"],
        ["account,organisation", ",Acme"],
        ["client,organisation", f"{client_ref(1)},a\x07b"],
        ["client,organisation", "", f"{client_ref(1)},Acme", f"{client_ref(1)},Acme", f"{client_ref(1)},Bolt"],
    ],
)
def test_a_table_with_a_mistake_names_the_line(lines):
    with pytest.raises(InvalidInput, match=r"header|line 2|line 5: it says otherwise than line 3"):
        organisations.read(lines)


def test_the_line_of_a_mistake_is_the_files():
    """Blank ones and those inside quotes count; quotes that stay open are no organisation of many lines."""
    lines = ["client,organisation\n", "\n", f'{client_ref(1)},"Acme\n', 'Ltd"\n', "cl_zz,Acme\n"]
    with pytest.raises(InvalidInput, match=r"line 3: an organisation has"):
        organisations.read(lines)
    with pytest.raises(InvalidInput, match=r"line 5: it names no client"):
        organisations.read([*lines[:2], f'"{client_ref(1)}\n', '",Acme\n', lines[-1]])
    with pytest.raises(InvalidInput, match=r"line 3: .*: close its quotes"):
        organisations.read([*lines[:3], *[f"{client_ref(2)},Bolt\n"] * 6000])
