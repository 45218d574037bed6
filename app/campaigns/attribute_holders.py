"""Sign-up attributes as the linker asks for them: what changed, what its clients have, and who else has the same."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.campaigns.attributes import shared
from app.models.client import Client, client_number, client_ref
from app.models.sign_up import ACCOUNT, CLIENT, SignUpAttribute, SignUpNews
from app.store.db import CHUNK, chunks

LIMIT = 2_000  # of an account's clients, and of a value's holders where the linker knows no more clients
Lacking = Callable[[list[tuple[str, int]]], list[tuple[str, int]]]
"""Of names and hashes those that tie nobody yet."""


@dataclass(frozen=True, slots=True)
class Held:
    """What clients have now, all of it; some of what others have, that is the same; and of whom nothing is stored."""

    held: dict[int, dict[str, int]] = field(default_factory=dict)
    others: dict[int, dict[str, int]] = field(default_factory=dict)
    unknown: tuple[int, ...] = ()  # clients that the database has not seen: their account may come with them


async def supplied(session: AsyncSession) -> bool:
    """Whether there is anything to ask for: an attribute, or one that was taken back."""
    parts = [sa.select(sa.exists(sa.select(kind.of))) for kind in (SignUpAttribute, SignUpNews)]
    return any([await session.scalar(part) for part in parts])


async def news(session: AsyncSession, most: int) -> list[int]:
    """Clients whose attributes changed, some at a time; each is told once."""
    query = sa.select(SignUpNews.kind, SignUpNews.of, SignUpNews.stamp)
    found = (await session.execute(query.order_by(SignUpNews.stamp).limit(most))).all()
    statement = sa.delete(SignUpNews).where(
        SignUpNews.kind == sa.bindparam("its"),
        SignUpNews.of == sa.bindparam("whose"),
        SignUpNews.stamp == sa.bindparam("then"),
    )
    connection = await session.connection()
    for rows in chunks(found):
        await connection.execute(statement, [{"its": kind, "whose": of, "then": stamp} for kind, of, stamp in rows])
    clients = [of for kind, of, _ in found if kind == CLIENT]
    for some in chunks([of for kind, of, _ in found if kind == ACCOUNT]):
        clients += await session.scalars(sa.select(Client.id).where(Client.account.in_(some)).limit(LIMIT * CHUNK))
    return sorted({client_number(one) for one in clients})


async def look(session: AsyncSession, clients: Collection[int], lacking: Lacking, most: int) -> Held:
    """What clients have, and of the values that tie nobody yet who else has them: of those that at most `most` have."""
    held, seen = await _held(session, sorted(clients))
    values = {(name, value) for one in held.values() for name, value in one.items()}
    found = Held(held, unknown=tuple(sorted(set(clients) - seen)))
    wanted = {f"{value:016x}": (name, value) for name, value in lacking(sorted(values))}
    counts = await shared(session, wanted.keys())
    few = {text: wanted[text] for text, count in counts.items() if 2 <= count <= max(most, LIMIT)}
    for client, text in await _holders(session, sorted(few)):
        name, value = few[text]
        found.others.setdefault(client, {})[name] = value
    return found


async def _held(session: AsyncSession, clients: Sequence[int]) -> tuple[dict[int, dict[str, int]], set[int]]:
    """By client its attributes, its own before its account's; and the clients that the database has seen."""
    found: dict[int, dict[str, int]] = {client: {} for client in clients}
    seen: set[int] = set()
    for some in chunks(clients):
        refs = [client_ref(one) for one in some]
        known = await session.execute(sa.select(Client.id, Client.account).where(Client.id.in_(refs)))
        accounts: dict[str, list[int]] = {}
        for ref, account in known:
            seen.add(client_number(ref))
            if account:
                accounts.setdefault(account, []).append(client_number(ref))
        for names in chunks(sorted(accounts)):
            for account, name, value in await _rows(session, ACCOUNT, names):
                for client in accounts[account]:
                    found[client][name] = int(value, 16)
        for ref, name, value in await _rows(session, CLIENT, refs):
            found[client_number(ref)][name] = int(value, 16)
    return found, seen


async def _rows(session: AsyncSession, kind: str, names: Sequence[str]) -> Iterable[Any]:
    query = sa.select(SignUpAttribute.of, SignUpAttribute.name, SignUpAttribute.hash)
    return await session.execute(query.where(SignUpAttribute.kind == kind, SignUpAttribute.of.in_(names)))


async def _holders(session: AsyncSession, hashes: Sequence[str]) -> list[tuple[int, str]]:
    """Clients that have one of some values, by themselves or through their account, each with the value's hash."""
    found: list[tuple[int, str]] = []
    through = sa.select(Client.id, SignUpAttribute.hash)
    through = through.join(Client, sa.and_(Client.account == SignUpAttribute.of, SignUpAttribute.kind == ACCOUNT))
    own = aliased(SignUpAttribute)
    its = (own.kind == CLIENT, own.of == Client.id, own.name == SignUpAttribute.name)
    through = through.where(~sa.exists(sa.select(own.of).where(*its)))
    mine = sa.select(SignUpAttribute.of, SignUpAttribute.hash).where(SignUpAttribute.kind == CLIENT)
    for some in chunks(hashes):
        for query in (mine, through):
            rows = await session.execute(query.where(SignUpAttribute.hash.in_(some)))
            found += [(client_number(row[0]), row[1]) for row in rows]
    return found
