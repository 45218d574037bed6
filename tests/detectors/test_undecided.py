"""Where two uses send the same bytes, the missing observation is named; where nothing is missing, nothing is said."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

from detectors import registry, undecided
from detectors.base import Evidence, Level, Term

NAN = float("nan")


def evidence(family: str, p: float, **values: float) -> Evidence:
    terms = tuple(Term(name, value, "share", NAN, NAN, NAN, 0.1, "It does.") for name, value in values.items())
    return Evidence("d", 1, family, 1.0, p, 1.0, terms)  # type: ignore[arg-type]


def missing(level: Level = Level.REVIEW, look: int = 3, counted: int = 160, **values: float) -> str:
    return undecided.missing([evidence("content", 0.001, **values), evidence("surface", 0.001)], level, look, counted)


def test_before_the_first_look_more_requests_are_missing() -> None:
    assert "25" in undecided.missing([], Level.NONE, 0, 3, (), 3)


def test_requests_that_cannot_be_compared_are_not_called_too_few() -> None:
    told = undecided.missing([], Level.NONE, 0, 12, (), 1_080)
    assert told.startswith("Only 12 of its 1,080 requests can be compared")
    assert "search index" in told
    assert undecided.missing([], Level.NONE, 0, 3, (), 9) == (
        "Too few requests this week so far: the first comparison is made at 25."
    )


def test_of_a_later_week_nobody_says_that_the_rest_cannot_be_compared() -> None:
    """Nor that it sent too few: thousands of embeddings may be among them."""
    told = undecided.missing([], Level.NONE, 0, 5)
    assert told.startswith("Each week is compared anew. Of its present one 5 requests can be compared so far")
    assert "Too few" not in told
    assert "one 1 request can be" in undecided.missing([], Level.NONE, 0, 1)
    assert "one no request can be" in undecided.missing([], Level.NONE, 0, 0)


def test_of_an_ordinary_client_nothing_is_missing() -> None:
    assert missing(Level.NONE, several_samples=1.0) == ""


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"several_samples": 1.0, "greedy": 0.0}, "scored by repeated sampling"),
        ({"soft_labels": 1.0}, "moderation of live texts"),
        ({"graded_items": 0.9}, "graded again after each change"),
        ({"graded_items": 0.38, "structured": 1.0}, "graded again after each change"),
        ({"episodes": 4.0, "structured": 1.0}, "as a product's agent does"),
        ({"repeats": 0.6, "template_share": 1.0}, "a prompt optimiser"),
        ({"structured": 1.0}, "one's own documents"),
        ({"greedy": 1.0}, "one run of an evaluation"),
        ({"repeats": 0.0}, "a product's bulk job"),
    ],
)
def test_each_pair_of_uses_with_the_same_bytes_has_its_missing_observation(values, said) -> None:
    assert said in missing(**values)


def test_every_pair_says_what_would_decide() -> None:
    for pair in undecided.PAIRS:
        assert "would decide it." in pair.sentence, pair.name


def test_the_number_of_different_prompts_is_told() -> None:
    assert "about 80 different prompts" in missing(several_samples=1.0, new_content=0.5)


def test_a_list_that_went_on_growing_has_decided_it() -> None:
    assert missing(several_samples=1.0, look=7, counted=1_600) == ""
    assert missing(several_samples=1.0, full_reasoning_asked=1.0) == ""
    assert missing(graded_items=1.0, returned_answers=0.9) == ""


def test_every_number_that_is_asked_for_is_told_by_a_shipped_detector() -> None:
    """A renamed term would silence a pair without a word."""
    told = set()
    for detector in registry.shipped():
        told |= {term.feature for term in detector.explain(np.zeros((), detector.state)[()], 0.0)}
    asked = set(re.findall(r'values\.get\("(\w+)"', inspect.getsource(undecided))) | set(undecided.DECIDED)
    assert asked <= told


def test_one_kind_of_evidence_misses_a_second() -> None:
    one = [evidence("content", 0.001, several_samples=1.0), evidence("surface", 0.4)]
    told = undecided.missing(one, Level.WATCH, 3, 100)
    assert told.startswith("Only one kind of evidence speaks (content)")
    assert "repeated sampling" in told
    none = [evidence("content", 0.2)]
    assert "No kind of evidence is strong" in undecided.missing(none, Level.WATCH, 3, 100)
    weak = [evidence("content", 0.2, episodes=4.0)]
    assert "as a product's agent does" in undecided.missing(weak, Level.WATCH, 3, 100)


def test_a_touched_tripwire_leaves_nothing_open() -> None:
    wire = evidence("content", 0.001, several_samples=1.0)
    assert undecided.missing([wire], Level.REVIEW, 1, 30, [wire]) == ""
