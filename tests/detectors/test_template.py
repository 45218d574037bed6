"""Template harvest: finds the frame wherever it sits, and is talked down by the ordinary twins."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.batch import Batch
from detectors.event import Flag
from detectors.template import Template


def score(events: np.ndarray) -> float:
    detector = Template()
    rows = np.zeros(1, detector.state)
    detector.update(rows, Batch(events))
    return float(detector.score(rows, 0.0)[0])


@pytest.fixture
def listed(traffic):
    """A template in front of ever new content."""
    return lambda **fields: traffic(1, 200, **{"head4": 9, "out_chars": 3_000, "temperature": 0.8} | fields)


def test_a_template_around_new_content_scores_and_its_absence_does_not(listed, traffic) -> None:
    assert score(listed()) > 4.0
    assert score(traffic(1, 200, out_chars=3_000)) < 0.8


@pytest.mark.parametrize("where", ["head4", "tail6"])
def test_the_template_may_stand_in_front_or_behind(traffic, where: str) -> None:
    assert score(traffic(1, 200, out_chars=3_000, **{where: 9})) > 4.0


def test_a_system_prompt_alone_is_weaker_than_a_template_in_the_user_turn(traffic, listed) -> None:
    only_system = score(traffic(1, 200, out_chars=3_000, temperature=0.8, system=9))
    assert 0.4 * score(listed()) < only_system < 0.7 * score(listed())


def test_several_templates_in_turn_still_score(traffic) -> None:
    assert score(traffic(1, 200, out_chars=3_000, head4=np.arange(200) % 4)) > 1.8


@pytest.mark.parametrize(
    "twin",
    [
        {"flags": int(Flag.MULTI_TURN)},
        {"flags": int(Flag.SCHEMA), "out_chars": 300},
        {"flags": int(Flag.STREAM)},
        {"temperature": 0.0},
        {"payload_chars": 9_000},
        {"max_tokens": 5, "out_chars": 200},
        {"payload": np.arange(200) % 20 + 1},
    ],
)
def test_each_ordinary_twin_takes_a_part(listed, twin) -> None:
    plain = {name: value for name, value in twin.items() if name == "out_chars"}
    assert score(listed(**twin)) < 0.75 * score(listed(**plain))


@pytest.mark.parametrize("flag", [Flag.USER_ID, Flag.SCHEMA, Flag.TOOLS])
def test_what_a_request_says_of_itself_takes_nothing(listed, flag: Flag) -> None:
    assert score(listed(out_chars=1_500, flags=int(flag))) == score(listed(out_chars=1_500))


def test_a_bulk_classifier_is_silent_next_to_a_harvest(listed) -> None:
    assert score(listed(out_chars=8, temperature=0.0, max_tokens=5)) < 0.02 * score(listed())


def test_an_evaluation_in_its_third_epoch_is_silent(listed) -> None:
    assert score(listed(payload=np.arange(200) % 66 + 1)) < 0.3


def test_without_a_user_turn_the_whole_prompt_is_the_content(listed) -> None:
    assert score(listed(payload=0)) == pytest.approx(score(listed()), rel=0.15)
    assert score(listed(payload=0, body=5)) < 0.1


def test_a_failed_call_that_is_sent_again_is_no_repetition(listed) -> None:
    failed, events = listed(status=503), listed()
    events["flags"] |= np.uint32(Flag.RETRY)
    assert score(np.concatenate([failed, events])) == pytest.approx(score(listed()))


def test_calling_each_request_a_retry_hides_nothing(listed) -> None:
    assert score(listed(flags=int(Flag.RETRY))) == pytest.approx(score(listed()))


def test_alternatives_of_each_token_are_answer_too(listed) -> None:
    assert score(listed(out_chars=300, top_logprobs=20)) > 1.5 * score(listed(out_chars=300))


def test_samples_of_a_small_list_do_not_count_and_those_of_a_growing_one_do(traffic) -> None:
    def sampled(count: int, choices: int) -> float:
        return score(traffic(1, count, head4=9, out_chars=400 * choices, choices=choices, temperature=0.8))

    assert sampled(90, 10) == pytest.approx(sampled(90, 1), rel=0.02)
    assert sampled(800, 10) > 1.5 * sampled(800, 1)


def test_the_terms_say_what_was_seen(listed) -> None:
    detector = Template()
    rows = np.zeros(1, detector.state)
    detector.update(rows, Batch(listed()))
    terms = {term.feature: term for term in detector.explain(rows[0], 0.0)}
    assert terms["template_share"].value == pytest.approx(1.0)
    assert terms["new_content"].value == pytest.approx(1.0, abs=0.1)
    assert terms["answer_taken"].value == pytest.approx(3_000, rel=0.1)
    assert "100 %" in terms["template_share"].sentence


def mixed_with_chat(traffic, listed: np.ndarray, count: int) -> np.ndarray:
    """A list behind so many requests of a chat product: conversations that stream."""
    chat = traffic(1, count, seed=2, start=1_764_000_000.0, flags=int(Flag.MULTI_TURN | Flag.STREAM), system=77)
    return np.concatenate([chat, listed])


def test_other_traffic_of_the_client_hides_a_list_only_in_part(listed, traffic) -> None:
    whole = score(listed())
    assert score(mixed_with_chat(traffic, listed(), 200)) > 0.45 * whole
    assert score(mixed_with_chat(traffic, listed(), 800)) > 0.3 * whole
    assert score(mixed_with_chat(traffic, listed(out_chars=8, temperature=0.0), 800)) < 0.1 * whole
    assert score(mixed_with_chat(traffic, listed(payload=np.arange(200) % 20 + 1), 800)) < 0.1 * whole


def test_a_mixed_account_is_told_as_one(listed, traffic) -> None:
    detector = Template()
    rows = np.zeros(1, detector.state)
    detector.update(rows, Batch(mixed_with_chat(traffic, listed(), 800)))
    term = next(one for one in detector.explain(rows[0], 0.0) if one.feature == "one_frame")
    assert term.value == pytest.approx(0.2, abs=0.02)
    assert f"the suspicious part is only these {100 * term.value:.0f} % of the traffic" in term.sentence


def test_requests_that_all_differ_have_no_frame_of_their_own(traffic) -> None:
    for seed in range(5):
        assert score(traffic(1, 400, out_chars=3_000, seed=seed)) < 0.8
