"""Coverage growth: a vocabulary that goes on growing in single requests, told from narrow jobs and from people."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.batch import Batch
from detectors.coverage import Coverage
from detectors.event import Flag, Kind


def words(count: int, vocabulary: int, a_prompt: int = 3, seed: int = 4) -> np.ndarray:
    """So many sampled words for each prompt, drawn from a vocabulary."""
    out = np.zeros((count, 8), np.uint32)
    out[:, :a_prompt] = np.random.default_rng(seed).integers(1, vocabulary + 1, (count, a_prompt))
    return out * np.uint32(2_654_435_761)


def rows_of(events: np.ndarray) -> np.ndarray:
    rows = np.zeros(1, Coverage.state)
    Coverage().update(rows, Batch(events))
    return rows


def score(events: np.ndarray) -> float:
    return float(Coverage().score(rows_of(events), 0.0)[0])


@pytest.fixture
def broad(traffic):
    """Short prompts on everything, answered in prose."""
    return lambda count=200, **fields: traffic(
        1, count, **{"words": words(count, 1_000_000), "kind": Kind.PROSE} | fields
    )


def test_words_that_never_come_again_score_and_one_domain_does_not(broad) -> None:
    assert score(broad()) > 4.0
    assert score(broad(words=words(200, 60))) < 0.2 * score(broad())


def test_a_template_around_each_prompt_hides_little(broad) -> None:
    framed = words(200, 1_000_000, 6)
    framed[:, :3] = (11, 12, 13)
    assert score(broad(words=framed)) > 0.6 * score(broad())


def test_without_words_it_is_silent(traffic) -> None:
    assert score(traffic(1, 200)) == 0.0


@pytest.mark.parametrize(
    "twin",
    [
        {"flags": np.where(np.arange(200) % 2, int(Flag.MULTI_TURN), 0)},
        {"flags": int(Flag.SCHEMA), "out_chars": 300},
        {"temperature": 0.0},
        {"payload_chars": 9_000},
        {"max_tokens": 5, "out_chars": 200},
        {"payload": np.arange(200) % 20 + 1},
        {"kind": Kind.LABEL},
        {"kind": Kind.RECORD, "out_chars": 300},
    ],
)
def test_each_ordinary_twin_takes_a_part(broad, twin) -> None:
    plain = {name: value for name, value in twin.items() if name == "out_chars"}
    assert score(broad(**twin)) < 0.75 * score(broad(**plain))


@pytest.mark.parametrize("mark", [{"flags": int(Flag.USER_ID)}, {"flags": int(Flag.SCHEMA), "kind": Kind.RECORD}])
def test_what_a_request_says_of_itself_takes_nothing(broad, mark) -> None:
    assert score(broad(out_chars=1_500, **mark)) == score(broad(out_chars=1_500))


def test_other_traffic_of_the_client_hides_little_and_is_said_to_be_there(broad) -> None:
    other = broad(seed=3, words=words(200, 60), max_tokens=5, out_chars=200)
    both = np.concatenate([broad(), other])
    assert score(both) == pytest.approx(score(broad()))
    term = next(one for one in Coverage().explain(rows_of(both)[0], 0.0) if one.feature == "part")
    assert term.value == 0.5
    assert "a part of 50 % of its requests" in term.sentence


def test_questions_that_now_and_then_come_again_are_asked_by_people(broad) -> None:
    place = np.arange(200)
    assert score(broad(payload=np.where(place % 8 == 7, place - 5, place) + 1)) < 0.65 * score(broad())


def test_steps_after_tools_are_no_repeated_prompts(broad) -> None:
    """An episode repeats its opening in every step: what is counted are the openings."""
    steps = np.arange(200) % 5 > 0
    opening = np.arange(200) // 5 + 1
    episodes = broad(
        payload=opening,
        words=words(40, 1_000_000)[opening - 1],
        flags=np.where(steps, int(Flag.TOOL_RESULT), 0),
    )
    plain = episodes.copy()
    plain["flags"] = 0
    assert score(plain) < 0.1
    assert score(episodes) > 2.0


def test_the_terms_say_how_it_grows(broad) -> None:
    terms = {term.feature: term for term in Coverage().explain(rows_of(broad())[0], 0.0)}
    assert terms["new_words"].value == pytest.approx(3.0, rel=0.2)
    assert terms["vocabulary_growth"].value == pytest.approx(1.0, abs=0.05)
    assert terms["open_answers"].value == 1.0
