"""SQLite's write lock goes with its connection, and is known to be ours."""

import gc
import sqlite3

import pytest

from app.store.db import is_locked_by_us, leave, make_engine, session_scope
from app.store.sqlite_lock import WriteLock


def test_a_connection_that_is_closed_gives_its_lock_back_whatever_else_is_kept(tmp_path):
    lock = WriteLock()
    one = sqlite3.connect(tmp_path / "x.db", isolation_level=None, factory=lock.connect)
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None, timeout=0)
    kept = one.execute("SELECT 1")  # as the frames of an error keep it
    one.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    assert lock.is_ours()
    one.close()
    assert not lock.is_ours()
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    other.close()
    del kept
    gc.collect()


async def test_between_two_calls_nobody_has_it_and_leaving_ends_the_threads(sqlite_url):
    engine = make_engine(sqlite_url)
    lock = engine.sync_engine.get_execution_options()["sqlite_lock"]
    async with session_scope(engine) as session:
        await session.connection()
        assert is_locked_by_us(engine)
    assert (is_locked_by_us(engine), lock.wait(0.0)) == (False, False)
    await leave(engine)
    assert lock.wait(0.0)


async def test_a_server_has_no_such_lock():
    engine = make_engine("postgresql+psycopg://u:p@127.0.0.1:1/x")
    assert not is_locked_by_us(engine)
    await leave(engine)
