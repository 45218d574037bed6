"""Whatever passes find and reviewers do: no open campaign holds two that are kept apart, nobody is in two of them."""

import random
from collections import Counter
from itertools import combinations, pairwise

import pytest
import sqlalchemy as sa

from app.campaigns import constraints, lifecycle, queries, regroup
from app.campaigns.record import record
from app.errors import Conflict
from app.models.campaign import Campaign
from app.models.campaign_constraint import CANNOT
from app.models.client import client_number, client_ref
from app.models.vocabulary import State
from app.store.db import read_scope, session_scope
from detectors.base import Level

CLIENTS = range(1, 13)
DAY = 86_400.0


def pairs(one, other):
    return {frozenset((a, b)) for a in one for b in other}


class Desk:
    """Reviewers and a linker at random, and what was said to be kept apart."""

    def __init__(self, database, found, seed, now):
        self.database, self.found, self.now = database, found, now
        self.random = random.Random(seed)
        self.apart = set()
        self.groups = []

    async def campaigns(self):
        async with read_scope(self.database) as session:
            every = list(await session.scalars(sa.select(Campaign).order_by(Campaign.id)))
            return [(one, {client_number(ref) for ref in await queries.member_ids(session, one.id)}) for one in every]

    async def step(self):
        self.now += self.random.choice((2, 30, 600, 4000, DAY, 8 * DAY))
        verb = self.random.choice((self.look, self.look, self.look, self.split, self.merge, self.close, self.reopen))
        there = await self.campaigns()
        async with session_scope(self.database) as session:
            await verb(session, there)

    async def look(self, session, _there):
        if not self.groups or self.random.random() < 0.4:
            order = self.random.sample(CLIENTS, len(CLIENTS))
            cuts = [0, *sorted(self.random.sample(CLIENTS, self.random.randint(0, 4))), len(order)]
            groups = [order[start:end] for start, end in pairwise(cuts)]
            groups = [[client for client in group if self.random.random() < 0.8] for group in groups]
            self.groups = [(f"{place:x}", group) for place, group in enumerate(groups) if len(group) >= 2]
        levels = (Level.NONE, Level.WATCH, Level.REVIEW, Level.REVIEW)
        seen = [
            self.found(*group, key=key, level=self.random.choice(levels), at=self.now) for key, group in self.groups
        ]
        await record(session, seen, self.now)

    async def split(self, session, there):
        some = [(one, crowd) for one, crowd in there if len(crowd) >= 2 and one.merged_into is None]
        if not some:
            return
        one, crowd = self.random.choice(some)
        moving = self.random.sample(sorted(crowd), self.random.randint(1, len(crowd) - 1))
        refs, verdict = [client_ref(client) for client in moving], self.random.choice((None, "benign_expected"))
        await regroup.split(session, one.id, refs, "why", "ana", one.version, self.now, disposition=verdict)
        self.apart |= pairs(crowd - set(moving), moving)

    async def merge(self, session, there):
        some = [(one, crowd) for one, crowd in there if one.merged_into is None]
        whole = [(one, crowd) for one, crowd in some if one.state != State.CLOSED]
        if not whole or len(some) < 2:
            return
        one, crowd = self.random.choice(whole)
        other, others = self.random.choice([pair for pair in some if pair[0].id != one.id])
        await regroup.merge(session, one.id, other.id, other.version, "why", "ana", one.version, self.now)
        self.apart -= pairs(crowd | others, crowd | others)

    async def close(self, session, there):
        some = [one for one, _ in there if one.state != State.CLOSED]
        if some:
            one = self.random.choice(some)
            verdict = self.random.choice(("benign_expected", "distillation_confirmed"))
            await lifecycle.close(session, one.id, verdict, "", "ana", one.version, self.now)

    async def reopen(self, session, there):
        some = [one for one, _ in there if one.state == State.CLOSED]
        if some:
            one = self.random.choice(some)
            try:
                await lifecycle.reopen(session, one.id, "why", "ana", one.version, self.now)
            except Conflict:
                assert (await queries.get_campaign(session, one.id)).state == State.CLOSED


@pytest.mark.parametrize("seed", range(10))
async def test_whatever_happens_who_is_kept_apart_is_and_nobody_is_in_two(sqlite_database, found, now, seed):
    desk = Desk(sqlite_database, found, seed, now)
    for _ in range(30):
        await desk.step()
        there = [(one, crowd) for one, crowd in await desk.campaigns() if one.state != State.CLOSED]
        for one, crowd in there:
            assert not desk.apart & {frozenset(pair) for pair in combinations(crowd, 2)}
            assert one.size == len(crowd)
        assert max(Counter(client for _, crowd in there for client in crowd).values(), default=1) == 1


@pytest.fixture
def act(database):
    async def run(verb, campaign, *rest, at, **more):
        async with session_scope(database) as session:
            return await verb(session, campaign.id, *rest, "ana", campaign.version, at, **more)

    return run


async def test_who_was_split_out_does_not_come_back_while_the_others_are_quiet(
    act, passed, found, now, campaigns, members_of
):
    await passed(found(1, 2, 3))
    (whole,) = await campaigns()
    await act(regroup.split, whole, [client_ref(1)], "another company", at=now + 1)
    await passed(found(2, 3, 5, 6, 7, at=now + 60), at=now + 60)
    await passed(found(1, 5, 6, 7, at=now + 120), at=now + 120)
    assert await members_of(whole.id) == [2, 3, 5, 6, 7]


async def test_who_is_refused_by_one_campaign_is_found_in_the_next(act, passed, found, now, campaigns, members_of):
    await passed(found(1, 2, 3, 4))
    (whole,) = await campaigns()
    made = await act(regroup.split, whole, [client_ref(1), client_ref(4)], "another company", at=now + 1)
    await passed(found(2, 3, 5, 6, 7, at=now + 60), at=now + 60)
    await passed(found(1, 4, 5, 6, 7, at=now + 120), at=now + 120)
    assert await members_of(whole.id) == [2, 3, 5, 6, 7]
    assert await members_of(made.part.id) == [1, 4]
    assert len(await campaigns()) == 2


async def test_those_whom_an_earlier_release_brought_together_part(database, passed, found, now, campaigns, members_of):
    await passed(found(1, 2, 3, 4))
    (one,) = await campaigns()
    async with session_scope(database) as session:  # what was said reached the database, and no campaign
        refs = [client_ref(1)], [client_ref(2)]
        await constraints.add(session, CANNOT, one.id, refs, "two companies", "ana", now + 1)
    await passed(at=now + 2)
    assert await members_of(one.id) == [1, 3, 4]
    (one,) = await campaigns()
    assert (one.size, one.requests, one.level) == (3, 120, Level.REVIEW)


@pytest.fixture
async def both(act, passed, found, now, campaigns):
    """A closed campaign of 1 to 3, an open one of 8 and 9, and another open one in which 3 was found since."""
    await passed(found(1, 2, 3), found(8, 9, key="b1"))
    await act(lifecycle.close, (await campaigns())[0], "benign_expected", "", at=now + 1)
    await passed(found(3, 4, 5, 6, 7, key="c1", at=now + 60), at=now + 60)
    return await campaigns()


async def test_a_merge_takes_its_members_out_of_other_open_campaigns(database, act, both, now, campaigns, members_of):
    closed, other, third = both
    await act(regroup.merge, other, closed.id, closed.version, "one", at=now + 61)
    assert await members_of(other.id) == [1, 2, 3, 8, 9]
    assert await members_of(third.id) == [4, 5, 6, 7]
    third = (await campaigns())[2]
    assert (third.size, third.requests) == (4, 160)
    async with read_scope(database) as session:
        gone = await queries.members_page(session, third.id, queries.MemberFilter(present=False), None, 10)
    assert [one.left_reason for one in gone.items] == ["it belongs to another campaign now"]


async def test_a_split_of_a_closed_campaign_does_so_too_unless_its_part_is_closed(act, both, now, members_of):
    closed, _, third = both
    made = await act(regroup.split, closed, [client_ref(3)], "two", at=now + 61)
    assert await members_of(made.part.id) == [3]
    assert await members_of(third.id) == [4, 5, 6, 7]
    made = await act(regroup.split, made.rest, [client_ref(2)], "two", at=now + 62, disposition="test")
    assert await members_of(made.part.id) == [2]


@pytest.fixture
async def beside(act, passed, found, now, campaigns):
    """A closed campaign of 1 to 5, and an open one in which 1 and 2 were found since."""
    await passed(found(1, 2, 3, 4, 5))
    await act(lifecycle.close, (await campaigns())[0], "benign_expected", "", at=now + 1)
    await passed(found(1, 2, 11, 12, 13, key="c1", at=now + 60), at=now + 60)
    return await campaigns()


async def test_a_split_of_a_closed_campaign_parts_those_who_are_together_in_another(act, beside, now, members_of):
    closed, other = beside
    await act(regroup.split, closed, [client_ref(2)], "two", at=now + 61, disposition="benign_expected")
    assert await members_of(other.id) == [1, 11, 12, 13]


async def test_a_campaign_that_is_opened_again_leaves_its_members_where_they_are(
    act, beside, now, campaigns, members_of
):
    closed, other = beside
    again = await act(lifecycle.reopen, closed, "look again", at=now + 61)
    assert (await members_of(again.id), again.size, again.requests) == ([3, 4, 5], 3, 120)
    assert await members_of(other.id) == [1, 2, 11, 12, 13]


async def test_a_campaign_that_is_opened_again_parts_who_was_split_since(act, beside, now, members_of):
    closed, other = beside
    made = await act(regroup.split, other, [client_ref(1)], "two", at=now + 61, disposition="benign_expected")
    await act(lifecycle.close, made.rest, "benign_expected", "", at=now + 62)
    await act(lifecycle.reopen, closed, "look again", at=now + 63)
    assert await members_of(closed.id) == [2, 3, 4, 5]


async def test_one_whose_members_are_all_in_other_open_ones_is_not_opened_again(act, passed, found, now, campaigns):
    await passed(found(1, 2, 3))
    await act(lifecycle.close, (await campaigns())[0], "benign_expected", "", at=now + 1)
    others = [found(one, 10 * one, 10 * one + 1, key=f"c{one}", at=now + 60) for one in (1, 2, 3)]
    await passed(*others, at=now + 60)
    closed, *rest = await campaigns()
    with pytest.raises(Conflict, match=f"{rest[0].id}, {rest[1].id}, {rest[2].id}"):
        await act(lifecycle.reopen, closed, "look again", at=now + 61)
    assert (await campaigns())[0].state == State.CLOSED


async def test_one_whose_members_were_all_moved_away_says_where_to_and_how_many(act, both, now, campaigns, members_of):
    closed, other, third = both
    made = await act(regroup.split, third, [client_ref(client) for client in (4, 5, 6, 7)], "two", at=now + 61)
    await act(regroup.merge, other, closed.id, closed.version, "one", at=now + 62)
    third = (await campaigns())[2]
    assert (third.state, third.merged_into, third.closed_size, third.size) == (State.CLOSED, other.id, 1, 0)
    assert await members_of(made.part.id) == [4, 5, 6, 7]
