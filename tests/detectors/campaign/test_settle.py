"""Each account ends in one campaign; what several wordings found of one operator becomes one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detectors.base import Level
from detectors.campaign import settle
from detectors.campaign.assess import Assessment
from detectors.campaign.link import Group
from detectors.campaign.report import Campaign, Member, Without


def told(
    clients, score: float = 14.0, level: Level = Level.REVIEW, token: int = 5, threshold: float = 12.5
) -> Assessment:
    members = tuple(Member(client, 1.0, "Shares a wording.", 3, 1.0, None) for client in clients)
    without = Without("", 0, 0.0, Level.NONE, "Nothing.")
    campaign = Campaign(0, level, score, threshold, "", "", 1.0, 1.0, 9, members, (), (), without, (7,), ())
    tokens = np.array([token], np.int32)
    return Assessment(campaign, Group(np.array(list(clients), np.int32), tokens), unheard=tokens)


def judge(group: Group) -> Assessment | None:
    return told(group.accounts.tolist(), token=int(group.tokens.sum()))


def sets(found) -> list[set[int]]:
    return [set(one.campaign.clients) for one in found]


def test_two_that_share_most_members_become_one() -> None:
    (one,) = settle.whole([told(range(10)), told(range(4, 13), 13.0, token=6)], (), judge)
    assert one.campaign.clients == frozenset(range(13))
    assert one.group.tokens.tolist() == [11]
    assert one.unheard.tolist() == [5, 6]


def test_two_that_share_few_stay_two() -> None:
    found = settle.whole([told(range(10)), told(range(8, 16), 13.0)], (), judge)
    assert sets(found) == [set(range(10)), set(range(8, 16))]


def test_what_is_part_of_a_stronger_one_goes_into_it_unseen() -> None:
    assert sets(settle.whole([told(range(3, 9), 13.0), told(range(10), 20.0)], (), judge)) == [set(range(10))]


def untold(clients, score: float = 16.0) -> Assessment:
    return told(clients, score, threshold=14.0)


def test_stronger_parts_that_heard_no_rows_go_into_the_whole_that_did() -> None:
    found = [told(range(12), 11.5), untold(range(6)), untold(range(5, 11), 15.0), untold([9, 10, 11], 14.5)]
    assert sets(settle.whole(found, (), lambda group: None)) == [set(range(12))]


def test_most_of_a_stronger_one_that_heard_no_rows_goes_into_a_weaker_one_if_that_holds() -> None:
    found = [untold(range(9, 13)), told(range(12), 11.5)]
    assert sets(settle.whole(found, (), judge)) == [set(range(13))]
    assert sets(settle.whole(found, (), lambda group: None)) == [set(range(9, 13)), set(range(12))]
    foes = [(frozenset({0}), frozenset({12}))]
    assert len(settle.whole(found, foes, judge)) == 2
    assert len(settle.whole([found[0], told(range(12), 11.5, Level.WATCH)], (), judge)) == 2
    assert len(settle.whole([told(range(9, 13), 16.0), found[1]], (), judge)) == 2  # rows speak in both


def test_a_weaker_level_or_a_reviewers_word_joins_nothing() -> None:
    weak = told(range(4, 13), 11.0, Level.WATCH)
    assert sets(settle.whole([told(range(10)), weak], (), judge)) == [set(range(10))]
    foes = [(frozenset({0}), frozenset({12}))]
    assert sets(settle.whole([told(range(10)), told(range(4, 13), 13.0)], foes, judge)) == [set(range(10))]


def test_a_joined_one_takes_in_more_by_its_new_members() -> None:
    found = [told(range(10), 20.0), told(range(5, 14), 19.0), told(range(10, 16), 18.0)]
    assert sets(settle.whole(found, (), judge)) == [set(range(16))]


def test_what_a_reviewer_put_together_is_one_and_no_weaker_than_its_stronger_part() -> None:
    parts = [told(range(10), 20.0), told(range(20, 26), 13.0), told(range(30, 36), 13.0)]
    found = settle.together(parts, [(3, 22), (3, 99), (4, 23)], lambda group: None)
    assert sets(found) == [{*range(10), *range(20, 26)}, set(range(30, 36))]
    assert (found[0].campaign.score, found[0].campaign.requests) == (20.0, 48)
    assert len(found[0].group.accounts) == 16
    (one, _) = settle.together(parts, [(3, 22)], judge)
    assert (one.campaign.score, one.group.tokens.tolist()) == (14.0, [5])


def test_an_account_is_in_the_strongest_of_its_campaigns() -> None:
    strong, weak, small = told(range(8), 20.0), told(range(6, 20), 13.0), told(range(5, 11), 12.6)
    first, second = settle.exclusive([small, weak, strong], 5, np.arange(20, dtype=np.uint64), judge)
    assert first is strong
    assert second.campaign.clients == frozenset(range(8, 20))
    assert second.campaign.score == 14.0  # of these by themselves


def test_what_is_left_of_one_says_so_where_it_is_less_by_itself() -> None:
    strong, weak = told(range(8), 20.0), told(range(7, 20), 13.0)
    weak = replace(weak, campaign=replace(weak.campaign, sentence="13 clients share a wording."))

    def less(group: Group) -> Assessment:
        assert group.rest
        return told(group.accounts.tolist(), 10.5, Level.WATCH)

    for by in (less, lambda group: None):
        left = settle.exclusive([strong, weak], 5, np.arange(20, dtype=np.uint64), by)[1].campaign
        assert (len(left.members), left.score, left.requests) == (12, 13.0, 36)
        assert left.sentence == "13 clients share a wording; 1 of them belongs to a stronger campaign."


def test_many_campaigns_are_compared_by_their_members_alone() -> None:
    class Counted(int):
        looked = 0

        def __hash__(self) -> int:
            Counted.looked += 1
            return int(self)

    found = [told([Counted(7 * k + n) for n in range(7)], 14.0 + k / 1e6) for k in range(2_000)]
    Counted.looked = 0
    assert len(settle.whole(found, (), judge)) == 2_000
    assert Counted.looked < 30 * 7 * 2_000  # each with each would be 14 million and more
