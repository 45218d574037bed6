"""Accounts: the customers that clients belong to, given by an operator where gateways are not told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.clients.queries import CHUNK, ensure
from app.csvfile import rows
from app.errors import InvalidInput, NotFound
from app.models.client import ACCOUNT_LENGTH, Client, client_number

COLUMNS = ["client", "account"]


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
    for number, row in found:
        where = f"line {number}"
        if len(row) != len(COLUMNS):
            raise InvalidInput(where, f"{len(row)} values where {len(COLUMNS)} are wanted")
        client, account = (value.strip() for value in row)
        try:
            client_number(client)
        except NotFound:
            raise InvalidInput(where, f"{client!r} is no client: give cl_ and 16 hexadecimal digits") from None
        if len(account) > ACCOUNT_LENGTH or not (account.isprintable()):
            raise InvalidInput(where, f"an account has at most {ACCOUNT_LENGTH} printable characters")
        yield Given(client, account)


async def give(session: AsyncSession, table: Sequence[Given], now: float) -> int:
    """Set the accounts of clients, seen already or not, over what gateways say; the number of clients."""
    last = dict(table)
    await ensure(session, [(client_number(client), now) for client in sorted(last)])
    statement = (
        sa.update(Client)
        .where(Client.id == sa.bindparam("of"))
        .values(account=sa.bindparam("name"), account_given=sa.bindparam("given"))
    )
    rows = [{"of": client, "name": account, "given": bool(account)} for client, account in sorted(last.items())]
    connection = await session.connection()
    for start in range(0, len(rows), CHUNK):
        await connection.execute(statement, rows[start : start + CHUNK])
    return len(rows)
