"""The parts of a score say what they stand for; the reading of shards has three ways and a silence."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.base import Level, Term
from detectors.campaign import link, score, signals
from detectors.campaign.graph import Bounds, Graph
from detectors.campaign.score import Facts, Scoring
from detectors.campaign.tells import tells

NAN = float("nan")
FACTS = Facts(people=5_000, parties=12, moves=0, successors=0, expected=NAN, overlap=0)
SCORING = Scoring()


def test_shards_of_a_list_are_read_three_ways_and_open_content_not_at_all() -> None:
    assert score.shards(0.4, 0)[0] == 0.0
    one_scheduler, text = score.shards(898.0, 12)
    assert one_scheduler == 6.0
    assert "one scheduler" in text
    assert score.shards(50.0, 48)[0] < 0.0
    assert score.shards(50.0, 4_000)[0] == -8.0


def test_the_chance_of_few_overlaps_is_that_of_a_poisson_law() -> None:
    assert score.poisson_below(0, 8.6) == pytest.approx(np.exp(-8.6))
    assert score.poisson_below(2, 1.0) == pytest.approx(np.exp(-1.0) * 2.5)
    assert score.poisson_below(5_000, 898.0) == pytest.approx(1.0)
    assert score.poisson_below(0, 1e6) == 0.0


@pytest.mark.parametrize(
    ("total", "facts", "level"),
    [
        (14.5, FACTS, Level.REVIEW),
        (13.0, FACTS, Level.WATCH),
        (12.0, FACTS._replace(rank=3.0, low=2.0), Level.REVIEW),
        (20.0, FACTS._replace(rank=3.0, low=2.0, ahead=2.9), Level.NONE),
        (12.0, FACTS._replace(rank=3.0, low=2.0, ahead=3.0), Level.REVIEW),
        (20.0, FACTS._replace(rank=3.0, low=2.0, ahead=2.9, successors=1), Level.REVIEW),
        (20.0, FACTS._replace(rank=3.0, low=2.0, picked=1.9), Level.NONE),
        (12.0, FACTS._replace(rank=3.0, low=2.0, picked=2.0), Level.REVIEW),
        (13.0, FACTS._replace(parties=4), Level.WATCH),
        (13.0, FACTS._replace(parties=3), Level.NONE),
        (13.0, FACTS._replace(parties=3, successors=1), Level.REVIEW),
        (10.0, FACTS, Level.WATCH),
        (10.0, FACTS._replace(moves=3, movers=6), Level.REVIEW),
        (10.0, FACTS._replace(moves=3, movers=2), Level.WATCH),
        (8.0, FACTS._replace(moves=9, movers=12), Level.NONE),
    ],
)
def test_levels_follow_score_size_and_events(total: float, facts: Facts, level: Level) -> None:
    assert score.level(total, facts, SCORING) is level


@pytest.mark.parametrize(
    ("rest", "level"), [(9.5, Level.NONE), (10.8, Level.WATCH), (10.9, Level.REVIEW), (11.3, Level.REVIEW)]
)
def test_a_sign_up_attribute_lifts_who_is_watched_and_nobody_else(rest: float, level: Level) -> None:
    found = tuple(Term(name, 1.0, "", NAN, NAN, NAN, nats, "") for name, nats in (("size", rest), ("sign_up", 0.4)))
    assert score.reached(found, FACTS._replace(rank=3.0, low=2.0), SCORING) is level


def test_every_kind_has_a_name() -> None:
    assert set(score.NAMES) == {kind for kind in score.Kind if kind}


def told(**facts: object) -> dict[str, float]:
    terms = score._events(FACTS._replace(**facts), 12)
    assert all(one.share == 0.0 for one in terms)
    return {one.feature: one.value for one in terms}


@pytest.mark.parametrize(
    ("followed", "beside", "shown"), [(2, 0, False), (3, 0, True), (30, 4, True), (30, 120, False), (0, 9, False)]
)
def test_a_pace_moves_where_more_begin_at_once_than_by_chance(followed: int, beside: int, shown: bool) -> None:
    facts = {"followed": followed, "beside": beside, "followers": 6}
    assert told(**facts) == ({"moved_rate": followed} if shown else {})


@pytest.mark.parametrize(
    ("replaced", "lost", "shown"), [(1, 0.001, False), (2, 0.01, True), (2, 2.0, False), (9, 2.0, True)]
)
def test_accounts_are_replaced_where_more_are_refused_for_good_than_elsewhere(replaced, lost, shown: bool) -> None:
    assert told(replaced=replaced, lost=lost) == ({"replaced_accounts": replaced} if shown else {})


def test_the_chance_of_many_is_that_of_a_binomial_law() -> None:
    assert score.binomial_above(0, 9, 0.2) == 1.0
    assert score.binomial_above(2, 2, 0.2) == pytest.approx(0.04)
    assert score.binomial_above(1, 3, 0.2) == pytest.approx(1.0 - 0.8**3)
    assert score.binomial_above(900, 1_000, 0.2) == 1e-12


@pytest.mark.parametrize(("items", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_a_list_reads_as_one(items, text) -> None:
    assert score.listed(items) == text


@pytest.mark.parametrize(("sharing", "start"), [(8, "8 of 12 clients share "), (12, "12 clients share ")])
def test_the_sentence_counts_as_sharing_a_wording_those_who_do(operator, sharing: int, start: str) -> None:
    clients = np.arange(1, 13)
    events = operator(clients.tolist(), head12=0, tail6=0)
    events["system"] = np.where(events["client"] <= sharing, 71, 0)
    graph = Graph(Bounds(singles=1 << 12, recurring=1 << 12))
    graph.add(tells(events))
    members = np.sort(graph.clients.find(clients.astype(np.uint64)))
    found = signals.measure(graph, members, link.weights(graph, link.Rules()))
    text = score.sentence(found, FACTS)
    assert text.startswith(start)
    assert f"that {sharing} clients use in all" in text
