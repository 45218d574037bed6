"""Decisions by hand: with a reason and an end, one of an action at a time, and revoked only once."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from app.alerts import lifecycle
from app.errors import Conflict, InvalidInput, NotFound
from app.models import Alert, Decision
from app.models.vocabulary import Action
from app.policies import manual
from app.policies.manual import Order, parameters_of
from app.store.db import read_scope, session_scope

NOW = 1_800_000_100.0
CLIENT = "cl_0000000000c0ffee"


@pytest.fixture
async def known(database, make_finding):
    """A database with one client, its alert, and the policy's decision."""
    async with session_scope(database) as session:
        await lifecycle.record(session, [make_finding()], NOW)
    return database


def order(action="block", **changes):
    return Order(**({"client_id": CLIENT, "action": action, "seconds": 3600.0, "reason": "why"} | changes))


async def make(engine, wanted, now=NOW):
    async with session_scope(engine) as session:
        return await manual.make(session, wanted, "ana", now)


async def test_it_is_recorded_with_who_and_why_and_told(known):
    made = await make(known, order("tag", reason=" seen \n", simulated=False))
    ended, new = made.changed  # the policy's tag makes way
    assert (ended.revoked, new.revoked, new.id) == (True, False, made.decision.id)
    async with read_scope(known) as session:
        row = await session.get(Decision, made.decision.id)
        former = await session.get(Decision, ended.id)
    assert (row.made_by, row.reason, row.policy, row.alert_id, row.simulated) == ("ana", "seen", "manual", None, False)
    assert row.expires_at.timestamp() == NOW + 3600
    assert (former.revoked_reason, former.revoked_by) == ("superseded", "ana")


async def blocks(engine):
    async with read_scope(engine) as session:
        return {one.id for one in await manual.standing(session, CLIENT) if one.action == "block"}


async def test_a_real_one_ends_both_kinds_and_a_simulated_one_only_its_own(known):
    real = (await make(known, order(simulated=False))).decision
    trial = await make(known, order())
    assert [one.id for one in trial.changed] == [trial.decision.id]
    assert await blocks(known) == {real.id, trial.decision.id}
    again = await make(known, order(), NOW + 5)
    assert [one.id for one in again.changed] == [trial.decision.id, again.decision.id]
    last = await make(known, order(simulated=False), NOW + 9)
    assert {one.id for one in last.changed if one.revoked} == {real.id, again.decision.id}
    assert await blocks(known) == {last.decision.id}


async def test_what_is_to_be_done_is_simulated_unless_said_otherwise(known):
    assert (await make(known, order())).decision.simulated is True


async def test_the_start_can_be_hidden_in_a_window(known):
    decision = (await make(known, order(start_within=600))).decision
    assert NOW < decision.starts_at.timestamp() < NOW + 600
    assert (decision.expires_at - decision.starts_at).total_seconds() == pytest.approx(3600)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"action": "vanish"}, "/action"),
        ({"seconds": 59}, "/duration_seconds"),
        ({"seconds": 90 * 86400 + 1}, "/duration_seconds"),
        ({"seconds": float("nan")}, "/duration_seconds"),
        ({"start_within": 3601}, "/start_within_seconds"),
        ({"reason": " "}, "/reason"),
        ({"reason": "x" * 2001}, "/reason"),
        ({"reason": "a\0"}, "/reason"),
        ({"parameters": {"n": 1}}, "/parameters"),
        ({"alert_id": "al_1"}, "/alert_id"),
        ({"alert_id": "al_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"}, "/alert_id"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_kept(known, changes, pointer):
    with pytest.raises(InvalidInput) as raised:
        await make(known, order(**changes))
    assert raised.value.pointer == pointer
    async with read_scope(known) as session:
        assert len(await manual.standing(session, CLIENT)) == 1


async def test_the_client_must_be_known_and_the_alert_must_be_its_own(known, make_finding):
    for client in ("cl_00000000000000ff", "me", ""):
        with pytest.raises(NotFound):
            await make(known, order(client_id=client))
    async with session_scope(known) as session:
        await lifecycle.record(session, [make_finding(2)], NOW)
        theirs = (await session.scalars(sa.select(Alert).where(Alert.client_id != CLIENT))).one()
        mine = (await session.scalars(sa.select(Alert).where(Alert.client_id == CLIENT))).one()
    with pytest.raises(InvalidInput, match="no such alert"):
        await make(known, order(alert_id=theirs.id))
    assert (await make(known, order(alert_id=mine.id))).decision.alert_id == mine.id


@pytest.mark.parametrize(
    ("action", "given", "kept"),
    [
        ("tag", {}, {}),
        ("block", {}, {}),
        ("throttle", {"rate_per_minute": 0.5, "burst": 3}, {"rate_per_minute": 0.5, "burst": 3}),
        ("degrade", {"max_n": 1}, {"max_n": 1}),
        (
            "degrade",
            {"max_n": 1, "drop_reasoning": False, "refuse_logprobs": True},
            {"max_n": 1, "refuse_logprobs": True},
        ),
    ],
)
def test_parameters_that_an_action_takes(action, given, kept):
    assert parameters_of(Action(action), given) == kept


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("tag", {"burst": 1}),
        ("throttle", {}),
        ("throttle", {"rate_per_minute": 6}),
        ("throttle", {"rate_per_minute": 0, "burst": 1}),
        ("throttle", {"rate_per_minute": float("inf"), "burst": 1}),
        ("throttle", {"rate_per_minute": True, "burst": 1}),
        ("throttle", {"rate_per_minute": 6, "burst": 1.5}),
        ("degrade", {}),
        ("degrade", {"drop_reasoning": False}),
        ("degrade", {"drop_reasoning": "yes"}),
        ("degrade", {"max_n": 0}),
        ("degrade", {"slow": True}),
    ],
)
def test_parameters_that_it_does_not_take(action, given):
    with pytest.raises(InvalidInput, match="/parameters"):
        parameters_of(Action(action), given)


async def test_a_preview_keeps_nothing(known):
    async with session_scope(known) as session:
        draft, standing = await manual.preview(session, order("tag"), "ana", NOW)
    assert (draft.action, [one.action for one in standing]) == ("tag", ["tag"])
    async with read_scope(known) as session:
        assert [one.policy for one in await manual.standing(session, CLIENT)] == ["harvest"]


async def test_revoking_ends_it_once(known):
    made = (await make(known, order())).decision
    async with session_scope(known) as session:
        ended = await manual.revoke(session, made.id, "a mistake", "ben", NOW + 5)
    assert [one.revoked for one in ended.changed] == [True]
    async with read_scope(known) as session:
        row = await session.get(Decision, made.id)
    assert (row.revoked_reason, row.revoked_by, row.revoked_note) == ("revoked", "ben", "a mistake")
    for now in (NOW + 6, NOW + 9999):
        with pytest.raises(Conflict):
            async with session_scope(known) as session:
                await manual.revoke(session, made.id, "again", "ben", now)
    for unknown in ("dc_1", "dc_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f", ""):
        with pytest.raises(NotFound):
            async with session_scope(known) as session:
                await manual.revoke(session, unknown, "why", "ben", NOW)
    with pytest.raises(InvalidInput):
        async with session_scope(known) as session:
            await manual.revoke(session, made.id, " ", "ben", NOW)


async def test_two_at_once_leave_one_standing(known):
    results = await asyncio.gather(*(make(known, order()) for _ in range(4)), return_exceptions=True)
    assert all(isinstance(result, manual.Made | Conflict) for result in results), results
    assert any(isinstance(result, manual.Made) for result in results)
    async with read_scope(known) as session:
        blocks = [one for one in await manual.standing(session, CLIENT) if one.action == "block"]
    assert len(blocks) == 1
