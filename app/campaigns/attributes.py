"""Sign-up attributes: what clients and accounts signed up with, kept as keyed hashes, replaced and forgotten."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.attribute_tables import NAMES, Entry
from app.errors import InvalidInput
from app.models.base import moment, new_id
from app.models.sign_up import ACCOUNT, CLIENT, SignUpAttribute, SignUpNews
from app.store.db import chunks, insert_into
from app.store.page import Key, Page, digest, paginate

_KEY = b"sign-up\0"
Subject = tuple[str, str]
"""A kind, and the client's id or the account's name."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: entries read, attributes set or changed, left as they were, and taken back."""

    entries: int
    changed: int
    unchanged: int
    removed: int


@dataclass(frozen=True, slots=True)
class Row:
    """An attribute in a list, with how many entries have the same value, itself among them."""

    attribute: SignUpAttribute
    shared: int


def hashed(secret: bytes, name: str, value: str) -> str:
    """All that is kept of a value: 64 bits of its HMAC with its name, as hex; never zero."""
    mark = hmac.digest(secret, _KEY + name.encode() + b"\0" + value.encode("utf-8", "replace"), "sha256")
    return f"{int.from_bytes(mark[:8], 'big') or 1:016x}"


async def give(
    session: AsyncSession, entries: Iterable[Entry], secret: bytes, actor: str, now: float, *, replace: bool = False
) -> Imported:
    """Set what entries say, over what was set before; with `replace` they are all that is known of whom they name."""
    wanted: dict[Subject, dict[str, str]] = {}
    for one in entries:
        wanted.setdefault((one.kind, one.of), {}).update(one.values)
    present = await _present(session, wanted)
    rows: list[dict[str, object]] = []
    gone: list[tuple[str, str, str]] = []
    news: list[Subject] = []
    unchanged = 0
    for subject, values in sorted(wanted.items()):
        known = present.get(subject, {})
        hashes = {name: hashed(secret, name, value) for name, value in values.items() if value}
        fresh = {name: value for name, value in hashes.items() if known.get(name) != value}
        left = sorted(known.keys() - hashes.keys() if replace else known.keys() & (values.keys() - hashes.keys()))
        if len((known.keys() | hashes.keys()) - set(left)) > NAMES:
            raise InvalidInput("attributes", f"one of them would have more than {NAMES}: take others back first")
        kind, of = subject
        rows += [{"kind": kind, "of": of, "name": name, "hash": value} for name, value in sorted(fresh.items())]
        gone += [(kind, of, name) for name in left]
        news += [subject] if fresh or left else []
        unchanged += len(hashes) - len(fresh)
    await _write(session, rows, actor, now)
    await _remove(session, gone)
    await _tell(session, news, now)
    return Imported(len(wanted), len(rows), unchanged, len(gone))


async def _present(session: AsyncSession, subjects: Collection[Subject]) -> dict[Subject, dict[str, str]]:
    """What is known of clients and accounts: hashes by name."""
    found: dict[Subject, dict[str, str]] = {}
    for kind in sorted({kind for kind, _ in subjects}):
        names = sorted(of for its, of in subjects if its == kind)
        for part in chunks(names):
            query = sa.select(SignUpAttribute.of, SignUpAttribute.name, SignUpAttribute.hash)
            query = query.where(SignUpAttribute.kind == kind, SignUpAttribute.of.in_(part))
            for of, name, value in await session.execute(query):
                found.setdefault((kind, of), {})[name] = value
    return found


async def _write(session: AsyncSession, rows: Sequence[Mapping[str, object]], actor: str, now: float) -> None:
    statement = insert_into(session, SignUpAttribute)
    new = statement.excluded
    changed = {name: new[name] for name in ("hash", "updated_by", "updated_at")}
    keys = [SignUpAttribute.kind, SignUpAttribute.of, SignUpAttribute.name]
    statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    said = {"updated_by": actor[:120], "updated_at": moment(now)}
    connection = await session.connection()
    for part in chunks(rows):
        await connection.execute(statement, [dict(row) | said for row in part])


async def _remove(session: AsyncSession, gone: Sequence[tuple[str, str, str]]) -> None:
    statement = sa.delete(SignUpAttribute).where(
        SignUpAttribute.kind == sa.bindparam("its"),
        SignUpAttribute.of == sa.bindparam("whose"),
        SignUpAttribute.name == sa.bindparam("called"),
    )
    connection = await session.connection()
    for part in chunks(gone):
        rows = [{"its": kind, "whose": of, "called": name} for kind, of, name in part]
        await connection.execute(statement, rows)


async def _tell(session: AsyncSession, subjects: Sequence[Subject], now: float) -> None:
    """Leave word for the linker that these changed."""
    statement = insert_into(session, SignUpNews)
    keys = [SignUpNews.kind, SignUpNews.of]
    statement = statement.on_conflict_do_update(index_elements=keys, set_={"stamp": statement.excluded.stamp})
    stamp = new_id("sn", now)
    connection = await session.connection()
    for part in chunks(subjects):
        rows = [{"kind": kind, "of": of, "stamp": stamp} for kind, of in part]
        await connection.execute(statement, rows)


async def forget(session: AsyncSession, subject: Subject, now: float) -> int:
    """Forget all that a client or an account signed up with; how many attributes that were."""
    kind, of = subject
    known = (await _present(session, [subject])).get(subject, {})
    await _remove(session, [(kind, of, name) for name in sorted(known)])
    await _tell(session, [subject] if known else [], now)
    return len(known)


async def drop(session: AsyncSession, name: str, now: float) -> int:
    """Forget an attribute of everybody; how many had it."""
    query = sa.select(SignUpAttribute.kind, SignUpAttribute.of).where(SignUpAttribute.name == name)
    found = [(row[0], row[1]) for row in await session.execute(query)]
    await session.execute(sa.delete(SignUpAttribute).where(SignUpAttribute.name == name))
    await _tell(session, sorted(found), now)
    return len(found)


async def list_attributes(
    session: AsyncSession, subject: Subject | None, name: str, cursor: str | None, limit: int
) -> Page[SignUpAttribute]:
    """A page of attributes, by whom they are of."""
    query = sa.select(SignUpAttribute)
    if subject is not None:
        query = query.where(SignUpAttribute.kind == subject[0], SignUpAttribute.of == subject[1])
    if name:
        query = query.where(SignUpAttribute.name == name)
    columns = (SignUpAttribute.kind, SignUpAttribute.of, SignUpAttribute.name)
    keys = tuple(Key(column, descending=False) for column in columns)
    return await paginate(session, query, keys, digest("sign-up attributes", subject, name), cursor, limit)


async def of_client(session: AsyncSession, client_id: str, account: str) -> list[Row]:
    """What a client has, its own before its account's, by name."""
    known: dict[str, SignUpAttribute] = {}
    for kind, of in ((ACCOUNT, account), (CLIENT, client_id)):
        query = sa.select(SignUpAttribute).where(SignUpAttribute.kind == kind, SignUpAttribute.of == of)
        known |= {one.name: one for one in await session.scalars(query)}
    return await counted(session, [known[name] for name in sorted(known)])


async def counted(session: AsyncSession, attributes: Sequence[SignUpAttribute]) -> list[Row]:
    """The attributes with how many entries have the same value."""
    known = await shared(session, {one.hash for one in attributes})
    return [Row(one, known.get(one.hash, 1)) for one in attributes]


async def shared(session: AsyncSession, hashes: Collection[str]) -> dict[str, int]:
    """By hash, how many entries have it."""
    found: dict[str, int] = {}
    wanted = sorted(hashes)
    for part in chunks(wanted):
        query = sa.select(SignUpAttribute.hash, sa.func.count()).group_by(SignUpAttribute.hash)
        query = query.where(SignUpAttribute.hash.in_(part))
        found.update((row[0], row[1]) for row in await session.execute(query))
    return found
