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
        (["client,account\n", f'{ONE},"a\nb"\n'], "line 2"),
        (["client,account\n", "\n", f'{ONE},"a\n', f"{TWO},b\n"], "line 3: it is not CSV: close its quotes"),
        (["client,account\n", f'{ONE},"a\n', *[f"{TWO},b\n"] * 6000], "line 2: it is not CSV: close its quotes"),
    ],
)
def test_a_wrong_line_is_named(lines, named):
    with pytest.raises(InvalidInput, match=named):
        list(accounts.read(lines))


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
