"""A group's tally is what sorting and adding up its edges one by one gives, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import harvest, link, signals
from detectors.campaign.chains import followed
from detectors.campaign.graph import Bounds, Graph
from detectors.campaign.tally import counted, edges_of, highest, loads, tally
from detectors.campaign.tells import LOAD, Kind, tells
from detectors.compiled import LOOPS


@pytest.fixture
def graph(operator, bystanders) -> Graph:
    graph = Graph(Bounds(singles=1 << 14, recurring=1 << 12))
    many = [operator(list(range(k, k + 9)), seed=k, wording=500 + k, network=k) for k in range(1, 40, 3)]
    for part in np.array_split(np.concatenate([*many, bystanders(30)]), 3):
        graph.add(tells(part))
    return graph


@pytest.mark.parametrize("size", [0, 1, 2, 50, 5_000])
def test_counting_gives_what_sorting_gives(size: int) -> None:
    token = np.random.default_rng(size).integers(0, max(size // 3, 1), size).astype(np.int32)
    for found, wanted in zip(counted(token), np.unique(token, return_inverse=True, return_counts=True), strict=True):
        assert found.tolist() == wanted.tolist()


def test_the_edges_of_a_group_are_its_members_one_after_the_other(graph) -> None:
    members = np.array([0, 3, 4, 11], np.int32)
    edge, who = edges_of(graph, members)
    assert (graph.edges["account"][edge] == members[who]).all()
    assert (np.diff(who) >= 0).all()
    assert sorted(edge) == np.flatnonzero(np.isin(graph.edges["account"], members)).tolist()


def test_a_group_is_tallied_as_looking_at_each_token_gives(graph) -> None:
    weight = link.weights(graph, link.Rules())
    rng = np.random.default_rng(1)
    for size in (1, 2, 7, 30, len(graph.clients)):
        members = np.sort(rng.permutation(len(graph.clients))[:size]).astype(np.int32)
        of = tally(graph, members, weight)
        token = graph.edges["token"][of.edge]
        assert of.size == size
        assert of.tokens.tolist() == np.unique(token).tolist()
        assert of.tokens[of.which].tolist() == token.tolist()
        assert of.inside.tolist() == [int((token == one).sum()) for one in of.tokens]
        assert of.kinds.tolist() == graph.tokens["kind"][of.tokens].tolist()
        assert of.df.tolist() == graph.tokens["df"][of.tokens].tolist()
        assert of.useful.tolist() == weight[of.tokens].tolist()


def test_the_highest_of_each_kind_is_the_first_of_several() -> None:
    rng = np.random.default_rng(3)
    kinds = rng.integers(0, 6, 200).astype(np.uint8)
    worth = rng.integers(0, 9, 200) / 2.0
    found = highest(kinds, worth, len(Kind))
    for kind in range(len(Kind)):
        some = np.flatnonzero(kinds == kind)
        assert found[kind] == (some[int(np.argmax(worth[some]))] if len(some) else -1)


def test_loads_are_added_up_by_member_in_the_order_of_their_edges(graph) -> None:
    rng = np.random.default_rng(4)
    held = graph.loads
    held["topic"] = rng.integers(-900, 900, held["topic"].shape)
    load, who = rng.integers(0, len(held), 300).astype(np.int32), np.sort(rng.integers(0, 20, 300))
    found = loads(graph, load, who, 20, harvest.UNIT)
    some = held[load]
    n, topic, payloads = np.zeros(20), np.zeros((20, 24)), np.zeros((20, LOAD["payloads"].shape[0]), np.uint8)
    np.add.at(n, who, some["sums"][:, 0].astype(np.float64))
    np.add.at(topic, who, harvest.topics(some))
    np.maximum.at(payloads, who, some["payloads"])
    assert found.sums.tolist() == some["sums"].sum(axis=0, dtype=np.int64).tolist()
    assert found.n.tolist() == n.tolist()
    assert found.topic.tobytes() == topic.tobytes()
    assert found.payloads.tobytes() == payloads.tobytes()


def test_no_number_of_tokens_or_loads_compiles_anything_anew(operator) -> None:
    """numpy takes a single row's field for contiguous, which is another type to a compiled loop."""
    for clients in (range(1, 2), range(1, 3), range(1, 9)):
        graph = Graph(Bounds(singles=1 << 12, recurring=1 << 12))
        for client in clients:
            graph.add(tells(operator([client], requests=2, seed=client)))
        weight = link.weights(graph, link.Rules())
        signals.measure(graph, np.arange(len(graph.clients), dtype=np.int32), weight)
        for rows in (0, 1, 2):
            few = Graph(Bounds(singles=1 << 12, recurring=1 << 12))
            few.load_arrays(graph.arrays() | {"loads": np.zeros(rows, LOAD)})
            loads(few, np.zeros(min(rows, 1), np.int32), np.zeros(min(rows, 1), np.intp), 1, harvest.UNIT)
    ours = [loop for loop in LOOPS if loop.py_func.__module__ in (tally.__module__, followed.__module__)]
    assert {len(loop.signatures) for loop in ours} == {1}
