"""The linker: incremental as from nothing, obedient to reviewers, the same after a restart."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.base import Level
from detectors.campaign import Campaign, Linker, Settings
from detectors.campaign.graph import Bounds
from detectors.campaign.rows import Own
from detectors.event import Listed

SETTINGS = Settings(bounds=Bounds(singles=1 << 14, recurring=1 << 12))
ONE, OTHER = list(range(1, 13)), list(range(31, 41))


def after(events: np.ndarray, parts: int = 1) -> tuple[Linker, tuple[Campaign, ...]]:
    linker = Linker(SETTINGS)
    events = events[np.argsort(events["at"], kind="stable")]
    for part in np.array_split(events, parts):
        linker.observe(part)
        found = linker.link(float(part["at"].max()))
    return linker, found


@pytest.fixture
def world(operator, bystanders) -> np.ndarray:
    return np.concatenate([operator(ONE, wording=11), operator(OTHER, wording=12, seed=4), bystanders(80)])


def members(found: tuple[Campaign, ...]) -> set[frozenset[int]]:
    return {one.clients for one in found}


def test_linking_as_events_come_finds_what_linking_from_nothing_finds(world) -> None:
    linker, step = after(world, parts=9)
    _, whole = after(world)
    again = linker.link(float(world["at"].max()), full=True)
    assert members(step) == members(whole) == members(again) == {frozenset(ONE), frozenset(OTHER)}
    assert {one.id for one in step} == {one.id for one in again}


def test_two_runs_agree(world) -> None:
    assert after(world, 5)[1] == after(world, 5)[1]


def test_a_new_account_joins_with_its_first_requests(world, operator) -> None:
    linker, found = after(world)
    known = {one.clients: one.id for one in found}
    fresh = operator([90], requests=3, seed=8, wording=11)
    fresh["at"] += 7_200.0
    linker.observe(fresh)
    now = linker.link(float(fresh["at"].max()))
    assert {one.clients: one.id for one in now}[frozenset([*ONE, 90])] == known[frozenset(ONE)]
    assert frozenset(OTHER) in members(now)


def test_news_of_others_who_share_a_member_leave_a_campaign_as_it_was(world, operator) -> None:
    linker, found = after(np.concatenate([world, operator([1, 201, 202], requests=4, seed=6, wording=77)]))
    more = operator([201], requests=2, seed=8, wording=77)
    linker.observe(more)
    assert linker.link(float(more["at"].max())) == found
    assert members(found) == {frozenset(ONE), frozenset(OTHER)}


def test_news_of_one_part_leave_united_campaigns_whole(world, operator) -> None:
    linker, _ = after(world)
    linker.unite([(ONE[0], OTHER[0])])
    now = float(world["at"].max())
    linker.link(now)
    linker.observe(operator([*ONE, 90], requests=3, seed=8, wording=11))
    assert members(linker.link(now)) == {frozenset([*ONE, *OTHER, 90])}


def test_a_cannot_link_is_obeyed_for_ever(world, operator) -> None:
    linker, _ = after(world)
    linker.forbid([(frozenset([12]), frozenset(ONE[:11]))])
    now = float(world["at"].max())
    assert frozenset(ONE[:11]) in members(linker.link(now))
    linker.observe(operator([12], seed=5, wording=11))
    restored = Linker.restore(linker.snapshot(), SETTINGS)
    for one in (*linker.link(now, full=True), *restored.link(now)):
        assert not {1, 12} <= one.clients


def test_a_restart_keeps_numbers_and_bans(world) -> None:
    linker, found = after(world)
    linker.set_bans({1: 5.0})
    restored = Linker.restore(linker.snapshot(), SETTINGS)
    again = restored.link(float(world["at"].max()))
    assert [one.id for one in again] == [one.id for one in found]
    assert restored.bans == {1: 5.0}
    with pytest.raises(ValueError, match="not a snapshot"):
        Linker.restore(linker.snapshot()[:-200])


def test_a_reviewer_may_unite_two_campaigns(world) -> None:
    linker, found = after(world)
    linker.unite([(ONE[0], OTHER[0])])
    now = linker.link(float(world["at"].max()))
    assert members(now) == {frozenset([*ONE, *OTHER])}
    assert now[0].id in [one.id for one in found]


def test_how_long_lists_are_is_news_for_who_walks_one_and_for_nobody_else(operator, bystanders) -> None:
    walking = operator(ONE, wording=11, listed=Listed.TRAIN)
    linker, before = after(np.concatenate([walking, operator(OTHER, wording=12, seed=4), bystanders(80)]))
    linker.set_lists({"train": 1_000})
    now = linker.link(float(walking["at"].max()))
    assert members(now) == members(before) == {frozenset(ONE), frozenset(OTHER)}
    assert [one.clients for one in now if one not in before] == [frozenset(ONE)]
    assert [one.clients for one in now if "list_shards" in {term.feature for term in one.terms}] == [frozenset(ONE)]


def test_nothing_is_found_among_ordinary_clients(bystanders) -> None:
    linker, found = after(bystanders(120), 3)
    assert found == ()
    assert linker.counters["accounts"] == 120


def test_a_mixed_account_is_linked_by_its_part(operator, bystanders) -> None:
    cover = bystanders(12, requests=60)
    cover["client"] = cover["client"] - 10_000 + 1
    _, found = after(np.concatenate([operator(ONE, requests=6), cover, bystanders(40, seed=5)]))
    (one,) = found
    assert one.clients == frozenset(ONE)
    assert one.level is Level.REVIEW
    assert all(member.share == pytest.approx(6 / 66) for member in one.members)
    assert "in 9 % of their requests" in one.sentence


def test_sign_up_attributes_are_edges_that_outlive_a_restart(operator, bystanders) -> None:
    linker, (before,) = after(np.concatenate([operator(ONE), bystanders()]))
    held = {client: {"payment": 5 if client < 10 else 6, "referrer": 100 + client} for client in ONE}
    linker.set_attributes(held, 1_764_103_000.0)
    for one in (linker, Linker.restore(linker.snapshot(), SETTINGS)):
        (signed,) = one.link(1_764_110_000.0)
        (edge,) = [edge for edge in signed.edges if "sign-up" in edge.kind]  # what one client has ties nobody
        assert (edge.kind, edge.members, edge.df) == ("a sign-up attribute (payment)", 9, 9)
        assert edge.sentence == "9 of 12 share a sign-up attribute (payment); 9 clients have it in all."
        assert 0.2 < signed.score - before.score < 0.41


def test_groups_ask_for_their_members_rows_and_are_judged_by_them(world) -> None:
    linker, _ = after(world)
    assert {*ONE, *OTHER} <= linker.asked
    linker.tell(dict.fromkeys(ONE, Own(5.5, 1.6)) | dict.fromkeys(OTHER, Own(0.4, -2.4)))
    found = linker.link(float(world["at"].max()))
    assert members(found) == {frozenset(ONE)}  # the others take nothing, whatever wording they share
    told = {term.feature: term for term in found[0].terms}
    assert told["members_rank"].value == pytest.approx(5.5)
    assert "own_networks" in told
    assert "coverage" not in told
    assert all(term.sentence for term in found[0].terms)
    assert found[0].score == pytest.approx(sum(term.share for term in found[0].terms))
    assert "by their own requests" in found[0].sentence
    assert not {*ONE, *OTHER} & linker.asked


def test_who_takes_nothing_by_its_own_row_is_left_out(world) -> None:
    linker, _ = after(world)
    linker.tell(dict.fromkeys(ONE, Own(5.5, 1.6)) | {12: Own(0.4, -2.4)})
    found = linker.link(float(world["at"].max()))
    (one,) = [one for one in found if 1 in one.clients]
    assert one.clients == frozenset(ONE) - {12}


def test_rows_are_asked_for_again_when_a_client_sent_much_more(world, operator) -> None:
    linker, _ = after(world)
    linker.tell(dict.fromkeys(ONE, Own(5.5, 1.6)))
    more = operator([1], requests=30, seed=21, wording=11)
    linker.observe(more)
    linker.link(float(more["at"].max()))
    assert 1 in linker.asked
    assert 2 not in linker.asked
    assert Linker.restore(linker.snapshot(), SETTINGS).ranks == linker.ranks


def test_who_took_nothing_at_first_is_heard_of_again(world, operator) -> None:
    linker, _ = after(world)
    linker.tell(dict.fromkeys(ONE, Own(0.4, -2.4)))
    linker.link(float(world["at"].max()))
    assert not set(ONE) & linker.asked
    more = operator(ONE, requests=30, seed=22, wording=11)
    linker.observe(more)
    assert not [one for one in linker.link(float(more["at"].max())) if 1 in one.clients]
    assert set(ONE) <= set(linker.to_hear(1_000))


def handed_on(operator) -> np.ndarray:
    """Accounts 1 to 4 of the first operator are refused in their work and for good, and 91 to 94 go on for them."""
    parts = []
    for turn, client in enumerate(ONE[:4]):
        work, more = (operator([one], requests=6, seed=50 + turn, wording=11) for one in (client, 91 + turn))
        start = 20_000.0 + 1_300.0 * turn
        work["at"] = 1_764_100_000.0 + start + np.array([0.0, 12.0, 24.0, 400.0, 800.0, 1_200.0])
        work["status"][2:] = 403
        more["at"] = 1_764_100_000.0 + start + 30.0 + 300.0 * np.arange(6)
        parts += [work, more]
    late = operator([99], requests=2, seed=60, wording=0)
    late["at"] += 40_000.0
    return np.concatenate([*parts, late])


def evidence(found: tuple[Campaign, ...]) -> list[tuple[frozenset[int], list[str], list[str]]]:
    kinds = ("moved_rate", "replaced_accounts")
    return [
        (one.clients, sorted(t.sentence for t in one.terms if t.feature in kinds), [m.reason for m in one.members])
        for one in found
    ]


def test_what_was_handed_on_is_told_alike_however_it_comes_and_after_a_restart(world, operator) -> None:
    events = np.concatenate([world, handed_on(operator)])
    _, whole = after(events)
    linker, parts = after(events, parts=9)
    assert evidence(parts) == evidence(whole)
    (one,) = [told for told in evidence(whole) if 91 in told[0]]
    assert [text.split(" ", 1)[0] for text in one[1]] == ["4", "4"]
    restored = Linker.restore(linker.snapshot(), SETTINGS)
    assert evidence(restored.link(float(events["at"].max()))) == evidence(whole)


def test_a_ban_is_news_of_a_campaign_though_nobody_sends_anything(world, operator) -> None:
    events = np.concatenate([world, handed_on(operator)[:-2]])
    linker, found = after(events)
    later = linker.link(float(events["at"].max()) + 3_600.0)
    named = [
        sum("refused for good" in why for _, _, reasons in evidence(some) for why in reasons) for some in (found, later)
    ]
    assert named == [2, 4]


def test_a_snapshot_of_an_earlier_version_is_read(world) -> None:
    linker, found = after(world)
    linker.shut.arrays = lambda graph: {}  # type: ignore[method-assign]
    again = Linker.restore(linker.snapshot(), SETTINGS)
    assert [one.id for one in again.link(float(world["at"].max()))] == [one.id for one in found]
