"""Shape: broad and alone, told from narrow jobs and from people; episodes with ever new tools."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import twins
from detectors.batch import Batch
from detectors.event import Flag, Kind
from detectors.exchange import Usage
from detectors.shape import USUAL_SPREAD, Shape


def rows_of(events: np.ndarray) -> np.ndarray:
    rows = np.zeros(1, Shape.state)
    Shape().update(rows, Batch(events))
    return rows


def score(events: np.ndarray) -> float:
    return float(Shape().score(rows_of(events), 0.0)[0])


def value(events: np.ndarray, feature: str) -> float:
    return next(term.value for term in Shape().explain(rows_of(events)[0], 0.0) if term.feature == feature)


@pytest.fixture
def walked(traffic):
    """Short prompts, answers of every size and form, much room under the limit."""
    rng = np.random.default_rng(9)
    usual = {
        "payload_chars": np.exp(rng.normal(4.5, 0.6, 200)).astype(int),
        "out_chars": np.exp(rng.normal(6.5, 1.0, 200)).astype(int),
        "kind": rng.choice([Kind.LIST, Kind.CODE, Kind.PROSE, Kind.PROSE], 200),
        "max_tokens": 4_096,
    }
    return lambda **fields: traffic(1, 200, **usual | fields)


def test_a_walked_list_scores_high(walked) -> None:
    assert score(walked()) > 5.0


def test_each_part_of_the_shape_adds_to_it(walked) -> None:
    whole = score(walked())
    for narrower in ({"kind": Kind.PROSE}, {"max_tokens": 0}, {"out_chars": 700}, {"payload_chars": 900}):
        assert score(walked(**narrower)) < 0.95 * whole


def test_a_job_whose_sizes_follow_from_its_texts_is_narrow(walked) -> None:
    sizes = np.exp(np.random.default_rng(2).normal(6.0, 0.8, 200)).astype(int)
    job = walked(payload_chars=sizes, out_chars=(sizes * 1.05).astype(int), kind=Kind.PROSE)
    assert value(job, "size_spread") < 0.2
    assert score(job) < 0.35 * score(walked())


def test_the_spread_is_that_of_the_answers_where_prompts_tell_nothing(walked) -> None:
    assert value(walked(payload_chars=100), "size_spread") == pytest.approx(1.0 / np.log(2.0), rel=0.15)


@pytest.mark.parametrize(
    "twin",
    [
        {"flags": np.where(np.arange(200) % 2, int(Flag.MULTI_TURN), 0)},
        {"flags": int(Flag.SCHEMA), "out_chars": 300},
        {"temperature": 0.0},
        {"payload_chars": 9_000},
        {"max_tokens": 5, "out_chars": 200},
        {"payload": np.arange(200) % 20 + 1},
    ],
)
def test_each_ordinary_twin_takes_a_part(walked, twin) -> None:
    plain = {name: value for name, value in twin.items() if name == "out_chars"}
    assert score(walked(**twin)) < 0.75 * score(walked(**plain))


@pytest.mark.parametrize("flag", [Flag.USER_ID, Flag.SCHEMA, Flag.TOOLS])
def test_what_a_request_says_of_itself_takes_nothing(walked, flag: Flag) -> None:
    assert score(walked(out_chars=1_500, flags=int(flag))) == pytest.approx(score(walked(out_chars=1_500)))


def test_questions_that_now_and_then_come_again_are_asked_by_people(walked) -> None:
    """One in eight repeats an earlier one; a walked list never does."""
    place = np.arange(200)
    again = np.where(place % 8 == 7, place - 5, place) + 1
    assert value(walked(payload=again), "alone") < 0.95
    assert score(walked(payload=again)) < 0.65 * score(walked())
    assert value(walked(), "alone") == 1.0


def test_streaming_speaks_for_a_waiting_person_but_little(walked) -> None:
    assert 0.8 * score(walked()) < score(walked(flags=int(Flag.STREAM))) < 0.9 * score(walked())


def test_other_traffic_of_the_client_hides_little_and_is_said_to_be_there(walked) -> None:
    fields = {"seed": 3, "flags": int(Flag.SCHEMA), "payload_chars": 100, "kind": Kind.RECORD, "out_chars": 200}
    other = walked(**fields)
    both = np.concatenate([walked(), other, walked(**fields | {"seed": 5})])
    assert score(other) == 0.0
    assert score(both) == pytest.approx(score(walked()))
    term = next(one for one in Shape().explain(rows_of(both)[0], 0.0) if one.feature == "part")
    assert term.value == pytest.approx(1 / 3, abs=0.02)
    assert f"a part of {100.0 * term.value:.0f} % of its requests" in term.sentence


def episodes(traffic, tools: np.ndarray | int, **fields: object) -> np.ndarray:
    """Forty tasks of five requests each, four of them after a tool's result."""
    place = np.arange(200)
    flags = int(Flag.TOOLS) | np.where(place % 5 > 0, int(Flag.TOOL_RESULT), 0)
    return traffic(1, 200, **{"payload": place // 5 + 1, "tools": tools, "flags": flags, "out_chars": 200} | fields)


def test_episodes_from_new_openings_score_and_more_with_new_tools_for_each(traffic) -> None:
    same, new = score(episodes(traffic, 7)), score(episodes(traffic, np.arange(200) // 5 + 1))
    assert same > 0.8
    assert new > 1.7 * same


def test_one_project_taken_up_again_and_again_is_none(traffic) -> None:
    again = np.arange(200) // 5 % 4 + 1
    assert score(episodes(traffic, 7, payload=again)) < 0.25 * score(episodes(traffic, 7))


def test_tools_that_are_never_run_are_a_fixed_format(traffic) -> None:
    flags = int(Flag.TOOLS)
    fields = {"out_chars": 300}
    assert score(traffic(1, 200, tools=7, flags=flags, **fields)) < 0.5 * score(traffic(1, 200, **fields))


def test_steps_count_by_the_opening(traffic) -> None:
    assert value(episodes(traffic, 7), "episodes") == 4.0


def test_what_begins_something_is_counted_by_form_and_size(traffic) -> None:
    kinds = np.repeat([Kind.LABEL, Kind.LIST, Kind.CODE, Kind.PROSE, Kind.REASONING], [1, 2, 3, 4, 5])
    row = rows_of(traffic(1, 15, kind=kinds, out_chars=1_023, payload_chars=3))[0]
    assert row["forms"].tolist() == [2, 3, 4, 5]
    assert (row["n"], row["part"], row["opened"], row["steps"]) == (15, 15, 15, 0)
    assert row["logs"].tolist() == [15 * 32, 15 * 160, 15 * 32**2, 15 * 160**2, 15 * 32 * 160]


def test_a_limit_of_a_label_leaves_a_request_out_and_none_is_no_limit(traffic) -> None:
    row = rows_of(traffic(1, 20, out_chars=200, max_tokens=np.arange(20)))[0]
    assert (row["part"], row["limited"], row["room"]) == (4, 3, 0)


def test_room_is_what_is_left_under_the_limit(traffic) -> None:
    row = rows_of(traffic(1, 10, out_chars=1_023, max_tokens=4_096))[0]
    assert row["room"] == 10 * (14 - 10) * 16


def test_steps_are_part_of_episodes_and_ask_nothing(traffic) -> None:
    flags = np.resize([int(Flag.TOOLS), int(Flag.TOOLS | Flag.TOOL_RESULT), int(Flag.SCHEMA)], 30)
    row = rows_of(traffic(1, 30, flags=flags, tools=np.arange(30) + 1, out_chars=0, out_tokens=0))[0]
    assert (row["n"], row["part"], row["opened"], row["equipped"], row["steps"]) == (30, 20, 10, 10, 10)
    assert np.count_nonzero(row["toolsets"]) > 4


def test_answers_that_nobody_saw_have_no_shape_of_their_own(walked) -> None:
    """Their lengths were taken for none, which no usual client has: most jobs by batches stood out."""
    unseen = walked(out_chars=0, out_tokens=0, usage=Usage.ABSENT, kind=Kind.NONE)
    assert value(unseen, "answer_size") == pytest.approx(twins.USUAL_CHARS)
    assert value(unseen, "size_spread") == pytest.approx(USUAL_SPREAD)
    told = {term.feature: term.sentence for term in Shape().explain(rows_of(unseen)[0], 0.0)}
    assert told["answer_size"].startswith("No text of its answers was seen; 394 characters")
    assert "not known" in told["answer_to_prompt"]
    assert "not known" in told["size_spread"]
    assert "usual answers need" in told["room_left"]
    some = walked()
    some["out_chars"][:20], some["out_tokens"][:20], some["usage"][:20] = 0, 0, Usage.ABSENT
    assert value(some, "size_spread") != pytest.approx(USUAL_SPREAD)
    assert "Its answers have" in next(
        t.sentence for t in Shape().explain(rows_of(some)[0], 0.0) if t.unit == "doublings"
    )


def test_prompts_that_came_again_are_told_as_a_share_of_the_different_ones(walked) -> None:
    twice = walked()
    twice["payload"][100:] = twice["payload"][:100]
    told = {term.feature: term.sentence for term in Shape().explain(rows_of(twice)[0], 0.0)}
    assert told["repeats"].startswith("It sent 9")  # of a sample, in which two prompts may share a place
    assert told["repeats"].endswith(" % of its different prompts more than once.")
