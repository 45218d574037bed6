"""A group is measured by the requests that tie it, whatever else its members send."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import link, signals
from detectors.campaign.graph import Bounds, Graph
from detectors.campaign.tells import Kind, tells


def measured(events: np.ndarray, clients: list[int]) -> signals.Measured:
    graph = Graph(Bounds(singles=1 << 14, recurring=1 << 12))
    graph.add(tells(events))
    accounts = np.sort(graph.clients.find(np.array(clients, np.uint64)))
    return signals.measure(graph, accounts, link.weights(graph, link.Rules()))


def test_the_substream_of_mixed_accounts_is_counted_apart(operator, bystanders) -> None:
    clients = list(range(1, 11))
    cover = bystanders(10, requests=30)
    cover["client"] = cover["client"] - 10_000 + 1
    m = measured(np.concatenate([operator(clients, requests=6), cover, bystanders(20, seed=3)]), clients)
    assert m.kind in (Kind.FRAMED, Kind.FRAMED_TAIL)
    assert m.requests.tolist() == [6] * 10
    assert m.total.tolist() == [36] * 10
    assert m.share("streamed") == 0.0
    assert m.answer == pytest.approx(np.log2(3_001), abs=0.2)


def test_one_operators_items_are_apart_and_its_topics_alike(operator) -> None:
    m = measured(operator(list(range(1, 13))), list(range(1, 13)))
    assert m.apart > 0.6
    assert m.fresh > 0.6
    assert m.alike > 0.8
    assert m.networks == pytest.approx(1.0)
    assert m.of(Kind.RECIPE) is not None
    assert m.of(Kind.SYSTEM) is None


def test_a_class_on_one_exercise_shares_items_and_network(operator) -> None:
    events = operator(list(range(1, 13)))
    events["payload"] = np.tile(np.arange(1, 13), 12)
    events["network"] = 9
    m = measured(events, list(range(1, 13)))
    assert m.apart < 0.3
    assert m.networks == pytest.approx(1 / 12)


def test_users_of_one_program_have_topics_of_their_own(operator) -> None:
    parts = [operator([k], seed=k) for k in range(1, 13)]
    rng = np.random.default_rng(2)
    for part in parts:
        own = rng.normal(size=24)
        part["topic"] = np.rint(own / np.linalg.norm(own) * 127 * 0.8 + rng.normal(size=(len(part), 24)) * 8)
    assert measured(np.concatenate(parts), list(range(1, 13))).alike < 0.4
