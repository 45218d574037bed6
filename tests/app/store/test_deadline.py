"""A database call ends at its limit, however stubborn the driver is."""

import asyncio
import os
import signal
import time

import pytest
import sqlalchemy as sa

from app.errors import Unavailable
from app.store.db import make_engine, read_scope
from app.store.deadline import within


async def test_what_is_in_time_passes_and_errors_too():
    async def seven():
        return 7

    async def broken():
        raise ValueError("ours")

    assert await within(5, seven()) == 7
    with pytest.raises(ValueError, match="ours"):
        await within(5, broken())


async def test_what_resists_one_cancellation_is_cancelled_again():
    ended = 0

    async def stubborn():
        nonlocal ended
        for _ in range(3):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended += 1

    started = time.monotonic()
    assert await within(0.05, stubborn()) is None  # it came to an end of its own: what it did is done
    assert ended == 3
    assert time.monotonic() - started < 30


async def test_what_commits_at_the_last_moment_is_not_said_to_have_failed():
    async def late():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "committed"

    assert await within(0.01, late()) == "committed"


async def test_its_own_cancellation_ends_the_work_as_well():
    cancelled = asyncio.Event()

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    task = asyncio.create_task(within(60, work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()


async def test_a_silent_postgresql(postgres_database):
    """The driver asks a stopped server to stop the query and waits for it; nobody else does."""
    engine = make_engine(postgres_database)
    async with read_scope(engine) as session:
        backend = await session.scalar(sa.text("SELECT pg_backend_pid()"))
        os.kill(backend, signal.SIGSTOP)
        started = time.monotonic()
        try:
            with pytest.raises(Unavailable, match=r"within 0\.2 s"):
                await within(0.2, session.scalar(sa.text("SELECT 1")))
        finally:
            os.kill(backend, signal.SIGCONT)
        assert time.monotonic() - started < 20
    await engine.dispose()
