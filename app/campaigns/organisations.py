"""Organisations: which company is behind which clients and accounts, and whether that was verified."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.csvfile import Said, rows
from app.errors import InvalidInput, NotFound
from app.models.base import moment, new_id
from app.models.client import Client, client_number
from app.models.organisation import Organisation, OrganisationAccount, OrganisationClient
from app.store.db import chunks, insert_into
from app.store.page import Key, Page, digest, paginate

COLUMNS = (["client", "organisation"], ["account", "organisation"])
NAME_LENGTH = 200
MOST = 100_000  # lines of one import


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: a client or an account, and its organisation; an empty one takes the entry back."""

    of: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    organisations: int
    entries: int
    removed: int


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds: entries by client, or by account."""

    by_account: bool
    lines: tuple[Line, ...]


def read(lines: Iterable[str]) -> Table:
    """A CSV table with the columns client,organisation or account,organisation; InvalidInput names the line."""
    found = rows(lines)
    header = [name.strip().lower().lstrip("\ufeff") for name in next(found, (1, []))[1]]
    if header not in COLUMNS:
        raise InvalidInput("header", "the first line must be client,organisation or account,organisation")
    by_account = header[0] == "account"
    return Table(by_account, tuple(_lines(found, by_account)))


def _lines(found: Iterator[tuple[int, list[str]]], by_account: bool) -> Iterator[Line]:
    said = Said()
    for number, row in found:
        where = f"line {number}"
        if number > MOST:
            raise InvalidInput(where, f"a table has at most {MOST} lines")
        if len(row) != 2:
            raise InvalidInput(where, f"{len(row)} values where 2 are wanted")
        of, organisation = (value.strip() for value in row)
        if by_account and not (of and of.isprintable() and len(of) <= NAME_LENGTH):
            raise InvalidInput(where, f"an account has 1 to {NAME_LENGTH} printable characters")
        if not by_account:
            try:
                client_number(of)
            except NotFound:
                raise InvalidInput(where, "it names no client: give cl_ and 16 hexadecimal digits") from None
        if len(organisation) > NAME_LENGTH or not organisation.isprintable():
            raise InvalidInput(where, f"an organisation has at most {NAME_LENGTH} printable characters")
        said.note(of, organisation, where)
        yield Line(of, organisation)


async def give(session: AsyncSession, table: Table, actor: str, now: float, *, verified: bool) -> Imported:
    """Set what a table says, over what was set before; its organisations count as verified, or not, from now on."""
    last = {line.of: line.organisation for line in table.lines}
    names = sorted({name for name in last.values() if name})
    ids = await _organisations(session, names, actor, now, verified)
    kind = OrganisationAccount if table.by_account else OrganisationClient
    column = "account" if table.by_account else "client_id"
    gone = sorted(of for of, name in last.items() if not name)
    removed = 0
    for some in chunks(gone):
        query = sa.delete(kind).where(getattr(kind, column).in_(some))
        removed += (await session.execute(query)).rowcount  # type: ignore[attr-defined]
    rows = [
        {column: of, "organisation_id": ids[name], "added_by": actor, "added_at": moment(now)}
        for of, name in sorted(last.items())
        if name
    ]
    statement = insert_into(session, kind)
    new = statement.excluded
    changed = {name: new[name] for name in ("organisation_id", "added_by", "added_at")}
    statement = statement.on_conflict_do_update(index_elements=[getattr(kind, column)], set_=changed)
    connection = await session.connection()
    for part in chunks(rows):
        await connection.execute(statement, part)
    return Imported(len(names), len(rows), removed)


async def _organisations(
    session: AsyncSession, names: Sequence[str], actor: str, now: float, verified: bool
) -> dict[str, str]:
    """The ids of organisations by name; new ones are added."""
    rows = [
        {"id": new_id("og", now), "name": name, "verified": verified, "updated_by": actor, "updated_at": moment(now)}
        for name in names
    ]
    statement = insert_into(session, Organisation)
    new = statement.excluded
    changed = {name: new[name] for name in ("verified", "updated_by", "updated_at")}
    statement = statement.on_conflict_do_update(index_elements=[Organisation.name], set_=changed)
    connection = await session.connection()
    found: dict[str, str] = {}
    for part in chunks(rows):
        await connection.execute(statement, part)
        query = sa.select(Organisation.name, Organisation.id)
        query = query.where(Organisation.name.in_([row["name"] for row in part]))
        found.update((await session.execute(query)).all())
    return found


def _known() -> sa.Select[tuple[str, str, bool]]:
    """Client, organisation and whether it is verified; a client's own entry goes before its account's."""
    mine = sa.select(OrganisationClient.client_id, OrganisationClient.organisation_id)
    through = (
        sa.select(Client.id.label("client_id"), OrganisationAccount.organisation_id)
        .join(OrganisationAccount, sa.and_(OrganisationAccount.account == Client.account, Client.account != ""))
        .where(Client.id.not_in(sa.select(OrganisationClient.client_id)))
    )
    both = mine.union_all(through).subquery()
    query = sa.select(both.c.client_id, Organisation.name, Organisation.verified)
    return query.join(Organisation, Organisation.id == both.c.organisation_id).order_by(both.c.client_id)


async def everybody(session: AsyncSession) -> dict[str, str]:
    """The organisation of every client that has one, verified or not: who owns it."""
    rows: Any = await session.execute(_known())
    return {client: name for client, name, _ in rows}


async def verified(session: AsyncSession) -> dict[str, str]:
    """The verified organisation of every client that has one: what the linker goes by."""
    query: sa.Select[Any] = _known().where(Organisation.verified.is_(True))
    rows: Any = await session.execute(query)
    return {client: name for client, name, _ in rows}


async def of(session: AsyncSession, clients: Collection[str]) -> dict[str, tuple[str, bool]]:
    """The organisation of each of these clients that has one, and whether it is verified."""
    names = sorted(clients)
    found: dict[str, tuple[str, bool]] = {}
    for part in chunks(names):
        known = _known().subquery()
        query: sa.Select[Any] = sa.select(known.c.client_id, known.c.name, known.c.verified)
        query = query.where(known.c.client_id.in_(part))
        found.update({row[0]: (row[1], row[2]) for row in await session.execute(query)})
    return found


async def verified_of(session: AsyncSession, clients: Collection[str]) -> dict[str, str]:
    """The verified organisation of each of these clients that has one."""
    return {client: name for client, (name, sure) in (await of(session, clients)).items() if sure}


@dataclass(frozen=True, slots=True)
class Row:
    """An organisation in a list, with how many clients and accounts name it directly."""

    organisation: Organisation
    clients: int
    accounts: int


async def list_organisations(session: AsyncSession, q: str, cursor: str | None, limit: int) -> Page[Organisation]:
    """A page of organisations, by name."""
    query = sa.select(Organisation)
    if q:
        query = query.where(Organisation.name.icontains(q, autoescape=True))
    keys = (Key(Organisation.name, descending=False), Key(Organisation.id, descending=False))
    return await paginate(session, query, keys, digest("organisations", q), cursor, limit)


async def counted(session: AsyncSession, organisations: Sequence[Organisation]) -> list[Row]:
    """The organisations with how many entries each has."""
    ids = [one.id for one in organisations]
    counts: dict[type, dict[str, int]] = {}
    for kind in (OrganisationClient, OrganisationAccount):
        query = sa.select(kind.organisation_id, sa.func.count()).where(kind.organisation_id.in_(ids))
        counts[kind] = dict((await session.execute(query.group_by(kind.organisation_id))).all())
    return [
        Row(one, counts[OrganisationClient].get(one.id, 0), counts[OrganisationAccount].get(one.id, 0))
        for one in organisations
    ]
