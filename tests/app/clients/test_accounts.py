"""Accounts given by an operator: read strictly, set over what gateways say, taken back by an empty one."""

from __future__ import annotations

import pytest

from app.clients import accounts, queries
from app.clients.accounts import Given
from app.clients.queries import ClientSummary
from app.errors import InvalidInput
from app.models.client import client_ref
from app.store.db import read_scope, session_scope

NOW = 1_800_000_000.0
ONE, TWO = client_ref(1), client_ref(2)


def test_a_table_is_read():
    lines = ["Client, Account\n", f"{ONE},Acme\n", "\n", f'{TWO},"Söhne, GmbH"\n']
    assert list(accounts.read(lines)) == [Given(ONE, "Acme"), Given(TWO, "Söhne, GmbH")]


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ([], "header"),
        (["client;account\n"], "header"),
        (["client,account\n", "cl_1,a\n"], "line 2"),
        (["client,account\n", f"{ONE},a\n", f"{ONE}\n"], "line 3"),
        (["client,account\n", f"{ONE},{'x' * 201}\n"], "line 2"),
        (["client,account\n", f"{ONE},a\n", f"{TWO},a\n", f"{ONE},\n"], "line 4: it says otherwise than line 2"),
        (["client,account\n", f'{ONE},"a\nb"\n'], "line 2"),
        (["client,account\n", "\n", f'{ONE},"a\n', f"{TWO},b\n"], "line 3: it is not CSV: close its quotes"),
        (["client,account\n", f'{ONE},"a\n', *[f"{TWO},b\n"] * 6000], "line 2: .*: close its quotes"),
    ],
)
def test_a_wrong_line_is_named(lines, named):
    with pytest.raises(InvalidInput, match=named):
        list(accounts.read(lines))


def test_a_table_has_an_end(monkeypatch):
    monkeypatch.setattr(accounts, "MOST", 2)
    with pytest.raises(InvalidInput, match="line 3: a table has at most 2 lines: import it in parts"):
        list(accounts.read(["client,account\n", f"{ONE},a\n", f"{TWO},a\n"]))


async def upsert(database, **fields):
    async with session_scope(database) as session:
        await queries.upsert(session, [ClientSummary(1, NOW, NOW + 1, 3, 1, 1, 0, 0.0, **fields)])


async def of(database, client):
    async with read_scope(database) as session:
        return (await queries.get_client(session, client)).account


async def test_what_is_given_counts_over_what_gateways_say(database):
    await upsert(database, account="told")
    async with session_scope(database) as session:
        assert await accounts.give(session, [Given(ONE, "first"), Given(ONE, "given"), Given(TWO, "new")], NOW) == 2
    await upsert(database, account="told again")
    assert (await of(database, ONE), await of(database, TWO)) == ("given", "new")
    async with session_scope(database) as session:
        await accounts.give(session, [Given(ONE, "")], NOW)
    await upsert(database, account="told again")
    assert await of(database, ONE) == "told again"


async def kept(database):
    """The stamp, and what copies are made of, page by page."""
    async with read_scope(database) as session:
        found, after = [], ""
        while page := await accounts.given(session, after, 2):
            found += page
            after = page[-1].client
        return await accounts.stamp(session), found


async def test_each_import_is_kept_for_copies_and_sets_another_stamp(database):
    assert await kept(database) == (accounts.NEVER, [])
    stamps = {accounts.NEVER}
    for table, left in (
        ([Given(client_ref(number), "acme") for number in (3, 1, 2)], {1: "acme", 2: "acme", 3: "acme"}),
        ([Given(ONE, ""), Given(TWO, "bolt"), Given(client_ref(9), "")], {2: "bolt", 3: "acme"}),
        ([Given(TWO, "bolt")], {2: "bolt", 3: "acme"}),
    ):
        async with session_scope(database) as session:
            await accounts.give(session, table, NOW)
        stamp, found = await kept(database)
        assert found == [Given(client_ref(number), account) for number, account in left.items()]
        assert stamp not in stamps
        stamps.add(stamp)


async def test_so_many_clients_may_have_a_given_account_and_no_more(database, monkeypatch):
    monkeypatch.setattr(accounts, "MOST_GIVEN", 2)
    async with session_scope(database) as session:
        await accounts.give(session, [Given(ONE, "a"), Given(TWO, "a")], NOW)
    before = await kept(database)
    with pytest.raises(InvalidInput, match="3 clients would have a given account, at most 2 may: take some back"):
        async with session_scope(database) as session:
            await accounts.give(session, [Given(client_ref(3), "a")], NOW)
    assert await kept(database) == before
    async with session_scope(database) as session:
        await accounts.give(session, [Given(client_ref(3), "a"), Given(ONE, "")], NOW)


async def test_a_client_that_was_only_imported_counts_from_its_first_request(database):
    async with session_scope(database) as session:
        await accounts.give(session, [Given(ONE, "acme")], NOW - 9000)
    async with read_scope(database) as session:
        assert await queries.totals(session) == queries.Totals(0, None, None)
        assert (await queries.list_clients(session, queries.ClientFilter(account="acme"), None, 10)).items == []
    await upsert(database)
    async with read_scope(database) as session:
        client = await queries.get_client(session, ONE)
        assert (await queries.totals(session)).clients == 1
        (listed,) = (await queries.list_clients(session, queries.ClientFilter(account="acme"), None, 10)).items
    assert (client.first_seen.timestamp(), client.last_seen.timestamp()) == (NOW, NOW + 1)
    assert listed.id == ONE
