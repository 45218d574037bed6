"""The service's clients: rows of this version from Redis, verdicts and owners from the database."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
import redis
import sqlalchemy as sa

from app.alerts.lifecycle import record
from app.campaigns import organisations
from app.clients import accounts
from app.errors import InvalidInput, Unavailable
from app.ingest.present import known, read_present
from app.models.alert import Alert
from app.models.base import moment
from app.models.client import Client, client_ref
from app.models.label import Label
from app.models.organisation import Organisation, OrganisationClient
from app.models.vocabulary import Disposition, Verdict
from app.settings import read_settings
from app.store.db import make_engine, session_scope
from app.store.stream import partition_of, row_key
from detectors.registry import load

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def engine():
    return load()


def client(number: int, account: str = "") -> Client:
    return Client(
        id=client_ref(number), first_seen=moment(NOW), last_seen=moment(NOW + number), requests=40, in_tokens=1,
        out_tokens=1, level=0, score=0.0, peer_group="", account=account,
    )  # fmt: skip


def label(number: int, alert: str, verdict: Verdict, at: float) -> Label:
    return Label(
        id=f"lab_{number}_{at:.0f}", alert_id=alert, client_id=client_ref(number), verdict=verdict,
        disposition=Disposition.FALSE_POSITIVE, given_by="r", given_at=moment(NOW + at),
    )  # fmt: skip


async def test_the_newest_verdict_counts_and_an_organisation_outweighs_an_account(sqlite_database) -> None:
    async with session_scope(sqlite_database) as session:
        session.add_all([client(1, "acme"), client(2, "acme"), client(3)])
        await session.flush()
        session.add(Organisation(id="org_1", name="Acme", verified=True, updated_by="r", updated_at=moment(NOW)))
        session.add(
            OrganisationClient(client_id=client_ref(2), organisation_id="org_1", added_by="r", added_at=moment(NOW))
        )
    async with session_scope(sqlite_database) as session:
        found = await known(session)
    assert found.clients == (3, 2, 1)
    assert found.owners == {1: "account acme", 2: "organisation Acme"}
    assert found.verdicts == {}


async def test_a_company_that_is_known_by_its_accounts_owns_all_their_clients(database) -> None:
    """Or its share of what a fit may take grows by opening accounts."""
    async with session_scope(database) as session:
        session.add_all([client(1, "acme-1"), client(2, "acme-2"), client(3, "other"), client(4, "acme-2")])
        await session.flush()
        table = ["account,organisation", "acme-1,Acme Ltd", "acme-2,Acme Ltd"]
        await organisations.give(session, organisations.read(table), "ana", NOW, verified=True)
        table = ["client,organisation", f"{client_ref(4)},Bolt"]
        await organisations.give(session, organisations.read(table), "ana", NOW, verified=False)
    async with session_scope(database) as session:
        found = await known(session)
    acme = "organisation Acme Ltd"
    assert found.owners == {1: acme, 2: acme, 3: "account other", 4: "organisation Bolt"}


async def test_clients_that_were_only_imported_take_nobodys_place(database) -> None:
    async with session_scope(database) as session:
        session.add(client(1))
        await session.flush()
        await accounts.give(session, [accounts.Given(client_ref(2), "acme")], NOW + 9)
    async with session_scope(database) as session:
        assert (await known(session)).clients == (1,)


async def test_of_several_verdicts_the_last_holds(sqlite_database, make_finding) -> None:
    async with session_scope(sqlite_database) as session:
        session.add_all([client(1), client(2)])
        await session.flush()
        for number in (1, 2):
            await record(session, [make_finding(number, at=NOW)], NOW)
        alerts = {alert.client_id: alert.id for alert in await session.scalars(sa.select(Alert))}
        session.add_all(
            [
                label(1, alerts[client_ref(1)], Verdict.HARVESTING, 1.0),
                label(1, alerts[client_ref(1)], Verdict.BENIGN, 2.0),
                label(2, alerts[client_ref(2)], Verdict.UNSURE, 1.0),
            ]
        )
    async with session_scope(sqlite_database) as session:
        found = await known(session)
    assert found.verdicts == {1: Verdict.BENIGN, 2: Verdict.UNSURE}


@pytest.fixture
def settings(tmp_path, redis_url, sqlite_url, migrated):
    migrated(sqlite_url)
    return read_settings({"REDIS_URL": redis_url, "DATABASE_URL": sqlite_url, "STILLWATCH_DATA": str(tmp_path)})


def store(url: str, rows: np.ndarray, partitions: int) -> None:
    with redis.Redis.from_url(url) as link:
        for row, place in zip(rows, partition_of(rows["client"], partitions), strict=True):
            link.set(row_key(int(place), int(row["client"])), row.tobytes())


def add(url: str, *clients: Client) -> None:
    async def work() -> None:
        database = make_engine(url)
        async with session_scope(database) as session:
            session.add_all(clients)
        await database.dispose()

    asyncio.run(work())


def test_rows_with_enough_requests_come_back_and_others_are_counted(settings, engine) -> None:
    add(settings.database_url, *(client(number) for number in range(1, 6)))
    rows = engine.empty(np.arange(1, 5, dtype=np.uint64))  # the fifth has none any more
    rows["counted"] = 25, 24, 800, 30
    rows["schema"][3] ^= 1
    store(settings.redis_url, rows, settings.partitions)
    found = read_present(settings, engine)
    assert sorted(found.rows["client"].tolist()) == [1, 3]
    assert found.foreign == 1
    assert found.benign == found.harvesting == frozenset()


def test_without_a_redis_it_says_what_to_give(settings, engine) -> None:
    with pytest.raises(InvalidInput, match="REDIS_URL is empty"):
        read_present(read_settings({"STILLWATCH_DATA": str(settings.data)}), engine)


def test_a_redis_that_is_away_is_said(settings, engine, free_port) -> None:
    add(settings.database_url, client(1))
    with pytest.raises(Unavailable, match="Redis"):
        read_present(replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0"), engine)
