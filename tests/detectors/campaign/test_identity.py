"""A campaign keeps its number over joins, bans and successions; splits and mergers leave a trace."""

from __future__ import annotations

from detectors.base import Level
from detectors.campaign.assess import Assessment
from detectors.campaign.identity import Identities
from detectors.campaign.link import Group
from detectors.campaign.report import Campaign, Member, Without

DAY = 86_400.0


def group_of(clients, at: float = 0.0) -> Assessment:
    members = tuple(Member(client, at, "Shares a wording.", 3, 1.0, None) for client in clients)
    without = Without("", 0, 0.0, Level.NONE, "Nothing.")
    campaign = Campaign(0, Level.REVIEW, 14.0, 12.5, "", "", at, at, 9, members, (), (), without, (77,), ())
    return Assessment(campaign, Group(None, None))


def named(identities: Identities, *groups, now: float) -> list[Campaign]:
    return [one.campaign for one in identities.name([group_of(group, now) for group in groups], set(), now)]


def test_a_week_of_joins_bans_and_successions_keeps_the_number() -> None:
    identities, members = Identities(), list(range(1, 13))
    numbers = set()
    for day in range(7):
        (one,) = named(identities, members, now=day * DAY)
        numbers.add(one.id)
        members = [*members[2:], 100 + 2 * day, 101 + 2 * day]  # two banned, two new each day
    assert len(numbers) == 1


def test_members_keep_the_time_at_which_they_joined() -> None:
    identities = Identities()
    named(identities, [1, 2, 3], now=5.0)
    (later,) = named(identities, [1, 2, 3, 4], now=9.0)
    assert {member.client: member.joined_at for member in later.members} == {1: 5.0, 2: 5.0, 3: 5.0, 4: 9.0}


def test_a_split_keeps_the_number_with_the_larger_part() -> None:
    identities = Identities()
    (whole,) = named(identities, range(1, 11), now=1.0)
    large, small = named(identities, range(1, 8), range(8, 11), now=2.0)
    assert large.id == whole.id
    assert small.id != whole.id
    assert small.history == (f"split from cp_{whole.id:016x}",)


def test_a_merger_keeps_one_number_and_says_which_it_took_in() -> None:
    identities = Identities()
    one, other = named(identities, range(1, 8), range(11, 15), now=1.0)
    (whole,) = named(identities, [*range(1, 8), *range(11, 15)], now=2.0)
    assert whole.id == one.id
    assert whole.history == (f"took in cp_{other.id:016x}",)


def test_a_document_brings_back_the_same_numbers() -> None:
    identities = Identities()
    (one,) = named(identities, range(1, 9), now=1.0)
    written = [held | {"closed": None} for held in identities.document()]  # as earlier versions wrote it
    back = Identities.parse(written)
    assert named(back, range(2, 10), now=3.0)[0].id == one.id


def test_a_number_unused_for_long_is_forgotten() -> None:
    identities = Identities()
    named(identities, range(1, 9), now=1.0)
    named(identities, range(21, 29), now=60 * DAY)
    assert len(identities.document()) == 1
