"""Clients are linked through wordings that they share, and neither by items nor by what an ordinary program sends."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import link
from detectors.campaign.graph import Bounds, Graph
from detectors.campaign.link import Rules
from detectors.campaign.tells import tells
from detectors.event import Flag

RULES = Rules()


def grouped(events: np.ndarray, rules: Rules = RULES) -> list[set[int]]:
    graph = Graph(Bounds(singles=1 << 14, recurring=1 << 12))
    graph.add(tells(events))
    weight = link.weights(graph, rules)
    chosen = link.seeds(graph, rules, weight, np.arange(len(graph.edges)))
    found = [group for group in link.groups(graph, rules, chosen) if group.framed]
    return [set(graph.clients.known()[group.accounts].tolist()) for group in found]


def test_two_operators_are_two_groups(operator, bystanders) -> None:
    one, other = list(range(1, 9)), list(range(21, 36))
    events = np.concatenate([operator(one, wording=11), operator(other, wording=12, seed=4), bystanders(40)])
    found = grouped(events)
    assert set(one) in found
    assert set(other) in found
    assert len(found) == 2


def test_wordings_that_have_the_same_clients_are_one_group(operator) -> None:
    events = operator(list(range(1, 16)), requests=12)
    reworded = np.random.default_rng(1).integers(0, 5, len(events))
    events["head12"] = 900 + reworded
    events["tail6"] = 950 + reworded
    assert grouped(events) == [set(range(1, 16))]


def test_the_same_items_from_client_to_client_are_no_wording(operator) -> None:
    events = operator(list(range(1, 11)), requests=12)
    events["payload"] = np.tile(np.arange(1, 13), 10)
    assert grouped(events) == []


def test_ordinary_programs_are_not_grouped(operator) -> None:
    assert grouped(operator(list(range(1, 11)), flags=np.uint32(Flag.MULTI_TURN))) == []


@pytest.mark.parametrize("flag", [Flag.USER_ID, Flag.STREAM])
def test_what_requests_say_of_themselves_hides_no_group(operator, flag) -> None:
    assert grouped(operator(list(range(1, 11)), flags=np.uint32(flag))) == [set(range(1, 11))]


def test_wordings_without_their_parameters_are_groups_of_their_own(operator) -> None:
    events = operator(list(range(1, 11)))
    events["temperature"] = events["client"] / 10.0
    graph = Graph(Bounds(singles=1 << 14, recurring=1 << 12))
    graph.add(tells(events))
    chosen = link.seeds(graph, RULES, link.weights(graph, RULES), np.arange(len(graph.edges)))
    (one,) = link.groups(graph, RULES, chosen)
    assert not one.framed
    assert len(one.accounts) == 10


def test_the_clients_of_one_wording_are_a_group_inside_a_larger_one(operator) -> None:
    events = np.concatenate([operator(list(range(1, 13)), wording=11), operator(list(range(1, 7)), wording=12, seed=4)])
    graph = Graph(Bounds(singles=1 << 14, recurring=1 << 12))
    graph.add(tells(events))
    chosen = link.seeds(graph, RULES, link.weights(graph, RULES), np.arange(len(graph.edges)))
    found = [group for group in link.groups(graph, RULES, chosen) if group.framed]
    sizes = {(len(group.accounts), group.part) for group in found}
    assert sizes == {(12, False), (12, True), (6, True)}


def test_two_clients_are_too_few(operator) -> None:
    assert grouped(operator([1, 2])) == []


def test_components_join_what_pairs_join() -> None:
    left, right = np.array([0, 1, 5, 7], np.int32), np.array([1, 2, 6, 5], np.int32)
    assert link.components(9, left, right).tolist() == [0, 0, 0, 3, 4, 5, 5, 5, 8]


def test_foes_end_in_different_parts() -> None:
    one, other = (frozenset({1, 4}), frozenset({3})), (frozenset({9}), frozenset({1}))
    assert link.parted([1, 2, 3, 4], [one, other]) == [[1, 2, 4], [3]]
    assert link.parted([3, 2, 9, 1], [one, other]) == [[3, 2, 9], [1]]


def test_two_sides_of_many_thousand_clients_are_parted_at_once() -> None:
    every = list(range(20_000))
    sides = frozenset(every[::2]), frozenset(every[1::2])
    assert link.parted(every, [sides]) == [every[::2], every[1::2]]


def test_a_large_loose_group_is_peeled_into_its_dense_parts(operator) -> None:
    parts = []
    for turn in range(3):
        clients = list(range(100 * turn, 100 * turn + 12))
        parts.append(operator([1 + client for client in clients], wording=40 + turn, seed=turn))
    bridge = operator([1, 2, 101, 102, 201, 202], wording=77, requests=3, seed=9)
    rules = Rules(large=10, within=0.3, lift=0.0)
    found = grouped(np.concatenate([*parts, bridge]), rules)
    assert all(any(set(range(100 * t + 3, 100 * t + 13)) <= group for group in found) for t in range(3))


@pytest.mark.parametrize(
    ("nats", "flag", "requests", "linked"),
    [(4.0, Flag.MULTI_TURN, 30, True), (0.5, 0, 30, False), (1.6, 0, 30, True), (0.5, 0, 12, True)],
)
def test_what_clients_rows_say_decides_about_a_wording(operator, bystanders, nats, flag, requests, linked) -> None:
    graph = Graph(Bounds(singles=1 << 14, recurring=1 << 12))
    members = operator(list(range(1, 9)), flags=np.uint32(flag), requests=requests)
    graph.add(tells(np.concatenate([members, bystanders(20)])))
    weight, every = link.weights(graph, RULES), np.arange(len(graph.edges))
    assert bool(len(link.seeds(graph, RULES, weight, every))) is not bool(flag)
    rank = np.full(len(graph.clients), nats)
    assert bool(len(link.seeds(graph, RULES, weight, every, rank))) is linked


def test_whose_rows_may_say_more_shares_a_wording_and_sent_enough(operator, bystanders) -> None:
    graph = Graph(Bounds(singles=1 << 14, recurring=1 << 12))
    graph.add(tells(np.concatenate([operator([1, 2, 3]), operator([4], requests=3, seed=9), bystanders(20)])))
    weight = link.weights(graph, RULES)
    found = link.curious(graph, RULES, weight, np.arange(len(graph.edges)))
    assert graph.clients.known()[found].tolist() == [1, 2, 3]
