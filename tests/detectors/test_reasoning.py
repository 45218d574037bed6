"""Reasoning elicitation: counts who asks and how, and is talked down by the ordinary twins."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import elicitation
from detectors.batch import Batch
from detectors.event import Flag
from detectors.reasoning import Reasoning

FULL = 1 << elicitation.CLASSES.index("full")
STEPS = 1 << elicitation.CLASSES.index("steps")


def rows_of(events: np.ndarray) -> np.ndarray:
    rows = np.zeros(1, Reasoning.state)
    Reasoning().update(rows, Batch(events))
    return rows


def score(events: np.ndarray) -> float:
    return float(Reasoning().score(rows_of(events), 0.0)[0])


@pytest.fixture
def asking(traffic):
    """Every request asks for all of the reasoning."""
    return lambda **fields: traffic(1, 100, **{"elicitation": FULL, "out_chars": 4_000, "temperature": 0.7} | fields)


def test_asking_scores_and_not_asking_is_silent(asking) -> None:
    assert score(asking()) > 1.8
    assert score(asking(elicitation=0)) == 0.0


def test_a_plain_step_by_step_counts_for_less(asking) -> None:
    assert 0.3 * score(asking()) < score(asking(elicitation=STEPS)) < 0.8 * score(asking())


def test_a_strong_class_beside_a_plain_one_counts_as_strong(asking) -> None:
    assert score(asking(elicitation=FULL | STEPS)) == score(asking())


def test_plain_requests_in_a_tenth_are_within_the_ordinary(asking) -> None:
    assert score(asking(elicitation=np.where(np.arange(100) % 10 == 0, STEPS, 0))) == 0.0
    assert score(asking(elicitation=np.where(np.arange(100) % 2 == 0, STEPS, 0))) > 0.1


def test_single_requests_for_complete_reasoning_are_not_thinned_out_by_what_is_sent_beside_them(asking) -> None:
    some = np.arange(100) % 10 == 0
    beside = {"elicitation": np.where(some, FULL, 0), "flags": np.where(some, 0, int(Flag.MULTI_TURN))}
    assert score(asking(**beside)) == score(asking(**beside, out_chars=np.where(some, 4_000, 20))) > 0.9
    assert score(asking(**beside, temperature=0.0)) == 0.0
    assert score(asking(**beside, payload=np.where(some, 7, np.arange(100) + 8))) < 0.1  # one prompt, again and again
    short = {"flags": int(Flag.SCHEMA), "out_chars": 300}
    assert score(asking(elicitation=np.where(some, FULL, 0), **short)) == 0.0
    told = {term.feature: term for term in Reasoning().explain(rows_of(asking(**beside))[0], 0.0)}
    assert "in 10 requests at a temperature above 0" in told["asked_apart"].sentence


@pytest.mark.parametrize(
    "twin",
    [
        {"flags": int(Flag.MULTI_TURN)},
        {"flags": int(Flag.TOOLS), "out_chars": 300},
        {"temperature": 0.0},
        {"out_chars": 20},
        {"payload": np.arange(100) % 25 + 1},
    ],
)
def test_each_ordinary_twin_takes_a_part(asking, twin) -> None:
    plain = {name: value for name, value in twin.items() if "flags" in twin and name == "out_chars"}
    assert score(asking(**twin)) < 0.7 * score(asking(**plain))


def test_longer_reasoning_scores_higher(asking) -> None:
    assert score(asking(out_chars=400)) < score(asking(out_chars=4_000)) < score(asking(reasoning_chars=90_000))


def test_it_says_where_it_was_asked(asking) -> None:
    in_system = Reasoning().explain(rows_of(asking(flags=int(Flag.ELICIT_SYSTEM)))[0], 0.0)
    in_user = Reasoning().explain(rows_of(asking(flags=int(Flag.ELICIT_USER)))[0], 0.0)
    assert "in the system prompt" in in_system[0].sentence
    assert "in the prompt" in in_user[0].sentence
    assert in_user[0].value == 1.0


def test_it_names_no_place_where_both_are_asked(asking) -> None:
    both = np.concatenate([asking(flags=int(Flag.ELICIT_SYSTEM)), asking(flags=int(Flag.ELICIT_USER))])
    assert " in the " not in Reasoning().explain(rows_of(both)[0], 0.0)[0].sentence


def test_who_asks_how_and_where_is_counted_once_an_event(asking) -> None:
    kinds = np.resize([0, FULL, STEPS, FULL | STEPS], 100)
    where = np.resize([0, int(Flag.ELICIT_SYSTEM), int(Flag.ELICIT_USER | Flag.STREAM)], 100)
    row = rows_of(asking(elicitation=kinds, flags=where))[0]
    assert (row["n"], row["strong"], row["plain"], row["system"], row["user"]) == (100, 50, 25, 33, 33)


def test_the_text_is_that_of_all_choices_and_of_the_reasoning(asking) -> None:
    plain = asking(out_chars=255, reasoning_chars=0)
    assert rows_of(plain)["log_chars"][0] == 100 * 16 * 8
    assert rows_of(asking(out_chars=255, choices=5))["log_chars"][0] == 100 * 16 * 8
    assert rows_of(asking(out_chars=255, reasoning_chars=256))["log_chars"][0] == 100 * 16 * 9
    assert rows_of(asking(out_chars=0, out_tokens=0, reasoning_chars=1))["log_chars"][0] == 100 * 16
