"""A message stands or falls with its transaction, and one change has one message."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.models import OutboxMessage
from app.store.db import read_scope, session_scope
from app.webhooks import outbox
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


async def test_messages_are_deleted_when_their_time_is_over_the_oldest_first(database, monkeypatch):
    monkeypatch.setattr(outbox, "PRUNED", 3)
    async with session_scope(database) as session:
        for day in range(5):
            enqueue(session, "alert.opened", f"al_{day}", {}, NOW + day * 86_400)

    async def prune(at):
        async with session_scope(database) as session:
            return await outbox.prune(session, at)

    assert await prune(NOW + outbox.KEPT_SECONDS) == 0
    later = NOW + outbox.KEPT_SECONDS + 3.5 * 86_400
    assert [await prune(later) for _ in range(3)] == [3, 1, 0]
    assert [once for _, once, _ in await waiting(database)] == ["alert.opened:al_4"]
