"""What reviewers said is read as it was written; split and merge each take back what they contradict, and no more."""

import asyncio

import pytest
import sqlalchemy as sa

from app.campaigns import constraints
from app.models.campaign_constraint import CANNOT, MUST, CampaignConstraint
from app.models.client import client_ref
from app.store.db import read_scope, session_scope

NOW = 1_800_000_100.0


def refs(*clients):
    return [client_ref(client) for client in clients]


def said(loaded):
    cannot = [(sorted(one), sorted(other)) for one, other in loaded.cannot]
    return cannot, [sorted(group) for group in loaded.must]


@pytest.fixture
async def campaign(passed, campaigns, found):
    await passed(found(*range(1, 9)))
    return (await campaigns())[0]


async def test_what_is_written_is_read(database, campaign):
    async with session_scope(database) as session:
        await constraints.add(session, CANNOT, campaign.id, (refs(1, 2), refs(3, 4)), "why", "ana", NOW)
        await constraints.add(session, MUST, campaign.id, (refs(1, 2, 5),), "why", "ana", NOW)
        assert said(await constraints.load(session)) == ([([1, 2], [3, 4])], [[1, 2, 5]])


async def test_who_are_one_are_kept_apart_from_third_ones_only(database, campaign):
    async with session_scope(database) as session:
        await constraints.add(session, CANNOT, campaign.id, (refs(1, 2, 7), refs(3, 4, 8)), "two firms", "ana", NOW)
        await constraints.add(session, CANNOT, campaign.id, (refs(1, 2, 3, 4), refs(5, 6)), "another", "ben", NOW + 1)
        await constraints.unite(session, refs(1, 2, 3, 4))
        assert sorted(said(await constraints.load(session))[0]) == [
            ([1, 2, 3, 4], [5, 6]), ([1, 2, 7], [8]), ([3, 4], [7]),
        ]  # fmt: skip
        made = await session.scalars(sa.select(CampaignConstraint))
        words = sorted((one.reason, one.made_by, one.made_at.timestamp()) for one in made)
    assert words == [("another", "ben", NOW + 1), ("two firms", "ana", NOW), ("two firms", "ana", NOW)]


async def test_who_are_two_belong_to_their_own_as_before(database, campaign):
    async with session_scope(database) as session:
        await constraints.add(session, MUST, campaign.id, (refs(1, 2),), "one", "ana", NOW)
        await constraints.add(session, MUST, campaign.id, (refs(3, 4, 8),), "one", "ana", NOW + 1)
        await constraints.add(session, MUST, campaign.id, (refs(1, 2, 3, 4, 7),), "one", "ana", NOW + 2)
        await constraints.add(session, MUST, campaign.id, (refs(2, 3),), "one", "ana", NOW + 3)
        await constraints.divide(session, refs(1, 2), refs(3, 4))
        assert sorted(said(await constraints.load(session))[1]) == [[1, 2], [1, 2, 7], [3, 4], [3, 4, 8]]
        assert await session.scalar(sa.select(sa.func.count()).select_from(CampaignConstraint)) == 4


async def test_two_reviewers_at_once_do_not_bring_back_what_one_of_them_lifted(database, campaign):
    async with session_scope(database) as session:
        await constraints.add(session, CANNOT, campaign.id, (refs(1, 2), refs(3, 4)), "why", "ana", NOW)

    async def unite(*clients):
        async with session_scope(database) as session:
            await constraints.unite(session, refs(*clients))

    async with session_scope(database) as session:
        await constraints.unite(session, refs(1, 3))
        other = asyncio.create_task(unite(2, 4))
        await asyncio.sleep(0.2)
        assert not other.done()
    await other
    async with read_scope(database) as session:
        loaded = await constraints.load(session)
    pairs = {frozenset((one, other)) for side, against in loaded.cannot for one in side for other in against}
    assert pairs == {frozenset((1, 4)), frozenset((2, 3))}
