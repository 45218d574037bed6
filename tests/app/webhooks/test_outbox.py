"""A message stands or falls with its transaction, and one change has one message."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.models import OutboxMessage
from app.store.db import read_scope, session_scope
from app.webhooks.outbox import enqueue

NOW = 1_800_000_000.0


async def write(engine, once="al_1:1", *, fail=False):
    async with session_scope(engine) as session:
        enqueue(session, "alert.opened", once, {"alert_id": "al_1"}, NOW)
        if fail:
            raise KeyError


async def waiting(engine):
    async with read_scope(engine) as session:
        return [(m.topic, m.once, m.delivered_at) for m in await session.scalars(sa.select(OutboxMessage))]


async def test_a_message_is_written_with_its_change(database):
    await write(database)
    assert await waiting(database) == [("alert.opened", "alert.opened:al_1:1", None)]


async def test_a_message_goes_with_its_change(database):
    with pytest.raises(KeyError):
        await write(database, fail=True)
    assert await waiting(database) == []


async def test_a_change_is_told_once(database):
    await write(database)
    with pytest.raises(IntegrityError):
        await write(database)
    await write(database, "al_1:2")
    assert len(await waiting(database)) == 2
