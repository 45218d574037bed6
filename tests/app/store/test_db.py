"""The database commits only whole scopes, waits for writers, and migrates alike on both kinds."""

import asyncio
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import StatementError

from app.errors import Unavailable
from app.models import AlertEvent, Client, GivenAccount, metadata
from app.models.base import moment, new_id
from app.models.client import client_ref
from app.store.db import is_migrated, make_engine, migrate, migration_config, read_scope, revert, session_scope

NOW = 1_800_000_000.25


def a_client(number, **fields):
    values = {
        "first_seen": moment(NOW),
        "last_seen": moment(NOW),
        "requests": 1,
        "in_tokens": 2,
        "out_tokens": 3,
        "level": 0,
        "score": 0.5,
        "peer_group": "",
    }
    return Client(id=client_ref(number), **(values | fields))


def inspect(url, look):
    engine = sa.create_engine(url.replace("+aiosqlite", ""), poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            return look(connection)
    finally:
        engine.dispose()


def tables(url):
    return set(inspect(url, lambda connection: sa.inspect(connection).get_table_names()))


def test_migrations_make_exactly_the_models(database_url):
    migrate(database_url)
    differences = inspect(
        database_url,
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), metadata
        ),
    )
    assert differences == []
    assert set(metadata.tables) < tables(database_url)


def partial_indexes(connection):
    names = ("uq_alert_open_fingerprint", "uq_decision_standing", "uq_token_standing_name")
    found = {}
    for table in ("alert", "decision", "token"):
        for index in sa.inspect(connection).get_indexes(table):
            if index["name"] in names:
                options = index.get("dialect_options", {})
                found[index["name"]] = bool(index["unique"]) and any(key.endswith("_where") for key in options)
    return found


def test_what_must_be_single_is_single_by_a_partial_index(database_url):
    """Comparing the metadata does not look at the condition of an index."""
    migrate(database_url)
    assert inspect(database_url, partial_indexes) == {
        "uq_alert_open_fingerprint": True,
        "uq_decision_standing": True,
        "uq_token_standing_name": True,
    }


def test_up_twice_down_and_up_again(database_url):
    migrate(database_url)
    migrate(database_url)
    revert(database_url, "base")
    assert tables(database_url) <= {"alembic_version"}
    migrate(database_url)
    assert "alert" in tables(database_url)


def value_of(column, made):
    """Something that a column takes: what it refers to of the rows that were made, else a value of its type."""
    for key in column.foreign_keys:
        if key.column.table.name in made:
            return made[key.column.table.name][key.column.name]
    kind = column.type
    if isinstance(kind, sa.DateTime):
        return datetime(2027, 1, 15, tzinfo=UTC)
    if isinstance(kind, sa.JSON):
        return {"level": 2}
    if isinstance(kind, sa.Boolean):
        return False
    return "x" if isinstance(kind, sa.String) else 1


def fill(connection):
    """A row in each table that has none; how many rows each had before."""
    found, made, before = sa.MetaData(), {}, {}
    found.reflect(connection)
    for table in found.sorted_tables:
        if table.name == "alembic_version":
            continue
        before[table.name] = connection.scalar(sa.select(sa.func.count()).select_from(table))
        if not before[table.name]:
            row = {column.name: value_of(column, made) for column in table.columns}
            if {"state", "disposition"} <= row.keys():
                row |= {"state": "new", "disposition": None}
            connection.execute(sa.insert(table).values(row))
        made[table.name] = connection.execute(sa.select(table)).mappings().first()
    connection.commit()
    return before


DROPPED = {"0011": {"outbox"}}  # by revision


def test_every_migration_keeps_the_rows_of_every_table_but_those_it_drops(database_url):
    """SQLite cannot make a table anew where a row refers to one of it: empty tables do not show that."""
    scripts = ScriptDirectory.from_config(migration_config())
    revisions = sorted(one.revision for one in scripts.walk_revisions())
    known = set()
    for revision in revisions:
        migrate(database_url, revision)
        before = inspect(database_url, fill)
        dropped = DROPPED.get(revision, set())
        assert not dropped & set(before)
        known -= dropped
        assert {name: before.get(name) for name in known} == dict.fromkeys(known, 1), revision
        known = set(before)
    revert(database_url, revisions[0])
    gone = set().union(*DROPPED.values())
    assert inspect(database_url, fill).items() >= dict.fromkeys(gone, 0).items()
    assert set(inspect(database_url, fill).values()) == {1}


def test_on_the_way_down_a_simulated_decision_makes_way_for_the_real_one_beside_it(database_url):
    migrate(database_url)
    rows = (("dc_1", "tag", "true"), ("dc_2", "tag", "false"), ("dc_3", "block", "true"))

    def before(connection):
        moments = {"at": "2027-01-15 08:00:00"}
        client = "'cl_1', :at, :at, 1, 1, 1, 0, 0, ''"
        columns = "id, first_seen, last_seen, requests, in_tokens, out_tokens, level, score, peer_group"
        connection.execute(sa.text(f"INSERT INTO client ({columns}) VALUES ({client})"), moments)
        columns = "id, action, simulated, client_id, reason, policy, policy_version, starts_at, expires_at"
        for name, action, simulated in rows:
            values = f"'{name}', '{action}', {simulated}, 'cl_1', 'r', 'p', 1, :at, :at"
            connection.execute(sa.text(f"INSERT INTO decision ({columns}) VALUES ({values})"), moments)
        connection.commit()

    inspect(database_url, before)
    revert(database_url, "0006")
    query = sa.text("SELECT id FROM decision WHERE revoked_at IS NULL ORDER BY id")
    assert inspect(database_url, lambda connection: connection.scalars(query).all()) == ["dc_2", "dc_3"]
    migrate(database_url)


def test_campaigns_of_before_keep_what_they_reached(database_url):
    migrate(database_url, "0007")
    columns = (
        "id, key, episode, state, level, score, threshold, size, requests, sentence, evidence, latest, opened_at, "
        "updated_at, seen_at, version"
    )
    step = "id, campaign_id, sequence, kind, actor, data, at"

    def before(connection):
        for name, level, opened in (("now", 2, 2), ("fell", 0, 2), ("rose and fell", 0, 1), ("calm", 0, 1)):
            said = f"""'{{"level"\\: {opened}}}'"""
            row = f"'{name}', 'a', 1, 'new', {level}, 1, 1, 3, 9, 's', {said}, {said}, :at, :at, :at, 0"
            connection.execute(sa.text(f"INSERT INTO campaign ({columns}) VALUES ({row})"), {"at": "2027-01-15"})
        row = "'ce_1', 'rose and fell', 1, 'escalated', 'stillwatch', '{}', '2027-01-15'"
        connection.execute(sa.text(f"INSERT INTO campaign_event ({step}) VALUES ({row})"))
        connection.commit()

    inspect(database_url, before)
    migrate(database_url)
    query = sa.text("SELECT id, reached FROM campaign")
    found = dict(inspect(database_url, lambda connection: [tuple(row) for row in connection.execute(query)]))
    assert found == {"now": 2, "fell": 2, "rose and fell": 2, "calm": 1}
    revert(database_url, "0007")
    migrate(database_url)


def test_accounts_that_were_given_before_are_kept_for_copies(database_url):
    migrate(database_url, "0005")
    columns = "id, first_seen, last_seen, requests, in_tokens, out_tokens, level, score, peer_group, account"
    row = "'{}', '2027-01-15', '2027-01-15', 1, 1, 1, 0, 0, '', 'acme', {}"

    def before(connection):
        for name, given in (("cl_1", "true"), ("cl_2", "false")):
            connection.execute(
                sa.text(f"INSERT INTO client ({columns}, account_given) VALUES ({row.format(name, given)})")
            )
        connection.commit()

    inspect(database_url, before)
    migrate(database_url)
    found = inspect(database_url, lambda connection: connection.execute(sa.select(GivenAccount.__table__)).all())
    assert [tuple(one) for one in found] == [("cl_1", "acme")]


def test_processes_that_migrate_at_once_all_succeed(database_url):
    script = f"from app.store.db import migrate; migrate({database_url!r})"
    started = [subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) for _ in range(3)]
    outcomes = [(process.communicate(timeout=300)[1], process.returncode) for process in started]
    assert [code for _, code in outcomes] == [0, 0, 0], outcomes
    assert "alert" in tables(database_url)


async def test_a_migration_beside_an_application_that_waits_for_it(sqlite_url):
    """Both open the new file at once, and one of them turns it to WAL."""
    engine = make_engine(sqlite_url)

    async def wait():
        while True:
            async with read_scope(engine) as session:
                if await is_migrated(session):
                    return

    try:
        async with asyncio.timeout(30):
            await asyncio.gather(wait(), wait(), asyncio.to_thread(migrate, sqlite_url))
    finally:
        await engine.dispose()


async def test_is_migrated_tells_before_from_after(database_url):
    engine = make_engine(database_url)
    try:
        async with read_scope(engine) as session:
            assert not await is_migrated(session)
        migrate(database_url)
        async with read_scope(engine) as session:
            assert await is_migrated(session)
    finally:
        await engine.dispose()


async def test_a_scope_commits_at_its_end(database):
    async with session_scope(database) as session:
        session.add(a_client(1))
    async with read_scope(database) as session:
        assert (await session.get_one(Client, client_ref(1))).score == 0.5


async def test_a_scope_that_fails_leaves_nothing(database):
    async def fail():
        async with session_scope(database) as session:
            session.add(a_client(1))
            await session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with read_scope(database) as session:
        assert await session.get(Client, client_ref(1)) is None


async def test_a_read_scope_keeps_nothing(database):
    async with read_scope(database) as session:
        session.add(a_client(1))
        await session.flush()
    async with read_scope(database) as session:
        assert await session.get(Client, client_ref(1)) is None


async def test_writers_wait_for_each_other(database):
    async def count_up():
        async with session_scope(database) as session:
            client = await session.get_one(Client, client_ref(1), with_for_update=True)
            seen = client.requests
            await asyncio.sleep(0)
            client.requests = seen + 1

    async with session_scope(database) as session:
        session.add(a_client(1, requests=0))
    await asyncio.gather(*(count_up() for _ in range(20)))
    async with read_scope(database) as session:
        assert (await session.get_one(Client, client_ref(1))).requests == 20


async def test_a_reader_does_not_wait_for_a_writer(sqlite_database):
    async with session_scope(sqlite_database) as writer:
        writer.add(a_client(1))
        await writer.flush()
        async with read_scope(sqlite_database) as reader:
            assert await reader.get(Client, client_ref(1)) is None


async def test_moments_come_back_aware_and_in_utc(database):
    tokyo = datetime(2027, 1, 15, 17, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=9)))
    async with session_scope(database) as session:
        session.add(a_client(1, last_seen=tokyo))
    async with read_scope(database) as session:
        found = (await session.get_one(Client, client_ref(1))).last_seen
    assert found == tokyo
    assert found.tzinfo is UTC


async def test_a_moment_without_a_zone_is_refused(sqlite_database):
    with pytest.raises(StatementError, match="without a time zone"):
        async with session_scope(sqlite_database) as session:
            session.add(a_client(1, last_seen=datetime(2027, 1, 15)))  # noqa: DTZ001


async def drivers_threads_to_end(before):
    """A SQLite connection that failed to open ends its thread a moment later, and that needs the loop."""
    deadline = time.monotonic() + 10
    while any("_connection_worker_thread" in thread.name for thread in {*threading.enumerate()} - before):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_database_that_is_away_is_unavailable(free_port, tmp_path):
    urls = (
        f"postgresql+psycopg://u:p@127.0.0.1:{free_port()}/x",
        f"sqlite+aiosqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'x.db'}",
    )
    before = {*threading.enumerate()}  # another test's may be on their way
    for url in urls:
        engine = make_engine(url)
        for scope in (session_scope, read_scope):
            with pytest.raises(Unavailable):
                async with scope(engine) as session:
                    await session.execute(sa.text("SELECT 1"))
        await engine.dispose()
    await drivers_threads_to_end(before)


async def test_numbers_that_are_no_json_are_refused(sqlite_database):
    payload = {"x": float("nan")}

    async def write():
        async with session_scope(sqlite_database) as session:
            step = {
                "id": "ae_1",
                "alert_id": "al_1",
                "sequence": 1,
                "at": moment(NOW),
                "kind": "opened",
                "actor": "ana",
            }
            session.add(AlertEvent(**step, data=payload))

    with pytest.raises(StatementError):
        await write()


def test_ids_sort_by_time_and_within_a_millisecond():
    ids = [new_id("al", NOW) for _ in range(2000)] + [new_id("al", NOW + 0.001)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert ids[0][17:18] == "7"  # the version of the UUID
