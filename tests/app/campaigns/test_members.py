"""Members: noted seldom while nothing changes, at once where their part grows."""

from dataclasses import replace

from app.campaigns import queries
from app.campaigns.found import Member
from app.campaigns.queries import MemberFilter
from app.store.db import read_scope


async def rows(database, campaign_id):
    async with read_scope(database) as session:
        page = await queries.members_page(session, campaign_id, MemberFilter(), None, 100)
    return {row.client_id[-1]: row for row in page.items}


async def test_a_member_is_noted_again_when_it_grew_or_an_hour_passed(database, passed, campaigns, found, now):
    await passed(found(1, 2, 3))
    (one,) = await campaigns()
    soon = found(1, 2, 3, at=now + 60)
    members = {**soon.members, 2: Member("the same", 90, 0.8)}
    await passed(replace(soon, members=members))
    known = await rows(database, one.id)
    assert known["1"].seen_at.timestamp() == now
    assert (known["2"].seen_at.timestamp(), known["2"].requests, known["2"].share) == (now + 60, 90, 0.8)
    await passed(found(1, 2, 3, at=now + 4000))
    assert (await rows(database, one.id))["1"].seen_at.timestamp() == now + 4000
