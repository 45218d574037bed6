"""What clients' own rows say stands beside the accounts, outlives new numbers, and grows old with requests."""

from __future__ import annotations

import numpy as np

from detectors.campaign.graph import Bounds, Graph
from detectors.campaign.heard import Heard, Turn
from detectors.campaign.rows import Own
from detectors.campaign.tells import tells


def graph_of(events: np.ndarray) -> Graph:
    graph = Graph(Bounds(singles=1 << 12, recurring=1 << 12))
    graph.add(tells(events))
    return graph


def test_what_differs_little_is_no_news(operator) -> None:
    graph, heard = graph_of(operator([1, 2, 3])), Heard()
    assert heard.tell(graph, {1: Own(3.0, 0.1), 2: Own(0.2, -2.0), 99: Own(4.0, 1.0)}).tolist() == [1, 2]
    assert heard.tell(graph, {1: Own(3.4, 0.3), 2: Own(0.8, -1.9)}).tolist() == [2]
    assert heard.tell(graph, {1: Own(3.4, 0.9), 2: Own(0.8, -1.9)}).tolist() == [1]
    assert heard.of(graph) == {1: (Own(3.4, 0.9), 12), 2: (Own(0.8, -1.9), 12)}


def test_what_was_told_is_out_of_date_once_a_client_sent_much_more(operator) -> None:
    graph, heard = graph_of(operator([1, 2, 3])), Heard()
    heard.tell(graph, {1: Own(3.0, 0.1), 2: Own(0.2, -2.0)})
    graph.add(tells(operator([1, 4], requests=8, seed=5)))
    rank, lead, stale = heard.columns(graph)
    places = graph.clients.find(np.array([1, 2, 3, 4], np.uint64))
    assert rank[places[:2]].tolist() == [3.0, 0.2]
    assert lead[places[:2]].tolist() == [0.1, -2.0]
    assert np.isnan(rank[places[2:]]).all()
    assert np.isnan(lead[places[2:]]).all()
    assert stale[places].tolist() == [True, False, True, True]


def test_accounts_keep_what_was_told_when_their_numbers_change(operator) -> None:
    graph, heard = graph_of(operator([1, 2], wording=5)), Heard()
    late = operator([3, 4], seed=2, wording=6)
    late["at"] += 20 * 86_400.0
    graph.add(tells(late))
    heard.tell(graph, {2: Own(0.5, -2.2), 3: Own(2.5, 0.2)})
    heard.renumber(graph.expire(float(late["at"].max())))
    assert heard.of(graph) == {3: (Own(2.5, 0.2), 12)}
    other = Heard()
    other.load_arrays(graph, heard.arrays(graph))
    assert other.of(graph) == heard.of(graph)


def test_where_not_all_can_be_named_each_has_its_turn() -> None:
    turn, some = Turn(), np.array([1, 5, 7, 2**64 - 1], np.uint64)
    assert turn.take(some, 9).tolist() == some.tolist()
    assert [turn.take(some, 3).tolist() for _ in range(2)] == [[1, 5, 7], [2**64 - 1, 1, 5]]
    assert turn.take(some[[0, 2, 3]], 2).tolist() == [7, 2**64 - 1]  # 5 is told by now
    assert turn.take(some, 1).tolist() == [1]
    assert turn.take(some, 0).tolist() == turn.take(some[:0], 3).tolist() == []


def test_what_an_earlier_version_was_told_is_asked_for_again(operator) -> None:
    graph, heard = graph_of(operator([1, 2])), Heard()
    heard.load_arrays(graph, {"ranked": np.array([1, 2], np.uint64), "ranks": np.array([[3.0, 12.0], [0.2, 12.0]])})
    assert heard.of(graph) == {}
    assert heard.columns(graph).stale.tolist() == [True, True]


def test_rows_are_wanted_of_some_until_they_are_told(operator) -> None:
    graph, heard = graph_of(operator([1, 2, 3])), Heard()
    assert heard.wanted(graph, 9) == []
    places = graph.clients.find(np.array([1, 3], np.uint64))
    heard.want(graph, places)
    assert heard.wanted(graph, 9) == [1, 3]
    assert [heard.wanted(graph, 1) for _ in range(3)] == [[1], [3], [1]]  # in turn: no one keeps the others waiting
    assert heard.wanted(graph, 0) == []
    heard.tell(graph, {1: Own(3.0, 0.1)})
    assert heard.wanted(graph, 9) == [3]
    heard.want(graph, places[:1], anew=True)
    assert heard.wanted(graph, 9) == []


def test_rows_are_asked_for_until_they_are_told_whatever_the_accounts_numbers(operator) -> None:
    graph, heard = graph_of(operator([1, 2], wording=5)), Heard()
    assert heard.asked(graph).tolist() == []
    late = operator([3, 4], seed=2, wording=6)
    late["at"] += 20 * 86_400.0
    graph.add(tells(late))
    heard.ask(graph, graph.clients.find(np.array([2, 3, 4], np.uint64)))
    assert heard.asked(graph).tolist() == [2, 3, 4]
    heard.tell(graph, {3: Own(3.0, 0.1), 99: Own(1.0, 0.1)})
    assert heard.asked(graph).tolist() == [2, 4]
    heard.renumber(graph.expire(float(late["at"].max())))
    assert heard.asked(graph).tolist() == [4]
    heard.ask(graph, graph.clients.find(np.array([3], np.uint64)), anew=True)
    assert heard.asked(graph).tolist() == [3]
