"""The database: engine, session scopes (the only place that commits), migrations."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Dialect, Engine, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

import migrations
from app.errors import SettingError, Unavailable
from app.store.folder import make_private
from app.store.sqlite_lock import WriteLock

BUSY_SECONDS = 5.0  # how long SQLite waits for another writer
LEAVE_SECONDS = BUSY_SECONDS + 1.0  # how long the last statements may take
HEARD_SECONDS = 0.02  # for a task to hear that its thread has ended
MIGRATE_SECONDS = 60.0  # how long one process waits for another's migration
MIGRATION_LOCK = 0x5717_AB1E  # PostgreSQL advisory lock, so that two processes never migrate at once
LINKING_LOCK = 0x5717_AB1F  # another, so that linkers and reviewers never change campaigns' members at once
ADMIN_LOCK = 0x5717_AB21  # another, so that two consoles never admit the operator at once
CHUNK = 500  # rows or ids of one statement, far under either database's limit of parameters
IMPORT_LOCK = 0x5717_AB20  # another, so that two imported sets of indicators never get the same number
BEGIN = "sqlite_begin"  # execution option: how SQLite begins
LOCK = "sqlite_lock"  # another: the engine's WriteLock
POSTGRES_OPTIONS = "-c timezone=UTC -c statement_timeout=10000 -c lock_timeout=5000"


T = TypeVar("T")


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _tune_sqlite(engine: Engine, begin: str, wait_seconds: float = BUSY_SECONDS) -> None:
    """WAL, durable commits, foreign keys, a wait instead of an error, and transactions that begin as we say."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come late and deferred
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(wait_seconds * 1000)}")
        with contextlib.suppress(sqlite3.OperationalError):  # another connection writes: the next one will switch
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # an answered request stays answered after a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        how = connection.get_execution_options().get(BEGIN, begin)
        connection.exec_driver_sql(f"BEGIN {how}")


def make_engine(url: str) -> AsyncEngine:
    """An engine for `url` (sqlite+aiosqlite or postgresql+psycopg); connects on first use."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        lock = WriteLock()
        engine = create_async_engine(
            parsed,
            json_serializer=_dumps,
            pool_timeout=BUSY_SECONDS,
            connect_args={"factory": lock.connect},
            execution_options={LOCK: lock},
        )
        _tune_sqlite(engine.sync_engine, "DEFERRED")
        return engine
    return create_async_engine(
        parsed,
        json_serializer=_dumps,
        pool_pre_ping=True,
        pool_timeout=BUSY_SECONDS,
        connect_args={"connect_timeout": 3, "options": POSTGRES_OPTIONS, "application_name": "stillwatch"},
    )


def is_locked_by_us(engine: AsyncEngine) -> bool:
    """Whether a transaction of this engine that was cut off still holds SQLite's write lock: ask between two calls.

    A thread of its own works on until its statement ends, however long ago nobody waits for it any more.
    """
    lock = _lock_of(engine)
    return lock is not None and lock.is_ours()


async def leave(engine: AsyncEngine) -> None:
    """Close all connections, those of calls that were cut off too, before the loop is closed.

    SQLite's close themselves behind such a call, in a task that waits for a thread: a loop that is closed meanwhile
    cancels the task, which then waits for ever, and the loop with it.
    """
    await engine.dispose()
    lock = _lock_of(engine)
    if lock is not None:
        await asyncio.to_thread(lock.wait, LEAVE_SECONDS)
        await asyncio.sleep(HEARD_SECONDS)


def _lock_of(engine: AsyncEngine) -> WriteLock | None:
    lock = engine.sync_engine.get_execution_options().get(LOCK)
    return lock if isinstance(lock, WriteLock) else None


@asynccontextmanager
async def _mapped_errors() -> AsyncIterator[None]:
    """Say Unavailable where the database is away, busy or full; keep every other error."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, ConnectionError) as error:
        raise Unavailable("the database does not answer") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("the database does not answer") from error
        raise


@asynccontextmanager
async def session_scope(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A transaction that may write: commits at the end, rolls back on any error; Unavailable when the database is."""
    # On SQLite the write lock is taken first: a read that turns into a write later would fail instead of waiting.
    bind = engine.execution_options(**{BEGIN: "IMMEDIATE"})
    async with _mapped_errors(), AsyncSession(bind, expire_on_commit=False) as session, session.begin():
        yield session


@asynccontextmanager
async def read_scope(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A transaction that only reads: never waits for a writer on SQLite, and is rolled back at the end."""
    async with _mapped_errors(), AsyncSession(engine, expire_on_commit=False) as session:
        yield session


async def take_turns(session: AsyncSession, lock: int) -> None:
    """Begin the transaction as the only one that holds `lock` until its end: SQLite has one writer at a time anyway."""
    connection = await session.connection()
    if connection.dialect.name != "sqlite":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items in pieces for one statement each."""
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def insert_into(session: AsyncSession, table: type[Any]) -> postgresql.Insert | sqlite.Insert:
    """The dialect's INSERT, which knows ON CONFLICT."""
    return insert_of(session.get_bind().dialect, table)


def insert_of(dialect: Dialect, table: type[Any]) -> postgresql.Insert | sqlite.Insert:
    """The same, for a dialect."""
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)


class Prepared:
    """An INSERT in one dialect's text, for many rows at a time: SQLAlchemy's own handling of each costs as much again.

    A row has the columns `names`.
    """

    def __init__(self, statement: postgresql.Insert | sqlite.Insert, names: Sequence[str], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        self._text = str(compiled)
        self._positions: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._fixed = {name: value for name, value in compiled.params.items() if name not in names}
        kinds = {name: statement.table.c[name].type.dialect_impl(dialect) for name in names}
        processors = {name: kind.bind_processor(dialect) for name, kind in kinds.items()}
        self._processors = {name: processor for name, processor in processors.items() if processor is not None}

    async def run(self, connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
        """Insert the rows."""
        values = [self._fixed | row for row in rows]
        for name, processor in self._processors.items():
            for row in values:
                row[name] = processor(row[name])
        if self._positions is None:
            await connection.exec_driver_sql(self._text, values)
            return
        pick = itemgetter(*self._positions)
        await connection.exec_driver_sql(self._text, [pick(row) for row in values])


def _sync_url(url: str) -> URL:
    parsed = make_url(url)
    return parsed.set(drivername="sqlite") if parsed.get_backend_name() == "sqlite" else parsed


def migration_config() -> Config:
    """Alembic's configuration for the migrations that are installed with this package."""
    config = Config()
    config.set_main_option("script_location", str(next(iter(migrations.__path__))).replace("%", "%%"))
    return config


@cache
def _head() -> str:
    """The newest revision that this version knows."""
    return str(ScriptDirectory.from_config(migration_config()).get_current_head())


async def is_migrated(session: AsyncSession) -> bool:
    """Whether the tables are at this version's revision, or at a newer release's."""
    try:
        found = await session.scalar(sa.text("SELECT version_num FROM alembic_version"))
    except (OperationalError, ProgrammingError) as error:
        if isinstance(error, ProgrammingError) or "no such table" in str(error.orig):
            return False
        raise
    return found is not None and str(found) >= _head()


def _lock(connection: Connection, deadline: float) -> None:
    """Wait for a migration of another process; SQLite's BEGIN IMMEDIATE has done so already."""
    if connection.dialect.name == "sqlite":
        return
    while not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(MIGRATION_LOCK))):
        if time.monotonic() > deadline:
            raise Unavailable("another process has been migrating the database for too long")
        time.sleep(0.1)


def _migration_engine(url: str) -> Engine:
    parsed = _sync_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, poolclass=sa.NullPool, connect_args={"connect_timeout": 10})
    if parsed.database not in (None, "", ":memory:"):
        folder = Path(str(parsed.database)).parent
        try:
            make_private(folder)
        except OSError as error:
            problem = f"cannot make {folder}: {error.strerror or error}"
            setting = "DATABASE_URL, or STILLWATCH_DATA where that is empty"
            raise SettingError(setting, problem, "give a folder that we may write to") from None
    engine = sa.create_engine(parsed, poolclass=sa.NullPool)
    _tune_sqlite(engine, "IMMEDIATE", MIGRATE_SECONDS)
    return engine


def _run(engine: Engine, revision: str, deadline: float, *, down: bool) -> None:
    config = migration_config()
    while True:
        try:
            with engine.begin() as connection:
                _lock(connection, deadline)
                config.attributes["connection"] = connection
                (command.downgrade if down else command.upgrade)(config, revision)
            return
        except OperationalError as error:
            # While one connection turns a new SQLite file to WAL, another is refused at once, whatever its patience.
            if "database is locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _alembic(url: str, revision: str, *, down: bool) -> None:
    engine = _migration_engine(url)
    try:
        _run(engine, revision, time.monotonic() + MIGRATE_SECONDS, down=down)
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("the database could not be migrated: it does not answer or is locked") from error
    finally:
        engine.dispose()


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to `revision`, in one transaction; safe beside another process that does the same."""
    _alembic(url, revision, down=False)


def revert(url: str, revision: str) -> None:
    """Take the database back to an older `revision` ("base": before the first)."""
    _alembic(url, revision, down=True)
