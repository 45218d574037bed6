"""Sign-up attributes tie whoever shares a rare one, nobody by a common one, and can be taken back."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.base import Level
from detectors.campaign import Linker, Settings, supplied
from detectors.campaign.graph import Bounds
from detectors.campaign.rows import Own
from detectors.campaign.tells import Kind
from detectors.event import Listed, zeros
from detectors.listed import build

SETTINGS = Settings(bounds=Bounds(singles=1 << 14, recurring=1 << 12))
NOW = 1_764_104_000.0
ONE = list(range(1, 13))


def customers(count: int, first: int = 20_000) -> np.ndarray:
    """Two chat requests each, nothing in common."""
    rng = np.random.default_rng(3)
    events = zeros(2 * count)
    events["client"] = np.repeat(np.arange(first, first + count, dtype=np.uint64), 2)
    events["at"] = NOW - 4_000.0 + np.sort(rng.random(len(events))) * 3_000.0
    for name in ("payload", "body", "answer", "head12", "tail6"):
        events[name] = rng.integers(1, 2**62, len(events))
    events["payload_chars"], events["in_chars"], events["out_chars"], events["status"] = 200, 260, 900, 200
    return events


def linker_of(*parts: np.ndarray) -> Linker:
    linker = Linker(SETTINGS)
    linker.observe(np.concatenate(parts))
    linker.link(NOW)
    return linker


def tied(linker: Linker) -> dict[int, set[str]]:
    """By client, the names of the attributes that tie it."""
    graph = linker.graph
    found: dict[int, set[str]] = {}
    for edge in graph.edges[graph.tokens["kind"][graph.edges["token"]] == Kind.SIGNUP]:
        name = graph.called[int(graph.tokens["recipe"][edge["token"]])]
        found.setdefault(int(graph.clients.known()[edge["account"]]), set()).add(name)
    return found


def test_the_same_name_and_value_are_one_token() -> None:
    rows = supplied.tells([(1, {"domain": 9, "hour": 4}), (2, {"domain": 9, "hour": 5}), (3, {"hour": 9})], 50.0)
    assert len(rows) == 5
    assert np.sort(np.unique(rows["token"], return_counts=True)[1]).tolist() == [1, 1, 1, 2]
    assert (rows["kind"] == Kind.SIGNUP).all()


def test_names_that_begin_alike_are_told_apart() -> None:
    rows = supplied.tells([(1, {"email_domain": 9}), (2, {"email_domino": 9})], 50.0)
    assert len(set(rows["token"].tolist())) == 2


def test_only_what_two_clients_of_the_graph_share_is_kept_and_asked_about_until_then(operator) -> None:
    linker = linker_of(operator(ONE))
    linker.set_attributes({1: {"payment": 7, "phone": 8}, 999: {"payment": 7}}, NOW)
    assert tied(linker) == {}
    assert 999 not in linker.graph.clients.known()
    assert supplied.lacking(linker.graph, [("payment", 7)]) == [("payment", 7)]
    linker.set_attributes({2: {"payment": 7}}, NOW, {1: {"payment": 7}})
    assert tied(linker) == {1: {"payment"}, 2: {"payment"}}
    assert supplied.lacking(linker.graph, [("payment", 7), ("payment", 6)]) == [("payment", 6)]


def test_what_is_no_longer_supplied_is_forgotten_and_others_stay(operator, bystanders) -> None:
    linker = linker_of(operator(ONE), bystanders())
    linker.set_attributes({client: {"payment": 7, "hour": 3} for client in ONE}, NOW)
    (before,) = linker.link(NOW)
    linker.set_attributes({1: {"hour": 3}, 2: {}}, NOW)
    known = tied(linker)
    assert (known[1], known[3], 2 in known) == ({"hour"}, {"payment", "hour"}, False)
    (now,) = linker.link(NOW + 1.0)
    assert (now.id, now.clients) == (before.id, before.clients)
    assert {edge.kind: edge.df for edge in now.edges if "sign-up" in edge.kind} == {
        "a sign-up attribute (payment)": 10,
        "a sign-up attribute (hour)": 11,
    }


def test_saying_the_same_again_is_no_news_and_keeps_it_for_longer(operator) -> None:
    linker = linker_of(operator(ONE))
    held = {client: {"payment": 7} for client in ONE}
    assert len(supplied.take_in(linker.graph, held, {}, NOW)) == len(ONE)
    linker.graph.take_touched()
    assert not len(supplied.take_in(linker.graph, held, {}, NOW + 13 * 86_400.0))
    assert not len(linker.graph.take_touched())
    linker.graph.expire(NOW + 15 * 86_400.0)
    assert set(tied(linker)) == set(ONE)


def test_a_rare_payment_ties_a_harvest_more_surely_and_a_common_domain_adds_nothing(operator) -> None:
    crowd = customers(5_000)
    linker = linker_of(operator(ONE), crowd)
    (plain,) = linker.link(NOW)
    everybody = [*ONE, *range(20_000, 25_000)]
    linker.set_attributes({client: {"email_domain": 1} for client in everybody}, NOW)
    (common,) = linker.link(NOW + 1.0)
    assert common.score == pytest.approx(plain.score)
    assert not [edge for edge in common.edges if "sign-up" in edge.kind]
    linker.set_attributes(
        {client: {"email_domain": 1} | ({"payment": 2} if client in ONE else {}) for client in everybody}, NOW
    )
    (rare,) = linker.link(NOW + 2.0)
    assert 0.3 < rare.score - plain.score < 0.41
    assert rare.clients == frozenset(ONE)
    assert [edge.kind for edge in rare.edges if "sign-up" in edge.kind] == ["a sign-up attribute (payment)"]


def test_five_thousand_accounts_of_one_domain_are_not_linked() -> None:
    linker = linker_of(customers(5_000))
    linker.set_attributes({client: {"email_domain": 1} for client in range(20_000, 25_000)}, NOW)
    assert linker.link(NOW + 1.0) == ()
    assert linker.to_hear(100) == []


def test_a_rare_payment_alone_is_no_campaign_and_brings_none_to_review(bystanders) -> None:
    linker = linker_of(bystanders(40), bystanders(40, seed=7))
    clients = linker.graph.clients.known()[:12].tolist()
    linker.set_attributes({client: {"payment": 2, "phone": 3, "referrer": 4} for client in clients}, NOW)
    linker.tell(dict.fromkeys(clients, Own(6.0, 1.7)))
    assert linker.link(NOW + 1.0, full=True) == ()


def test_without_its_wording_a_campaign_that_signed_up_alike_is_none(operator, bystanders) -> None:
    events = operator(ONE)
    linker = linker_of(events, bystanders())
    linker.set_attributes({client: {"payment": 2} for client in ONE}, NOW)
    linker.tell(dict.fromkeys(ONE, Own(5.5, 1.6)))
    (one,) = linker.link(NOW + 1.0)
    assert one.level is Level.REVIEW
    assert (one.without_strongest.level, one.without_strongest.score) == (Level.NONE, 0.0)
    assert "a sign-up attribute (payment)" in one.without_strongest.sentence


def test_who_shares_one_wording_belongs_if_it_signed_up_like_the_members(operator, bystanders) -> None:
    crowd = bystanders()
    crowd["tail6"][:2] = 5012
    linker = linker_of(operator(ONE), crowd)
    linker.set_attributes({client: {"payment": 2} for client in [*ONE, 10_000]}, NOW)
    (one,) = linker.link(NOW + 1.0)
    assert one.clients == frozenset([*ONE, 10_000])
    linker.set_attributes({10_000: {}}, NOW)
    (one,) = linker.link(NOW + 2.0)
    assert one.clients == frozenset(ONE)


def test_the_lists_that_pipelines_harvest_are_counted_together() -> None:
    texts = [f"item number {turn} of a list" for turn in range(9)]
    index = build({Listed.TRAIN: texts[:6], Listed.TEST: texts[4:], Listed.CANARY: ["a bait of six words or so"]})
    assert supplied.list_sizes(index) == {"train": 6}
    assert supplied.list_sizes(build({Listed.TEST: texts})) == supplied.list_sizes(None) == {}
