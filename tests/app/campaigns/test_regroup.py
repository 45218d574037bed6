"""Split and merge: what a reviewer says holds for ever, and can be taken back."""

import pytest

from app.campaigns import queries, regroup
from app.campaigns.found import Edge
from app.errors import Conflict, InvalidInput, PreconditionFailed, PreconditionRequired
from app.models.client import client_ref
from app.models.vocabulary import State
from app.store.db import read_scope, session_scope


def refs(*clients):
    return [client_ref(client) for client in clients]


@pytest.fixture
def split(database):
    async def act(campaign, *clients, reason="one customer's own two keys", at=1_800_000_100.0, **more):
        async with session_scope(database) as session:
            return await regroup.split(
                session, campaign.id, refs(*clients), reason, "ana", campaign.version, at, **more
            )

    return act


@pytest.fixture
def merge(database):
    async def act(one, other, reason="one invoice address", at=1_800_000_200.0):
        async with session_scope(database) as session:
            return await regroup.merge(session, one.id, other.id, other.version, reason, "ana", one.version, at)

    return act


async def test_a_split_is_obeyed_by_every_pass_to_come(passed, campaigns, members_of, found, now, split):
    await passed(found(1, 2, 3, 4, 5))
    (one,) = await campaigns()
    await split(one, 4, 5)
    for turn in range(1, 4):
        await passed(found(1, 2, 3, 4, 5, 6, at=now + turn * 60), at=now + turn * 60)
    rest, part = await campaigns()
    assert await members_of(rest.id) == [1, 2, 3, 6]
    assert await members_of(part.id) == [4, 5]
    assert (rest.size, part.size) == (4, 2)
    assert part.evidence["split_from"] == rest.id


async def test_a_split_keeps_edges_among_each_part(database, passed, campaigns, found, split):
    await passed(found(1, 2, 3, 4, 5))
    made = await split((await campaigns())[0], 4, 5)
    async with read_scope(database) as session:
        (kept,) = await queries.edges(session, made.rest.id)
        (moved,) = await queries.edges(session, made.part.id)
        steps = [step.kind for step in await queries.history(session, made.rest.id)]
    assert [made.rest.requests, made.part.requests] == [3 * 40, 2 * 40]  # of whom are in each now
    whole = made.rest.evidence["size"]
    assert (made.part.evidence["size"], made.part.size) == (whole, 2)  # the frozen reading is that of the whole
    assert (kept.holders, kept.members) == (refs(1, 2, 3), 3)
    assert (moved.holders, moved.members) == (refs(4, 5), 2)
    assert steps == ["opened", "split"]


async def test_requests_ties_and_evidence_are_those_of_whom_they_are_about(
    database, passed, campaigns, found, split, merge
):
    edge = Edge("wording", 0xAB, 7, 9, 9.5, "7 of 7 share a wording.", tuple(range(1, 8)))
    await passed(found(*range(1, 8), requests=10, score=16.3, edges=(edge,)), found(8, 9, key="b"))
    whole, other = await campaigns()
    made = await split(whole, 5, 6, 7)
    assert (made.rest.requests, made.part.requests) == (40, 30)
    assert (made.part.evidence["size"], made.part.evidence["score"]) == (7, 16.3)
    assert made.part.latest["size"] == 3
    async with read_scope(database) as session:
        ties = [one for part in (made.rest, made.part) for one in await queries.edges(session, part.id)]
    assert [(one.members, one.sentence) for one in ties] == [
        (4, "4 of 4 share a wording."),
        (3, "3 of 3 share a wording."),
    ]
    both = await merge(made.rest, made.part, at=1_800_000_210.0)
    assert (both.size, both.requests) == (7, 70)
    async with read_scope(database) as session:
        (tie,) = await queries.edges(session, both.id)
    assert (tie.members, tie.sentence, tie.holders) == (7, "7 of 7 share a wording.", refs(*range(1, 8)))
    assert (await merge(both, other, at=1_800_000_220.0)).requests == 150


async def test_the_part_can_be_closed_at_once(campaigns, passed, found, split):
    await passed(found(1, 2, 3))
    made = await split((await campaigns())[0], 3, disposition="benign_expected")
    assert (made.part.state, made.part.disposition) == (State.CLOSED, "benign_expected")


async def test_a_split_is_refused_where_it_makes_no_sense(campaigns, passed, found, split):
    await passed(found(1, 2, 3))
    (one,) = await campaigns()
    for clients, reason in (((1, 2, 3), "all"), ((9,), "none of it"), ((), "nobody"), ((1,), " ")):
        with pytest.raises(InvalidInput):
            await split(one, *clients, reason=reason)
    assert len(await campaigns()) == 1


async def test_two_reviewers_do_not_overwrite_each_other(database, campaigns, passed, found, split):
    await passed(found(1, 2, 3, 4))
    (seen,) = await campaigns()
    await split(seen, 4)
    with pytest.raises(PreconditionFailed):
        await split(seen, 3)
    async with session_scope(database) as session:
        with pytest.raises(PreconditionRequired):
            await regroup.split(session, seen.id, refs(3), "why", "ben", None, 1_800_000_100.0)


async def test_a_merge_is_obeyed_and_the_other_points_to_it(passed, campaigns, members_of, found, now, merge):
    await passed(found(1, 2, 3), found(7, 8, key="b2"))
    one, other = await campaigns()
    merged = await merge(one, other)
    assert merged.requests == 5 * 40  # of all who are in it now
    await passed(found(1, 2, 3, 4, at=now + 300), found(7, 8, key="b2", at=now + 300), at=now + 300)
    one, other = await campaigns()
    assert await members_of(one.id) == [1, 2, 3, 4, 7, 8]
    assert (other.state, other.merged_into, other.size, other.requests) == (State.CLOSED, one.id, 0, 0)


async def test_a_merge_takes_a_split_back(passed, campaigns, members_of, found, now, split, merge):
    await passed(found(1, 2, 3, 4))
    made = await split((await campaigns())[0], 3, 4)
    await merge(made.rest, made.part)
    await passed(found(1, 2, 3, 4, at=now + 300), at=now + 300)
    rest, _ = await campaigns()
    assert await members_of(rest.id) == [1, 2, 3, 4]
    await passed(found(1, 2, 3, 4, at=now + 400), at=now + 400)
    assert len(await campaigns()) == 2


async def test_a_merge_leaves_a_split_from_a_third_campaign_alone(
    passed, campaigns, members_of, found, now, split, merge
):
    await passed(found(1, 2, 3, 4, 5, 6))
    third = (await split((await campaigns())[0], 5, 6)).part
    made = await split((await campaigns())[0], 3, 4, at=now + 150)
    await merge(made.rest, made.part)
    await passed(found(1, 2, 3, 4, 5, 6, at=now + 300), at=now + 300)
    await passed(found(3, 4, 5, 6, key="n1", at=now + 400), at=now + 400)
    one, *_ = await campaigns()
    assert await members_of(one.id) == [1, 2, 3, 4]
    assert await members_of(third.id) == [5, 6]


async def test_a_split_leaves_an_earlier_merge_of_the_moved_alone(
    passed, campaigns, members_of, found, now, split, merge
):
    await passed(found(1, 2), found(3, 4, key="b"), found(5, 6, key="c"))
    one, other, third = await campaigns()
    one = await merge(one, other)
    one = await merge(one, third, at=now + 250)
    made = await split(one, 1, 2, 3, 4, at=now + 260)
    await passed(found(1, 2, at=now + 300), found(3, 4, key="b", at=now + 300), at=now + 300)
    await passed(found(1, 2, 5, 6, at=now + 400), found(3, 4, key="b", at=now + 400), at=now + 400)
    assert await members_of(made.part.id) == [1, 2, 3, 4]
    assert await members_of(made.rest.id) == [5, 6]


async def test_whom_a_merge_ties_to_a_part_stays_with_it(passed, campaigns, members_of, found, now, split, merge):
    await passed(found(1, 2, 3, 4, 5, 6), found(8, 9, key="b"))
    one, other = await campaigns()
    made = await split(one, 5, 6)
    part = await merge(made.part, other)
    await passed(found(1, 2, 3, 4, 5, 6, 8, 9, at=now + 300), at=now + 300)
    assert await members_of(one.id) == [1, 2, 3, 4]
    assert await members_of(part.id) == [5, 6, 8, 9]


async def test_what_was_merged_away_cannot_be_merged_again(passed, campaigns, found, merge):
    await passed(found(1, 2, 3), found(7, 8, key="b2"))
    one, other = await campaigns()
    await merge(one, other)
    one, other = await campaigns()
    with pytest.raises(Conflict):
        await merge(one, other)
    with pytest.raises(InvalidInput):
        await merge(one, one)
