"""Numbers as a reviewer reads them."""

import pytest

from app.console.render import environment
from detectors import said


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 requests"), (1, "1 request"), (1.2, "1 request"), (1200, "1,200 requests")]
)
def test_one_of_a_thing_is_no_plural(number, text):
    assert said.count(number, "request") == text


def test_a_plural_that_takes_more_than_an_s_is_given():
    assert [said.count(number, "event was", "events were") for number in (0, 0.9, 2)] == [
        "0 events were",
        "1 event was",
        "2 events were",
    ]


def test_pages_and_commands_count_in_the_same_words():
    """They had two ways, which were not at one about 0.9 of a thing."""
    assert environment().filters["counted"] is said.count


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(2.34, "2.3 times"), (1200.0, "1,200.0 times"), (0.96, "1.0 times"), (0.4, "40 % of"), (0.0004, "under 1 % of"),
     (0.0, "none of")],
)  # fmt: skip
def test_nothing_is_zero_times_another_thing(ratio, text):
    assert said.times(ratio) == text


def test_what_rounds_to_nothing_says_so():
    assert (said.few(2.34), said.few(0.05), said.few(0.01)) == ("2.3", "0.1", "fewer than 0.1")
    assert said.answer_text(0.0, "each answer") == "No text of its answers was seen."
    assert said.answer_text(2140.4, "each request") == "It takes about 2,140 characters from each request."


def test_what_is_assumed_of_answers_is_said_to_be() -> None:
    told = said.answer_text(394.4, "each answer", 394.4)
    assert told == "No text of its answers was seen; 394 characters an answer, as usual, are assumed."
    assert said.answer_text(395.0, "each answer", 394.4) == "It takes about 395 characters from each answer."
