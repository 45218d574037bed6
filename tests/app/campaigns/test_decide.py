"""Decisions about a whole campaign: a look first, nobody exempt is hit, nothing twice, and a way back."""

import pytest

from app.campaigns import decide, organisations, queries
from app.campaigns.decide import CampaignOrder
from app.campaigns.organisations import Line, Table
from app.errors import Conflict, InvalidInput
from app.models.client import client_ref
from app.policies import manual
from app.policies.manual import Order
from app.store.db import read_scope, session_scope

NOW = 1_800_000_500.0
THROTTLE = CampaignOrder("throttle", 3600.0, "one operator", {"rate_per_minute": 6, "burst": 2}, simulated=False)


@pytest.fixture
async def one(passed, campaigns, found):
    await passed(found(1, 2, 3, 4))
    return (await campaigns())[0]


async def test_a_preview_says_who_and_keeps_nothing(database, one):
    async with session_scope(database) as session:
        await organisations.give(session, Table(False, (Line(client_ref(4), "Acme"),)), "ana", NOW, verified=True)
        order = Order(client_ref(3), "throttle", 7200.0, "by hand", {"rate_per_minute": 6, "burst": 2}, simulated=False)
        await manual.make(session, order, "ana", NOW)
    async with read_scope(database) as session:
        plan = await decide.preview(session, one.id, THROTTLE, "ana", NOW + 1)
        assert plan.counts == {"decide": 2, "replace": 0, "stands": 1, "exempt": 1}
        assert {item.client_id: item.organisation for item in plan.items}[client_ref(4)] == "Acme"
        assert len(plan.items[2].standing) == 1
        stronger = CampaignOrder("throttle", 86400.0, "longer", dict(THROTTLE.parameters), simulated=False)
        assert (await decide.preview(session, one.id, stronger, "ana", NOW + 1)).counts["replace"] == 1
    async with read_scope(database) as session:
        assert await decide.counts(session, one.id, NOW + 1) == {}


async def test_applying_decides_about_all_but_the_exempt_and_says_so(database, one):
    async with session_scope(database) as session:
        await organisations.give(session, Table(False, (Line(client_ref(4), "Acme"),)), "ana", NOW, verified=True)
    async with session_scope(database) as session:
        done = await decide.apply(session, one.id, THROTTLE, 4, "ana", 1, NOW)
        assert [made.client_id for made in done.made] == [client_ref(client) for client in (1, 2, 3)]
        assert {made.campaign_id for made in done.made} == {one.id}
        assert (done.skipped, done.remaining) == ({"stands": 0, "exempt": 1}, 0)
        assert len(done.changed) == 3
    async with session_scope(database) as session:
        again = await decide.apply(session, one.id, THROTTLE, 4, "ana", 2, NOW + 5)
        assert (again.made, again.skipped["stands"]) == ((), 3)
    async with read_scope(database) as session:
        assert await decide.counts(session, one.id, NOW + 5) == {("throttle", False): 3}
        assert [step.kind for step in await queries.history(session, one.id)] == ["opened", "decided"]


async def test_a_campaign_that_grew_since_the_look_is_not_decided_about(database, one):
    async with session_scope(database) as session:
        with pytest.raises(Conflict, match="4 members now, not 3"):
            await decide.apply(session, one.id, THROTTLE, 3, "ana", 1, NOW)


async def test_a_wrong_order_is_refused_before_anybody_is_hit(database, one):
    async with session_scope(database) as session:
        with pytest.raises(InvalidInput):
            await decide.apply(session, one.id, CampaignOrder("throttle", 3600.0, "x"), 4, "ana", 1, NOW)
        with pytest.raises(InvalidInput):
            await decide.preview(session, one.id, CampaignOrder("tag", 3600.0, " "), "ana", NOW)


async def test_many_are_decided_about_in_several_calls(database, one, monkeypatch):
    monkeypatch.setattr(decide, "MOST", 3)
    async with session_scope(database) as session:
        done = await decide.apply(session, one.id, THROTTLE, 4, "ana", 1, NOW)
        assert (len(done.made), done.remaining) == (3, 1)
    async with session_scope(database) as session:
        done = await decide.apply(session, one.id, THROTTLE, 4, "ana", 2, NOW + 20)
        assert (len(done.made), done.remaining, done.skipped["stands"]) == (1, 0, 3)


async def test_all_of_it_is_taken_back_with_one_reason(database, one):
    async with session_scope(database) as session:
        await decide.apply(session, one.id, THROTTLE, 4, "ana", 1, NOW)
    async with session_scope(database) as session:
        campaign, ended = await decide.revoke(session, one.id, "their own evaluation", "ben", 2, NOW + 60)
        assert len(ended) == 4
        assert all(one.revoked for one in ended)
        assert campaign.version == 3
    async with read_scope(database) as session:
        assert await decide.counts(session, one.id, NOW + 61) == {}


async def test_a_trial_stands_beside_what_is_real_and_neither_is_made_twice(database, one):
    trial = CampaignOrder("throttle", 3600.0, "a trial", dict(THROTTLE.parameters))
    async with session_scope(database) as session:
        real = await decide.apply(session, one.id, THROTTLE, 4, "ana", 1, NOW)
        assert (await decide.preview(session, one.id, trial, "ana", NOW)).counts["decide"] == 4
    async with session_scope(database) as session:
        tried = await decide.apply(session, one.id, trial, 4, "ana", 2, NOW + 1)
        assert {change.id for change in tried.changed} == {made.id for made in tried.made}
    async with read_scope(database) as session:
        assert await decide.counts(session, one.id, NOW + 2) == {("throttle", False): 4, ("throttle", True): 4}
        for order in (THROTTLE, trial):
            assert (await decide.preview(session, one.id, order, "ana", NOW + 2)).counts["stands"] == 4
        stronger = CampaignOrder("throttle", 86400.0, "longer", dict(THROTTLE.parameters), simulated=False)
        assert (await decide.preview(session, one.id, stronger, "ana", NOW + 2)).counts["replace"] == 4
    assert len(real.made) == 4
