"""Decisions as gateways learn them, and their end."""

import asyncio
import json

import pytest
import sqlalchemy as sa

from app.alerts import lifecycle
from app.models import Alert, Decision
from app.models.vocabulary import Action
from app.policies import decide, manual, rules
from app.policies.manual import Order
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
    assert NOW <= parsed.starts_at <= NOW + rules.JITTER_SECONDS
    assert parsed.expires_at == pytest.approx(parsed.starts_at + 24 * 3600)
    assert parsed.parameters == rules.RATE


async def test_a_decision_is_not_made_twice(database, make_finding):
    await record(database, make_finding())
    async with session_scope(database) as session:
        alert = (await session.scalars(sa.select(Alert))).one()
        assert await decide.apply(session, [alert], NOW + 1) == []
        assert len(await decide.decisions_of_alert(session, alert.id)) == 1


async def test_revoking_tells_the_gateways_once(database, make_finding):
    (made,) = await record(database, make_finding())
    async with session_scope(database) as session:
        alert = (await session.scalars(sa.select(Alert))).one()
        (ended,) = await decide.revoke_of_alert(session, alert.id, "closed_benign", NOW + 5)
        assert await decide.revoke_of_alert(session, alert.id, "closed_benign", NOW + 6) == []
    assert (ended.id, ended.revoked) == (made.id, True)
    async with read_scope(database) as session:
        assert (await session.scalars(sa.select(Decision))).one().revoked_reason == "closed_benign"


async def test_a_verdict_waits_for_whoever_is_taking_the_decision_back(database, make_finding):
    (made,) = await record(database, make_finding())
    async with read_scope(database) as session:
        alert = (await session.scalars(sa.select(Alert))).one()
    looked, closing = asyncio.Event(), asyncio.Event()

    async def person():
        async with session_scope(database) as session:
            await manual.revoke(session, made.id, "their own evaluation", "ana", NOW + 1)
            looked.set()
            await closing.wait()
            await asyncio.sleep(0.3)  # long enough that the other one is at the row: else nothing is tested

    async def reviewer():
        await looked.wait()
        closing.set()
        async with session_scope(database) as session:
            return await lifecycle.close(session, alert.id, "false_positive", "", "ben", alert.version, NOW + 2)

    _, closed = await asyncio.gather(person(), reviewer())
    assert closed.state == "closed"
    async with read_scope(database) as session:
        decision = (await session.scalars(sa.select(Decision))).one()
        assert (decision.revoked_by, decision.revoked_reason) == ("ana", decide.REVOKED)


async def standing(engine, client_id="cl_0000000000c0ffee"):
    async with read_scope(engine) as session:
        return [(one.action, one.simulated, one.policy) for one in await manual.standing(session, client_id)]


async def by_hand(engine, action, simulated=True, seconds=3600, now=NOW, **parameters):
    order = Order("cl_0000000000c0ffee", action, seconds, "because", parameters, simulated)
    async with session_scope(engine) as session:
        return (await manual.make(session, order, "ana", now)).decision


async def decide_again(engine, now, enforce=()):
    async with session_scope(engine) as session:
        alert = (await session.scalars(sa.select(Alert))).one()
        return await decide.apply(session, [alert], now, enforce)


async def test_switching_an_action_to_real_replaces_what_was_only_simulated(database, make_finding):
    await record(database, make_finding())
    assert await decide_again(database, NOW + 1) == []
    ended, made = await decide_again(database, NOW + 2, {Action.TAG})
    assert (ended.revoked, made.action, made.simulated) == (True, "tag", False)
    assert await decide_again(database, NOW + 3, {Action.TAG}) == []
    assert await standing(database) == [("tag", False, "harvest")]


async def test_what_a_person_decided_stands_until_it_has_run_out(database, make_finding):
    await record(database, make_finding(score=16.0))
    await by_hand(database, "throttle", simulated=False, rate_per_minute=6, burst=1)
    for enforce in ((), {Action.THROTTLE}):
        assert await decide_again(database, NOW + 2, enforce) == []
    assert await standing(database) == [("throttle", False, "manual")]
    made = await decide_again(database, NOW + 3601, {Action.THROTTLE})
    assert [(one.revoked, one.simulated) for one in made] == [(True, False), (False, False)]


async def test_what_a_person_simulates_stands_until_it_has_run_out_and_holds_back_what_is_simulated(
    database, make_finding
):
    await record(database, make_finding(score=16.0))
    await by_hand(database, "throttle", rate_per_minute=6, burst=1)
    assert await decide_again(database, NOW + 2) == []
    assert await standing(database) == [("throttle", True, "manual")]
    made = await decide_again(database, NOW + 3601)
    assert [(one.revoked, one.simulated) for one in made] == [(True, True), (False, True)]


@pytest.mark.parametrize("action", ["block", "throttle"])
async def test_what_a_person_simulates_changes_nothing_real(database, make_finding, action):
    """The client is served as ever, which for a harvester is: throttled, day after day."""
    parameters = {"rate_per_minute": 6, "burst": 1} if action == "throttle" else {}
    await record(database, make_finding(score=16.0))
    _, real = await decide_again(database, NOW + 1, {Action.THROTTLE})
    async with session_scope(database) as session:
        order = Order("cl_0000000000c0ffee", action, 30 * 86400.0, "a trial", parameters)
        made = await manual.make(session, order, "ana", NOW + 60)
    assert [one.revoked for one in made.changed] == [False]
    both = {("throttle", False, "harvest"), (action, True, "manual")}
    assert set(await standing(database)) == both
    for day in (2, 4, 20):
        ended, again = await decide_again(database, NOW + day * 86400, {Action.THROTTLE})
        assert (ended.id, ended.revoked, again.simulated, again.action) == (real.id, True, False, "throttle")
        assert await decide_again(database, NOW + day * 86400 + 9, {Action.THROTTLE}) == []
        assert set(await standing(database)) == both
        real = again


async def test_a_real_decision_begins_beside_what_a_person_simulates(database, make_finding):
    """The operator allows the action while the trial goes on."""
    await record(database, make_finding(score=16.0))
    await by_hand(database, "throttle", rate_per_minute=6, burst=1)
    (made,) = await decide_again(database, NOW + 2, {Action.THROTTLE})
    assert (made.revoked, made.simulated) == (False, False)
    assert sorted(await standing(database)) == [("throttle", False, "harvest"), ("throttle", True, "manual")]


async def test_a_weaker_decision_by_hand_stands_beside_the_policys(database, make_finding):
    await record(database, make_finding(score=9.5))
    await by_hand(database, "tag", simulated=False)
    async with session_scope(database) as session:
        await lifecycle.record(session, [make_finding(score=20.0, at=1_800_000_050.0, requests=900)], NOW + 50)
    assert sorted(await standing(database)) == [("tag", False, "manual"), ("throttle", True, "harvest")]


async def test_the_policy_does_not_bring_back_what_a_person_revoked(database, make_finding):
    (made,) = await record(database, make_finding())
    async with session_scope(database) as session:
        await manual.revoke(session, made.id, "their own evaluation", "ana", NOW + 10)
    assert await decide_again(database, NOW + 20) == []
    (again,) = await decide_again(database, NOW + 10 + rules.EXEMPT_SECONDS + 1)
    assert again.action == "tag"


REAL_TAG, TRIED = ("tag", False, "harvest"), ("throttle", True, "harvest")


async def test_a_rise_beyond_what_is_allowed_leaves_what_is_real(database, make_finding):
    """Only the tag is allowed: the client keeps its tag and is tagged again. Then throttling is allowed too."""
    async with session_scope(database) as session:
        await lifecycle.record(session, [make_finding(score=9.5)], NOW, {Action.TAG})
    assert await standing(database) == [REAL_TAG]
    async with session_scope(database) as session:
        rise = make_finding(score=20.0, at=1_800_000_050.0, requests=900)
        (tried,) = await lifecycle.record(session, [rise], NOW + 50, {Action.TAG})
    assert (tried.action, tried.simulated, tried.revoked) == ("throttle", True, False)
    assert await standing(database) == [REAL_TAG, TRIED]
    assert await decide_again(database, NOW + 60, {Action.TAG}) == []
    later = NOW + 3 * 86400.0
    again = await decide_again(database, later, {Action.TAG})
    assert [one.revoked for one in again] == [True, True, False, False]
    assert sorted(await standing(database)) == [REAL_TAG, TRIED]
    changed = await decide_again(database, later + 9, {Action.TAG, Action.THROTTLE})
    assert [one.revoked for one in changed] == [True, True, False]
    assert await standing(database) == [("throttle", False, "harvest")]


async def test_what_the_policy_only_simulates_holds_nothing_real_back(database, make_finding):
    """High from the first look, everything simulated; then the operator allows the tag."""
    await record(database, make_finding(score=16.0))
    assert await standing(database) == [TRIED]
    (made,) = await decide_again(database, NOW + 2, {Action.TAG})
    assert (made.action, made.simulated, made.revoked) == ("tag", False, False)
    assert sorted(await standing(database)) == [REAL_TAG, TRIED]
    async with session_scope(database) as session:
        await manual.revoke(session, made.id, "their own evaluation", "ana", NOW + 10)
    assert await decide_again(database, NOW + 20, {Action.TAG}) == []  # revoking sticks
