"""The graph keeps what two clients share, in bounded memory, and forgets what is old."""

from __future__ import annotations

import numpy as np

from detectors.campaign.graph import Bounds, Graph
from detectors.campaign.tells import Kind, tells

SMALL = Bounds(singles=1 << 12, recurring=1 << 12)


def edges_of(graph: Graph, kind: Kind) -> np.ndarray:
    edges = graph.edges
    return edges[graph.tokens["kind"][edges["token"]] == kind]


def test_a_token_of_one_client_is_no_edge_until_a_second_has_it(operator) -> None:
    graph = Graph(SMALL)
    graph.add(tells(operator([1], seed=1)))
    assert len(graph.edges) == 0
    graph.add(tells(operator([2], seed=2)))
    heads = edges_of(graph, Kind.HEAD)
    assert len(heads) == 2
    assert heads["n"].tolist() == [12, 12]
    assert graph.tokens["df"][heads["token"][0]] == 2


def test_many_small_batches_leave_what_one_batch_leaves(operator, bystanders) -> None:
    events = np.concatenate([operator([1, 2, 3]), bystanders(12)])
    events = events[np.argsort(events["at"], kind="stable")]
    one, many = Graph(SMALL), Graph(SMALL)
    one.add(tells(events))
    for part in np.array_split(events, 17):
        many.add(tells(part))
    for kind in (Kind.HEAD, Kind.FRAMED, Kind.RECIPE):
        counts = [sorted(edges_of(graph, kind)["n"].tolist()) for graph in (one, many)]
        assert counts[0] == counts[1], kind


def test_edges_are_found_from_their_accounts_and_from_their_tokens(operator, bystanders) -> None:
    graph = Graph(SMALL)
    for part in np.array_split(np.concatenate([operator(list(range(1, 9))), bystanders(9)]), 5):
        graph.add(tells(part))
    for account in range(len(graph.clients)):
        wanted = np.flatnonzero(graph.edges["account"] == account)
        assert sorted(graph.of_accounts(np.array([account]))) == wanted.tolist()
    for name in range(len(graph.names)):
        wanted = np.flatnonzero(graph.edges["token"] == name)
        assert sorted(graph.of_tokens(np.array([name]))) == wanted.tolist()
        assert len(graph.of_tokens(np.array([name]), 2)) == min(2, len(wanted))


def test_a_common_token_stops_growing(operator) -> None:
    graph = Graph(Bounds(singles=1 << 12, recurring=1 << 12, least_common=10))
    for start in range(1, 61, 4):
        graph.add(tells(operator(list(range(start, start + 4)), requests=2, seed=start)))
    token = edges_of(graph, Kind.RECIPE)["token"][0]
    assert graph.tokens["closed"][token]
    assert graph.tokens["df"][token] < 20


def test_what_is_old_is_forgotten_and_the_rest_keeps_its_edges(operator) -> None:
    graph = Graph(SMALL)
    graph.add(tells(operator([1, 2], seed=1, wording=5)))
    late = operator([3, 4], seed=2, wording=6)
    late["at"] += 20 * 86_400.0
    graph.add(tells(late))
    graph.expire(float(late["at"].max()))
    assert sorted(graph.clients.known().tolist()) == [3, 4]
    assert set(graph.edges["account"].tolist()) == {0, 1}
    assert len(edges_of(graph, Kind.HEAD)) == 2
    assert graph.counters["expired"] > 0
    assert sorted(graph.of_accounts(np.array([0, 1]))) == list(range(len(graph.edges)))


def test_what_one_client_alone_had_is_forgotten_too(operator, bystanders) -> None:
    """So an issued signature that nobody presented within the horizon is gone, while its client goes on."""
    graph = Graph(SMALL)
    events = operator([1], requests=3)
    events["issued"] = [71, 72, 73]
    graph.add(tells(events))
    late = operator([1], requests=3, seed=2, wording=6)
    late["at"] += 20 * 86_400.0
    graph.add(tells(late))
    before = len(graph.arrays()["singles"])
    graph.expire(float(late["at"].max()))
    left = graph.arrays()["singles"]
    assert 0 < len(left) < before
    other = operator([2], requests=1, seed=3, wording=7)
    other["presented"], other["at"] = 71, late["at"].max()
    graph.add(tells(other))
    assert len(edges_of(graph, Kind.SIGNATURE)) == 0


def test_the_table_of_single_tokens_is_bounded_and_counts_what_it_loses(bystanders) -> None:
    graph = Graph(Bounds(singles=64, recurring=64))
    graph.add(tells(bystanders(30)))
    graph.add(tells(bystanders(30, seed=3)))
    assert len(graph.arrays()["singles"]) <= 64
    assert graph.counters["evicted"] > 0


def test_arrays_bring_back_the_same_graph(operator, bystanders) -> None:
    graph = Graph(SMALL)
    graph.add(tells(np.concatenate([operator([1, 2, 3]), bystanders(6)])))
    other = Graph(SMALL)
    other.load_arrays(graph.arrays())
    more = tells(operator([4], seed=9))
    graph.add(more)
    other.add(more)
    assert graph.edges.tobytes() == other.edges.tobytes()
    assert graph.loads.tobytes() == other.loads.tobytes()
