"""Accounts: the customers that clients belong to, given by an operator where gateways are not told."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.clients.queries import CHUNK, ensure
from app.csvfile import Said, rows
from app.errors import InvalidInput, NotFound
from app.models.client import ACCOUNT_LENGTH, Client, client_number
from app.models.given_account import GivenAccount, GivenStamp
from app.store.db import insert_into

COLUMNS = ["client", "account"]
MOST = 100_000  # lines of one import
MOST_GIVEN = 1_000_000  # clients in all: Redis has a copy, some 100 bytes each
ONLY = 1  # the id of the one row with the stamp
NEVER = "never"  # the stamp before the first import


class Given(NamedTuple):
    """One line of an operator's table; an empty account takes back what was given."""

    client: str
    account: str


def read(lines: Iterable[str]) -> Iterator[Given]:
    """The lines of a CSV file with the columns client and account; raises InvalidInput that names the line."""
    found = rows(lines)
    header = next(found, (1, []))[1]
    if [name.strip().lower() for name in header] != COLUMNS:
        raise InvalidInput("header", f"the first line must be {','.join(COLUMNS)}")
    said = Said()
    for number, row in found:
        where = f"line {number}"
        if number > MOST:
            raise InvalidInput(where, f"a table has at most {MOST:,} lines: import it in parts")
        if len(row) != len(COLUMNS):
            raise InvalidInput(where, f"{len(row)} values where {len(COLUMNS)} are wanted")
        client, account = (value.strip() for value in row)
        try:
            client_number(client)
        except NotFound:
            raise InvalidInput(where, f"{client!r} is no client: give cl_ and 16 hexadecimal digits") from None
        if len(account) > ACCOUNT_LENGTH or not (account.isprintable()):
            raise InvalidInput(where, f"an account has at most {ACCOUNT_LENGTH} printable characters")
        said.note(client, account, where)
        yield Given(client, account)


async def give(session: AsyncSession, table: Sequence[Given], now: float) -> int:
    """Set the accounts of clients, seen already or not, over what gateways say; the number of clients.

    Raises InvalidInput where more than MOST_GIVEN clients would have one.
    """
    await _set_stamp(session)  # first: two imports at once take turns, so that the count holds
    last = sorted(dict(table).items())
    await ensure(session, [(client_number(client), now) for client, _ in last])
    statement = (
        sa.update(Client)
        .where(Client.id == sa.bindparam("of"))
        .values(account=sa.bindparam("name"), account_given=sa.bindparam("given"))
    )
    rows = [{"of": client, "name": account, "given": bool(account)} for client, account in last]
    connection = await session.connection()
    for start in range(0, len(rows), CHUNK):
        await connection.execute(statement, rows[start : start + CHUNK])
    await _keep(session, last)
    count = await session.scalar(sa.select(sa.func.count()).select_from(GivenAccount)) or 0
    if count > MOST_GIVEN:
        problem = f"{count:,} clients would have a given account, at most {MOST_GIVEN:,} may"
        raise InvalidInput("account", f"{problem}: take some back, or have requests say it (STILLWATCH_ACCOUNT)")
    return len(rows)


async def _keep(session: AsyncSession, given: Sequence[tuple[str, str]]) -> None:
    """What copies are made of: the accounts that are given, without those that are taken back."""
    gone = [client for client, account in given if not account]
    for start in range(0, len(gone), CHUNK):
        await session.execute(sa.delete(GivenAccount).where(GivenAccount.client_id.in_(gone[start : start + CHUNK])))
    rows = [{"client_id": client, "account": account} for client, account in given if account]
    statement = insert_into(session, GivenAccount)
    statement = statement.on_conflict_do_update(
        index_elements=[GivenAccount.client_id], set_={"account": statement.excluded.account}
    )
    connection = await session.connection()
    for start in range(0, len(rows), CHUNK):
        await connection.execute(statement, rows[start : start + CHUNK])


async def _set_stamp(session: AsyncSession) -> None:
    made = secrets.token_hex(16)
    statement = insert_into(session, GivenStamp).values(id=ONLY, stamp=made)
    await session.execute(
        statement.on_conflict_do_update(index_elements=[GivenStamp.id], set_={"stamp": statement.excluded.stamp})
    )


async def stamp(session: AsyncSession) -> str:
    """The mark of what is given now: another one after each import."""
    return await session.scalar(sa.select(GivenStamp.stamp)) or NEVER


async def given(session: AsyncSession, after: str, limit: int) -> list[Given]:
    """So many of the given accounts, in order of the clients' ids, those after the id `after`."""
    query = sa.select(GivenAccount.client_id, GivenAccount.account).where(GivenAccount.client_id > after)
    rows = await session.execute(query.order_by(GivenAccount.client_id).limit(limit))
    return [Given(client, account) for client, account in rows]
