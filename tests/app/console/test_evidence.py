"""Frozen and live evidence read the same, biggest first, with the counter-evidence beside it."""

import math
from dataclasses import replace

import pytest

from app.alerts.evidence import frozen as freeze
from app.alerts.evidence import why
from app.console import evidence, words
from detectors import parts

NOW = 1_800_000_000.0


@pytest.fixture
def explanation(tools):
    return tools.explain(tools.harvester, 14.2, NOW)


@pytest.fixture
def document(tools):
    return freeze(tools.finding(tools.harvester, 14.2, NOW), "al_1", 1)


def test_frozen_and_live_evidence_are_the_same_page(explanation, document):
    assert evidence.frozen(document) == evidence.live(explanation)


def test_terms_stand_biggest_first_and_a_detectors_terms_add_up_to_its_nats(explanation):
    view = evidence.live(explanation)
    weights = [float(term.weight) for term in view.terms]
    assert weights == sorted(weights, reverse=True)
    assert sum(weights) == pytest.approx(sum(item.nats for item in explanation.evidence), abs=0.3)
    assert all(term.sentence and term.value for term in view.terms)


def test_each_family_counts_by_its_strongest_detector(explanation):
    content, surface = evidence.live(explanation).families
    assert (content.name, content.nats) == ("content", 7.9)
    assert content.headline == "It wraps 94 % of its requests in the same wording."
    assert content.rarity == "at most 1 in 2,697 ordinary peers scores this high"
    assert (surface.name, surface.nats) == ("surface", 6.3)


def test_counter_evidence_is_said_once_and_by_how_much_it_takes_off(explanation):
    counter = evidence.live(explanation).counter
    assert [term.label for term in counter] == ["streamed", "short records in a fixed format"]
    assert counter[0].weight == "−9 %"
    assert counter[0].standing == "38th percentile"


def test_counter_evidence_without_a_weight_is_still_shown(explanation):
    odd = replace(explanation.counter[0], feature="own_word", sentence="It says that it is a test.")
    view = evidence.live(replace(explanation, counter=(odd,), evidence=()))
    assert [(term.label, term.weight) for term in view.counter] == [("own word", "")]
    assert view.terms == ()


def test_an_older_or_empty_document_makes_a_page(document):
    view = evidence.frozen({})
    assert (view.score, view.threshold, view.terms, view.families) == (0.0, 0.0, (), ())
    document["contributions"][0].update(value=None, percentile=None, population_p50=None, population_p99=None)
    term = next(t for t in evidence.frozen(document).terms if t.sentence == document["contributions"][0]["sentence"])
    assert (term.value, term.expected, term.standing) == ("–", "", "")


@pytest.mark.parametrize(
    ("value", "median", "high", "percentile", "said", "at"),
    [
        (1.0, 1.0, 1.0, 100.0, "as at least half of the peers", 75.0),  # as alerts froze it before
        (1.0, 1.0, 1.0, 75.0, "as at least half of the peers", 75.0),
        (0.97, 0.4, 0.9700000286102295, 100.0, "99.5th percentile", 99.5),
        (0.98, 0.4, 0.97, 100.0, "> 99.9th percentile", 100.0),
        (0.0, 0.0, 0.9, 37.5, "37.5th percentile", 37.5),
    ],
)
def test_a_value_that_peers_have_too_stands_above_none_of_them(document, value, median, high, percentile, said, at):
    item = document["contributions"][0]
    item.update(value=value, population_p50=median, population_p99=high, percentile=percentile)
    term = next(t for t in evidence.frozen(document).terms if t.sentence == item["sentence"])
    assert term.standing == said
    assert f'd="M{4 + at * 1.12:.2f} 2.5' in term.strip
    assert f"Among the peer group: {said}".replace(">", "&gt;") in term.strip


def test_pages_and_the_api_say_the_same_contribution(explanation, document):
    said = {item["sentence"]: item["contribution"] for item in why(explanation)["contributions"]}
    shown = evidence.live(explanation).terms
    assert shown
    assert [term.weight for term in shown] == [words.signed(said[term.sentence]) for term in shown]
    terms = [{**one, "contribution": one["share"]} for one in document["contributions"]]
    for one in terms:
        del one["share"]
    before = {**document, "contributions": terms}
    assert evidence.frozen(before) == evidence.frozen(document)


def test_the_re_rankers_word_and_what_the_reference_resolves_are_said(explanation):
    shown = evidence.live(replace(explanation, probability=0.874, resolvable=1 / 3_201)).likelihood
    assert "87 % of clients with such evidence would harvest" in shown
    assert "1 in 3,201" in shown
    assert evidence.live(replace(explanation, probability=float("nan"), resolvable=float("nan"))).likelihood == ""


def test_of_a_part_it_is_said_what_the_numbers_are_of(explanation, document):
    view = evidence.live(replace(explanation, part_requests=1_060))
    assert (
        " All numbers here are of 1,060 of its requests, those sent in one manner; their joint score is taken "
        f"{parts.MARGIN:g} lower"
    ) in view.composition
    assert "family-content" not in view.score_bar
    document["part_requests"] = 60
    assert "of 60 of its requests" in evidence.frozen(document).composition


def test_the_bar_is_made_of_the_families_only_where_they_add_up(explanation):
    whole = evidence.live(explanation)
    assert whole.composition == ""
    assert "family-content" in whole.score_bar
    joint = evidence.live(replace(explanation, score=11.3))
    assert "family-content" not in joint.score_bar
    assert joint.composition.endswith("They overlap, so they do not add up.")
    one = evidence.live(replace(explanation, score=5.0, evidence=explanation.evidence[:1]))
    assert "each kind of evidence by itself." in one.composition
    assert one.composition.endswith("the rest of what the client does is ordinary.")  # 5 nats beside its 7.9
    high = evidence.live(replace(explanation, score=11.3, evidence=explanation.evidence[:1]))
    assert high.composition.endswith("each kind of evidence by itself.")


def test_a_score_that_agreement_sets_is_told_as_one(explanation):
    agreed = evidence.live(replace(explanation, score=-math.log(1e-4)))
    assert agreed.composition.startswith("Two kinds of evidence that agree are a review by themselves.")
    assert "set to 9.2 at least" in agreed.composition
    assert evidence.live(replace(explanation, evidence=())).composition == ""
