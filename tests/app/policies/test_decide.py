"""Decisions as gateways learn them, and their end."""

import json

import sqlalchemy as sa

from app.alerts import lifecycle
from app.models import Alert, Decision, OutboxMessage
from app.policies import decide
from app.store import decisions as stream
from app.store.db import read_scope, session_scope

NOW = 1_800_000_100.0


async def record(engine, finding, now=NOW):
    async with session_scope(engine) as session:
        return await lifecycle.record(session, [finding], now)


async def test_a_gateway_can_read_what_is_published(database, make_finding):
    (made,) = await record(database, make_finding(2**64 - 1, score=16.0))
    parsed = stream.parse(json.dumps(made.as_entry()))
    assert (parsed.id, parsed.client, parsed.action) == (made.id, 2**64 - 1, "throttle")
    assert (parsed.simulated, parsed.revoked) == (True, False)
    assert (parsed.starts_at, parsed.expires_at) == (NOW, NOW + 24 * 3600)


async def test_a_decision_is_not_made_twice(database, make_finding):
    await record(database, make_finding())
    async with session_scope(database) as session:
        alert = (await session.scalars(sa.select(Alert))).one()
        assert await decide.apply(session, [alert], NOW + 1) == []
        assert len(await decide.decisions_of_alert(session, alert.id)) == 1


async def test_revoking_tells_the_gateways_and_the_outbox(database, make_finding):
    (made,) = await record(database, make_finding())
    async with session_scope(database) as session:
        alert = (await session.scalars(sa.select(Alert))).one()
        (ended,) = await decide.revoke_of_alert(session, alert.id, "closed_benign", NOW + 5)
        assert await decide.revoke_of_alert(session, alert.id, "closed_benign", NOW + 6) == []
    assert (ended.id, ended.revoked) == (made.id, True)
    async with read_scope(database) as session:
        assert (await session.scalars(sa.select(Decision))).one().revoked_reason == "closed_benign"
        topics = list(await session.scalars(sa.select(OutboxMessage.topic).order_by(OutboxMessage.id)))
    assert topics == ["alert.opened", "decision.created", "decision.revoked"]
