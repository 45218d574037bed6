"""A campaign says who belongs, why, what ties them, and what would be left without the strongest tie."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.base import Level
from detectors.campaign import Campaign, Linker, assess
from detectors.campaign.graph import Bounds
from detectors.campaign.rows import Own
from detectors.campaign.state import Settings
from detectors.campaign.tells import Kind
from detectors.event import Listed

MEMBERS = list(range(1, 13))
SMALL = Settings(bounds=Bounds(singles=1 << 14, recurring=1 << 12))


def found(events: np.ndarray, **settings: object) -> tuple[Campaign, ...]:
    linker = Linker(SMALL)
    for name, value in settings.items():
        getattr(linker, name)(value)
    linker.observe(events)
    return linker.link(float(events["at"].max()))


def test_a_campaign_is_told_in_full(operator, bystanders) -> None:
    (one,) = found(np.concatenate([operator(MEMBERS), bystanders()]))
    assert one.level is Level.REVIEW
    assert one.clients == frozenset(MEMBERS)
    assert one.score == pytest.approx(sum(term.share for term in one.terms))
    assert one.score >= one.threshold
    assert one.requests == 12 * 12
    assert one.sentence.startswith("12 clients share ")
    assert all(term.sentence.endswith(".") for term in one.terms)
    assert all(edge.sentence.endswith(".") and edge.df >= edge.members >= 2 for edge in one.edges)
    assert all(member.share == 1.0 and member.reason.startswith("Shares") for member in one.members)
    joined = [member.joined_at for member in one.members]
    assert joined == sorted(joined)
    assert one.first <= joined[0] <= one.last
    assert "wording" in one.without_strongest.sentence


def test_a_bystander_with_one_wording_in_common_does_not_belong(operator, bystanders) -> None:
    crowd = bystanders()
    crowd["tail6"][:2] = 5012
    (one,) = found(np.concatenate([operator(MEMBERS), crowd]))
    assert one.clients == frozenset(MEMBERS)


def test_members_of_one_organisation_are_one_party(operator, bystanders) -> None:
    events = np.concatenate([operator(MEMBERS), bystanders()])
    assert not found(events, set_organisations=dict.fromkeys(MEMBERS, 5))
    (one,) = found(events, set_organisations=dict.fromkeys(MEMBERS[:9], 5))
    assert one.level is Level.WATCH
    assert "independent clients so far" in one.cannot_tell


def test_a_successor_of_a_banned_account_is_named(operator, bystanders) -> None:
    old, new = operator([1, 2, 3]), operator([4, 5], seed=3)
    new["at"] += 7_200.0
    events = np.concatenate([old, new, bystanders()])
    (one,) = found(events, set_bans={1: float(old["at"].max())})
    told = {member.client: member for member in one.members}
    assert told[1].banned_at == float(old["at"].max())
    assert "after cl_0000000000000001 was banned" in told[4].reason
    assert any(term.feature == "took_over" for term in one.terms)


def test_shards_of_a_finite_list_speak_for_one_scheduler(operator, bystanders) -> None:
    events = operator(MEMBERS, listed=Listed.TRAIN)
    (one,) = found(np.concatenate([events, bystanders()]), set_lists={"train": 1_000})
    shards = {term.feature: term for term in one.terms}["list_shards"]
    assert shards.share > 0.0
    (silent,) = found(np.concatenate([events, bystanders()]), set_lists={"train": 10_000_000})
    assert all(term.feature != "list_shards" for term in silent.terms)


def test_repeated_displacement_is_a_tripwire_for_three(operator, bystanders) -> None:
    events = operator([1, 2, 3], out_chars=900)
    first = events[events["client"] == 1][:6].copy()
    first["status"] = 429
    again = first.copy()
    again["client"], again["status"] = 2, 200
    again["at"] += 3.0
    (one,) = found(np.concatenate([events, first, again, bystanders()]))
    moved = {term.feature: term for term in one.terms}["moved_requests"]
    assert moved.value == 6
    assert one.level is Level.REVIEW


def refused_for_good(events: np.ndarray, clients: list[int]) -> np.ndarray:
    """Four refusals, ten minutes apart, after each client's last request."""
    parts = []
    for client in clients:
        last = np.repeat(events[events["client"] == client][-1:], 4)
        last["status"] = 403
        last["at"] = events["at"].max() + 600.0 * np.arange(1, 5)
        parts.append(last)
    return np.concatenate(parts)


@pytest.mark.parametrize(("gone", "told"), [([1], 0), ([1, 2], 0), ([1, 2, 3], 3)])
def test_who_takes_the_place_of_one_that_is_refused_for_good_is_named(operator, bystanders, gone, told) -> None:
    old, new = operator(MEMBERS[:9]), operator([21, 22, 23], seed=3)
    new["at"] += 9 * 3_600.0
    (one,) = found(np.concatenate([old, refused_for_good(old, gone), new, bystanders()]))
    terms = {term.feature: term for term in one.terms}
    named = [member.client for member in one.members if "was refused for good" in member.reason]
    assert len(named) == len(gone)
    assert (terms["replaced_accounts"].value if told else 0) == told
    assert "replaced_accounts" in terms or not told
    assert all(member.banned_at is None for member in one.members)


def test_a_pace_that_moves_between_members_is_told_with_what_chance_gives(operator, bystanders) -> None:
    events = [operator(MEMBERS), bystanders()]
    for turn in range(6):
        one, other = MEMBERS[turn], MEMBERS[turn + 6]
        work, goes_on = (operator([client], requests=4, seed=40 + turn) for client in (one, other))
        work["at"] = events[0]["at"].max() + 900.0 * (turn + 1) + np.array([0.0, 10.0, 20.0, 30.0])
        work["status"][3] = 429
        goes_on["at"] = work["at"][0] + 34.0 * np.arange(1, 5)
        events += [work, goes_on]
    (one,) = found(np.concatenate(events)[np.argsort(np.concatenate(events)["at"], kind="stable")])
    moved = {term.feature: term for term in one.terms}["moved_rate"]
    assert moved.value == 6
    assert moved.share == 0.0
    assert "6 times a member was refused" in moved.sentence
    assert "by chance fewer than 0.1 times; 12 of 12 members" in moved.sentence
    assert not any("pace" in edge.kind or "minute" in edge.kind for edge in one.edges)


def phrased(operator, clients: list[int]) -> np.ndarray:
    """Accounts with wordings of their own and a phrase in common, in each request."""
    events = np.concatenate([operator([client], seed=client, wording=600 + client) for client in clients])
    events["temperature"] = 0.7
    events["sketch"][:, 0] = 77
    return events


@pytest.mark.parametrize(("users", "level"), [(12, Level.REVIEW), (36, Level.NONE)])
def test_a_phrase_alone_ties_only_who_leads_further_than_random_sets(operator, bystanders, users, level) -> None:
    """The same twelve lead by their rows, and alone use the phrase, or twenty-four clients that do not use it too."""
    leading, usual = list(range(1, 13)), list(range(101, 125))
    events = np.concatenate([phrased(operator, (leading + usual)[:users]), bystanders(24)])
    rows = dict.fromkeys(leading, Own(6.5, 1.9)) | dict.fromkeys(usual, Own(2.0, -0.4))
    rows |= {client: Own(6.5, 1.9) if client % 3 == 0 else Own(2.0, -0.4) for client in range(10_000, 10_024)}
    linker = Linker(SMALL)
    linker.observe(events)
    linker.tell(rows)
    campaigns = linker.link(float(events["at"].max()))
    assert max((one.level for one in campaigns), default=Level.NONE) is level


@pytest.mark.parametrize(("usual", "level"), [(0, Level.REVIEW), (3, Level.REVIEW), (20, Level.NONE)])
def test_of_a_system_prompt_that_others_use_too_its_users_must_stand_out(operator, bystanders, usual, level) -> None:
    """Twelve who harvest have it alone, with a few, or with twenty of whom most harvest no more than others do."""
    leading, others = list(range(1, 13)), list(range(101, 101 + usual))
    events = [operator([client], seed=client, wording=600 + client) for client in leading + others]
    for own in events:
        own["system"] = 99
    rows = dict.fromkeys(leading, Own(6.5, 1.9)) | dict.fromkeys(others, Own(2.0, -0.4))
    rows |= {client: Own(6.5, 1.9) if client % 3 == 0 else Own(2.0, -0.4) for client in range(10_000, 10_024)}
    linker = Linker(SMALL)
    linker.observe(np.concatenate([*events, bystanders(24)]))
    linker.tell(rows)
    campaigns = linker.link(float(max(one["at"].max() for one in events)))
    assert max((one.level for one in campaigns), default=Level.NONE) is level


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [
        ((), "Sent what was refused to another member, or the reverse."),
        ((Kind.PHRASE,), "Shares a phrase."),
        ((Kind.HEAD, Kind.FRAMED), "Shares a wording in front of the content with its parameters."),
        (
            (Kind.HEAD, Kind.PHRASE, Kind.FRAMED, Kind.NETWORK),
            "Shares a phrase, a wording in front of the content with its parameters and a network.",
        ),
    ],
)
def test_a_member_is_told_once_what_it_shares(kinds, reason) -> None:
    held = np.zeros(len(Kind), np.bool_)
    held[list(kinds)] = True
    assert assess._reason(held) == reason
