"""The running service's clients as they stand: rows from Redis, reviewers' verdicts and owners from the database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import organisations
from app.clients import queries
from app.errors import InvalidInput, NotFound
from app.models.client import Client, client_number
from app.models.label import Label
from app.models.vocabulary import Verdict
from app.settings import Settings
from app.store.db import make_engine, migrate, read_scope
from app.store.redis import Link
from app.store.rows import stored
from detectors.engine import Engine
from detectors.reference import LOOKS

MOST: Final = 200_000  # clients taken, those seen last: many more than any threshold needs
SECONDS: Final = 5.0  # for one reply: nobody's request waits for it


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says: clients, seen last first, and of some a verdict or an owner."""

    clients: tuple[int, ...]
    verdicts: Mapping[int, Verdict]
    owners: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Present:
    """Rows with enough requests to be compared, and what is known of their clients."""

    rows: NDArray[np.void]
    foreign: int  # rows of another version, left out
    harvesting: frozenset[int] = frozenset()
    benign: frozenset[int] = frozenset()
    unsure: frozenset[int] = frozenset()
    owners: Mapping[int, str] | Any = None


def read_present(settings: Settings, engine: Engine) -> Present:
    """Everything of the service that a fit needs; raises Unavailable where Redis does not answer."""
    if not settings.redis_url:
        raise InvalidInput("--live", "REDIS_URL is empty: give the running service's, or exchange logs")
    migrate(settings.database_url)
    known = asyncio.run(_known(settings.database_url))
    rows, foreign = _rows(settings, engine, known.clients)
    by: dict[Verdict, set[int]] = {verdict: set() for verdict in Verdict}
    for client, verdict in known.verdicts.items():
        by[verdict].add(client)
    return Present(
        rows, foreign, frozenset(by[Verdict.HARVESTING]), frozenset(by[Verdict.BENIGN]),
        frozenset(by[Verdict.UNSURE]), known.owners,
    )  # fmt: skip


async def _known(url: str) -> Known:
    engine = make_engine(url)
    try:
        async with read_scope(engine) as session:
            return await known(session)
    finally:
        await engine.dispose()


async def known(session: AsyncSession) -> Known:
    """Clients, the newest verdict on each, and who owns it: its organisation, else its account."""
    query = sa.select(Client.id, Client.account).where(queries.SEEN)
    query = query.order_by(Client.last_seen.desc(), Client.id).limit(MOST)
    found = [(number, account) for ref, account in await session.execute(query) if (number := _number(ref)) is not None]
    owners = {client: f"account {account}" for client, account in found if account}
    for ref, organisation in (await organisations.everybody(session)).items():
        if (number := _number(ref)) is not None:
            owners[number] = f"organisation {organisation}"
    verdicts: dict[int, Verdict] = {}
    said = await session.execute(sa.select(Label.client_id, Label.verdict).order_by(Label.given_at, Label.id))
    for ref, verdict in said:  # the newest counts
        if (number := _number(ref)) is not None:
            verdicts[number] = Verdict(verdict)
    return Known(tuple(client for client, _ in found), verdicts, owners)


def _number(ref: str) -> int | None:
    try:
        return client_number(ref)
    except NotFound:
        return None


def _rows(settings: Settings, engine: Engine, clients: Sequence[int]) -> tuple[NDArray[np.void], int]:
    """The rows of clients that reached the first look; how many were of another version."""
    parts, foreign = [np.zeros(0, engine.row)], 0
    with closing(Link(settings.redis_url, SECONDS)) as link:
        for rows, others in stored(link, engine.row, engine.schema, clients, settings.partitions):
            parts.append(rows[rows["counted"] >= LOOKS[0]])
            foreign += others
    return np.concatenate(parts), foreign
