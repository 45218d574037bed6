"""A pass of the linker becomes campaigns: once, whatever is said again, and under the same name as before."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.campaigns import lifecycle, queries, record
from app.models.campaign import Campaign
from app.models.campaign_member import CampaignMember
from app.models.vocabulary import State
from app.store.db import read_scope, session_scope
from detectors.base import Level

DAY = 86_400.0


async def test_a_found_campaign_opens_with_members_edges_and_history(database, passed, campaigns, found, now):
    outcome = await passed(found(1, 2, 3))
    assert outcome.opened == 1
    (one,) = await campaigns()
    assert (one.state, one.level, one.size, one.episode, one.version) == (State.NEW, Level.REVIEW, 3, 1, 1)
    assert one.evidence["id"] == one.id
    assert one.evidence["size"] == 3
    async with read_scope(database) as session:
        page = await queries.members_page(session, one.id, queries.MemberFilter(), None, 10)
        (edge,) = await queries.edges(session, one.id)
        (opened,) = await queries.history(session, one.id)
    assert [member.reason for member in page.items] == ["the same wording as the others"] * 3
    assert {member.requests for member in page.items} == {40}
    assert (edge.kind, edge.token, edge.members, edge.clients) == ("wording", "00000000000000ab", 3, 4)
    assert edge.holders == [f"cl_{client:016x}" for client in (1, 2, 3)]
    assert (opened.kind, opened.actor, opened.sequence) == ("opened", "stillwatch", 1)


async def test_the_same_pass_again_changes_nothing(passed, campaigns, found):
    await passed(found(1, 2, 3))
    (before,) = await campaigns()
    await passed(found(1, 2, 3))
    (after,) = await campaigns()
    assert (after.version, after.size, after.latest) == (before.version, before.size, before.latest)


async def test_an_older_pass_does_not_undo_a_newer(passed, campaigns, found, now):
    await passed(found(1, 2, 3, score=20.0, at=now + 60))
    await passed(found(1, 2, 3, score=10.0, at=now))
    assert (await campaigns())[0].latest["score"] == 20.0


async def test_it_keeps_its_name_while_it_grows_and_when_the_linker_numbers_anew(
    passed, campaigns, members_of, found, now
):
    await passed(found(1, 2, 3, 4))
    await passed(found(2, 3, 4, 5, 6, key="other", at=now + 10), at=now + 10)
    (one,) = await campaigns()
    assert await members_of(one.id) == [1, 2, 3, 4, 5, 6]
    assert (one.size, one.key) == (6, "other")


async def test_growth_to_twice_its_size_is_a_step(database, passed, campaigns, found, now):
    await passed(found(1, 2, 3))
    await passed(found(1, 2, 3, 4, 5, at=now + 10))
    await passed(found(1, 2, 3, 4, 5, 6, at=now + 20))
    (one,) = await campaigns()
    async with read_scope(database) as session:
        assert [step.kind for step in await queries.history(session, one.id)] == ["opened", "grew"]


async def test_what_is_below_watch_opens_nothing(passed, campaigns, found):
    await passed(found(1, 2, 3, level=Level.NONE))
    assert await campaigns() == []


async def test_levels_rise_and_fall_in_the_history(database, passed, campaigns, found, now):
    await passed(found(1, 2, 3, level=Level.WATCH))
    await passed(found(1, 2, 3, at=now + 10))
    await passed(found(1, 2, 3, level=Level.NONE, score=2.0, at=now + 20))
    (one,) = await campaigns()
    async with read_scope(database) as session:
        assert [step.kind for step in await queries.history(session, one.id)] == ["opened", "escalated", "cleared"]
    assert one.score == 14.0
    assert one.latest["score"] == 2.0
    assert (one.level, one.reached) == (Level.NONE, Level.REVIEW)


async def test_the_highest_score_keeps_the_threshold_under_which_it_was_reached(
    database, passed, campaigns, found, now
):
    def reading(score, threshold, at):
        return replace(found(1, 2, 3, score=score, at=now + at), threshold=threshold)

    told = []
    for place, (score, threshold) in enumerate([(14.0, 11.5), (9.0, 14.0), (16.0, 14.0), (8.0, 11.5), (16.0, 11.5)]):
        await passed(reading(score, threshold, 10 * place))
        (one,) = await campaigns()
        told.append((one.score, one.score_threshold, one.threshold))
    assert told == [(14.0, 11.5, 11.5), (14.0, 11.5, 14.0), (16.0, 14.0, 14.0), (16.0, 14.0, 11.5), (16.0, 14.0, 11.5)]
    async with session_scope(database) as session:
        await lifecycle.close(session, one.id, "false_positive", "", "ana", one.version, now + 60)
    await passed(reading(12.0, 9.0, 70))
    assert (await campaigns())[0].score_threshold == 14.0


async def test_the_threshold_of_an_earlier_releases_highest_score_is_told_where_a_reading_says_it(
    database, passed, campaigns, found
):
    await passed(found(1, 2, 3))
    for latest, score, told in (({}, 14.0, 9.2), ({"score": 15.0, "threshold": 11.5}, 15.0, 11.5), ({}, 16.0, None)):
        async with session_scope(database) as session:
            await session.execute(sa.update(Campaign).values(latest=latest, score=score))
        (one,) = await campaigns()
        assert one.score_threshold == told


async def test_two_that_turn_out_to_be_one_are_merged_into_the_larger(passed, campaigns, members_of, found, now):
    await passed(found(1, 2, 3, 4), found(7, 8, key="b2"))
    large, small = await campaigns()
    await passed(found(1, 2, 3, 4, 7, 8, at=now + 10), at=now + 10)
    large, small = await campaigns()
    assert (small.state, small.merged_into, small.disposition) == (State.CLOSED, large.id, "duplicate")
    assert await members_of(large.id) == [1, 2, 3, 4, 7, 8]
    assert await members_of(small.id) == []


async def test_one_that_falls_apart_keeps_its_name_for_the_larger_part(passed, campaigns, members_of, found, now):
    await passed(found(1, 2, 3, 4, 5))
    await passed(found(1, 2, 3, at=now + 10), found(4, 5, key="c3", at=now + 10), at=now + 10)
    first, second = await campaigns()
    assert await members_of(first.id) == [1, 2, 3]
    assert await members_of(second.id) == [4, 5]
    assert first.size == 3


async def test_one_whose_members_went_to_another_follows_at_once(database, passed, campaigns, members_of, found, now):
    await passed(found(1, 2, 3, 4, 5, 6, 7, 8), found(11, 12, 13, 14, 15, 16, 17, key="b2"))
    await passed(found(1, 2, 3, 4, 5, 6, 7, 8, *range(11, 15), at=now + 10), at=now + 10)
    large, rest = await campaigns()
    assert await members_of(rest.id) == [15, 16, 17]
    assert (rest.size, rest.requests, rest.level, rest.reached) == (3, 120, Level.NONE, Level.REVIEW)
    assert large.level == Level.REVIEW
    async with read_scope(database) as session:
        steps = await queries.history(session, rest.id)
    assert [(step.kind, step.data["size"]) for step in steps] == [("opened", 7), ("shrank", 3), ("cleared", 3)]


async def test_one_that_loses_a_few_members_to_another_stands(passed, campaigns, found, now):
    await passed(found(1, 2, 3, 4, 5, 6, 7, 8), found(11, 12, 13, 14, 15, 16, 17, key="b2"))
    await passed(found(1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, at=now + 10), at=now + 10)
    rest = (await campaigns())[1]
    assert (rest.size, rest.requests, rest.level, rest.latest["size"]) == (4, 160, Level.REVIEW, 7)


async def close(database, campaign, disposition, now):
    async with session_scope(database) as session:
        await lifecycle.close(session, campaign.id, disposition, "seen", "ana", campaign.version, now)


@pytest.mark.parametrize(
    ("disposition", "joiners", "again"),
    [("distillation_confirmed", 1, False), ("distillation_confirmed", 2, True), ("false_positive", 2, False),
     ("false_positive", 3, True)],
)  # fmt: skip
async def test_a_closed_one_that_goes_on_growing_is_a_new_episode(
    database, passed, campaigns, members_of, found, now, disposition, joiners, again
):
    await passed(found(1, 2, 3, 4))
    await close(database, (await campaigns())[0], disposition, now + 5)
    await passed(found(*range(1, 5 + joiners), at=now + 10), at=now + 10)
    first, *rest = await campaigns()
    assert first.state == State.CLOSED
    assert await members_of(first.id) == [1, 2, 3, 4]
    assert bool(rest) is again
    if again:
        assert (rest[0].episode, rest[0].previous_id) == (2, first.id)
        await passed(found(*range(1, 6 + joiners), at=now + 20), at=now + 20)
        assert len(await campaigns()) == 2
        assert len(await members_of(rest[0].id)) == 5 + joiners


@pytest.mark.parametrize(
    ("disposition", "joiners", "again"),
    [("distillation_confirmed", 7, False), ("distillation_confirmed", 8, True), ("benign_expected", 19, False),
     ("benign_expected", 20, True)],
)  # fmt: skip
async def test_a_large_closed_one_comes_back_when_it_grew_by_a_share_of_it(
    database, passed, campaigns, found, now, disposition, joiners, again
):
    await passed(found(*range(1, 41)))
    await close(database, (await campaigns())[0], disposition, now + 5)
    await passed(found(*range(1, 41 + joiners), at=now + 10), at=now + 10)
    assert [one.episode for one in await campaigns()] == ([1, 2] if again else [1])


async def test_a_closed_one_that_goes_on_takes_nobody_from_one_under_review(
    database, passed, campaigns, members_of, found, now
):
    own = range(1, 11)
    await passed(found(*own), found(21, 22, 23, key="k2", level=Level.WATCH))
    closed, other = await campaigns()
    await close(database, closed, "false_positive", now + 5)
    async with session_scope(database) as session:
        await lifecycle.claim(session, other.id, "ben", other.version, now + 6)
    for turn in range(1, 4):
        at = now + turn * 3000
        await passed(found(*own, 21, 22, 23, 24, score=18.0, at=at), at=at)
    closed, other = await campaigns()
    assert (closed.state, await members_of(closed.id)) == (State.CLOSED, list(own))
    assert closed.latest["size"] == 14
    assert (other.state, other.assignee, await members_of(other.id)) == (State.IN_REVIEW, "ben", [21, 22, 23, 24])
    assert (other.level, other.size, other.latest["size"], other.latest["score"]) == (Level.REVIEW, 4, 4, 18.0)


async def test_one_under_review_keeps_clients_that_a_verdict_covers_too_until_it_is_found_without_them(
    database, passed, campaigns, members_of, found, now
):
    await passed(found(1, 2, 3))
    await close(database, (await campaigns())[0], "benign_expected", now + 5)
    others = range(20, 26)
    await passed(found(*others, key="k2", at=now + 10), at=now + 10)
    await passed(found(1, 2, 3, *others, key="k2", at=now + 20), at=now + 20)
    _, other = await campaigns()
    assert await members_of(other.id) == [1, 2, 3, *others]
    for turn, clients in enumerate(((1, 2, 3), (1, 2, 3, 20, 21)), 3):
        await passed(found(*clients, at=now + 10 * turn), at=now + 10 * turn)
        assert await members_of(other.id) == [1, 2, 3, *others]
    await passed(found(1, 2, 3, at=now + 50), found(*others, key="k3", at=now + 50), at=now + 50)
    closed, other = await campaigns()
    assert (other.state, await members_of(other.id)) == (State.NEW, list(others))
    assert (closed.state, await members_of(closed.id)) == (State.CLOSED, [1, 2, 3])


async def test_a_closed_one_leaves_a_larger_one_that_shares_little_as_it_is(
    database, passed, campaigns, members_of, found, now
):
    await passed(found(*range(1, 11)), found(*range(30, 50), key="k2"))
    closed, large = await campaigns()
    await close(database, closed, "false_positive", now + 5)
    await passed(found(*range(1, 11), 30, 31, at=now + 10), at=now + 10)
    assert len(await campaigns()) == 2
    assert await members_of(large.id) == list(range(30, 50))


async def test_an_older_pass_takes_nobody_away(passed, campaigns, members_of, found, now):
    await passed(found(1, 2, 3, 4), found(7, 8, key="b2"))
    await passed(found(1, 2, 3, 4, at=now + 60), at=now + 60)
    await passed(found(1, 2, 3, 4, 7, 8, at=now + 30), at=now + 30)
    large, small = await campaigns()
    assert (small.state, await members_of(small.id)) == (State.NEW, [7, 8])
    assert await members_of(large.id) == [1, 2, 3, 4]


async def test_a_clock_that_is_set_back_stops_nothing(passed, campaigns, members_of, found, now):
    ahead = now + 400 * DAY
    await passed(found(1, 2, 3, 4, at=ahead), at=ahead)
    await passed(found(1, 2, 3, 4, 5, score=15.0, at=now), at=now)
    (one,) = await campaigns()
    assert await members_of(one.id) == [1, 2, 3, 4, 5]
    assert (one.size, one.latest["score"], one.seen_at.timestamp()) == (5, 15.0, now)
    later = now + 8 * DAY
    await passed(found(1, 2, 3, 5, at=later), at=later)
    assert await members_of(one.id) == [1, 2, 3, 5]
    await passed(at=later + 2 * 3600)
    (one,) = await campaigns()
    assert one.level == Level.NONE


async def test_what_was_long_not_linked_leaves_and_may_come_back(database, passed, campaigns, members_of, found, now):
    await passed(found(1, 2, 3, 4))
    later = now + 8 * DAY
    await passed(found(1, 2, 3, at=later), at=later)
    (one,) = await campaigns()
    assert await members_of(one.id) == [1, 2, 3]
    async with read_scope(database) as session:
        gone = await session.get(CampaignMember, (one.id, "cl_0000000000000004"))
    assert gone.left_reason == "not linked for seven days"
    await passed(found(1, 2, 3, 4, at=later + 60), at=later + 60)
    assert await members_of(one.id) == [1, 2, 3, 4]


async def test_one_that_is_found_no_more_calms_down(passed, campaigns, found, now):
    await passed(found(1, 2, 3))
    await passed(at=now + 600)
    assert (await campaigns())[0].level == Level.REVIEW
    await passed(at=now + 2 * 3600)
    assert (await campaigns())[0].level == Level.NONE


async def test_one_that_lost_everybody_is_read_no_more(database, passed, campaigns, members_of, found, now):
    await passed(found(1, 2, 3), found(4, 5, 6, key="b2"))
    later = now + 8 * DAY
    await passed(found(4, 5, 6, key="b2", at=later), at=later)
    one, other = await campaigns()
    assert await members_of(one.id) == []
    assert (one.state, one.level, one.reached, one.size) == (State.NEW, Level.NONE, Level.REVIEW, 0)
    async with session_scope(database) as session:
        assert [standing.id for standing in await record._standing(session, later + 1)] == [other.id]
    await passed(found(1, 2, 3, at=later + 60), at=later + 60)
    assert len(await campaigns()) == 3


async def test_edges_that_did_not_change_are_not_written_again(database, passed, campaigns, found, now):
    await passed(found(1, 2, 3))
    async with session_scope(database) as session:
        await session.execute(sa.text("UPDATE campaign_edge SET sentence = 'untouched'"))
    await passed(found(1, 2, 3, at=now + 10))
    (one,) = await campaigns()
    async with read_scope(database) as session:
        assert (await queries.edges(session, one.id))[0].sentence == "untouched"
    edge = replace(found(1, 2, 3).edges[0], clients=9)
    await passed(found(1, 2, 3, at=now + 20, edges=(edge,)))
    async with read_scope(database) as session:
        assert (await queries.edges(session, one.id))[0].clients == 9
