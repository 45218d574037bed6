"""Lists of campaigns and of members, in pages and by filter, on both databases."""

import pytest

from app.campaigns import queries
from app.campaigns.queries import CampaignFilter, MemberFilter
from app.errors import CursorMismatch, NotFound
from app.models.client import client_ref
from app.models.vocabulary import State
from app.store.db import read_scope

UUID = "019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"


@pytest.fixture
async def session(database, passed, found, now):
    await passed(found(1, 2, 3), found(7, 8, key="b", level=1, score=3.0), found(*range(20, 25), key="c", score=20.0))
    await passed(found(*range(20, 24), key="c", at=now + 8 * 86_400), at=now + 8 * 86_400)
    async with read_scope(database) as made:
        yield made


async def sizes(session, **filters):
    page = await queries.list_campaigns(session, CampaignFilter(**filters), None, 50)
    return [one.size for one in page.items]


async def test_filters_and_orders(session):
    assert sorted(await sizes(session, sort="size")) == await sizes(session, sort="size")
    assert await sizes(session, level_gte=2) == [4, 0]  # the second calmed down, and stays in the queue
    assert len(await sizes(session, client=client_ref(24))) == 1
    assert await sizes(session, q="2 clients") == [0]  # they were not linked for eight days
    counts = await queries.counts_by_state(session, 2)
    assert counts == {State.NEW: 2, State.IN_REVIEW: 0, State.CLOSED: 0}


async def test_members_are_paged_and_told_apart_by_whether_they_left(session):
    one = (await queries.list_campaigns(session, CampaignFilter(level_gte=2), None, 50)).items[0]
    first = await queries.members_page(session, one.id, MemberFilter(), None, 3)
    rest = await queries.members_page(session, one.id, MemberFilter(), first.next_cursor, 3)
    assert len(first.items) + len(rest.items) == 5
    gone = await queries.members_page(session, one.id, MemberFilter(present=False), None, 10)
    assert [row.client_id for row in gone.items] == [client_ref(24)]
    with pytest.raises(CursorMismatch):
        await queries.members_page(session, one.id, MemberFilter(present=True), first.next_cursor, 3)
    assert await queries.campaigns_of(session, client_ref(24)) == []
    assert [campaign.id for campaign in await queries.campaigns_of(session, client_ref(20))] == [one.id]


@pytest.mark.parametrize("name", ["", "cp_1", f"al_{UUID}", f"cp_{UUID}"])
async def test_what_is_no_campaign_is_not_found(session, name):
    with pytest.raises(NotFound):
        await queries.get_campaign(session, name)
