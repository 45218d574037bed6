"""Sampling surface: samples, probabilities, sweeps and blank prompts of free text, and their ordinary twins."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.batch import Batch
from detectors.event import Flag
from detectors.sampling import Sampling


def rows_of(events: np.ndarray) -> np.ndarray:
    rows = np.zeros(1, Sampling.state)
    Sampling().update(rows, Batch(events))
    return rows


def score(events: np.ndarray) -> float:
    return float(Sampling().score(rows_of(events), 0.0)[0])


def test_one_sample_without_probabilities_is_silent(traffic) -> None:
    assert score(traffic(1, 200)) == 0.0


def test_several_long_samples_score_and_short_or_few_ones_score_less(traffic) -> None:
    long = score(traffic(1, 100, choices=4, out_chars=16_000))
    assert long > 0.9
    assert score(traffic(1, 100, choices=4, out_chars=1_200)) < 0.6 * long
    assert score(traffic(1, 100, choices=2, out_chars=8_000)) < 0.6 * long
    assert score(traffic(1, 100, choices=50, out_chars=200_000)) == pytest.approx(long, rel=0.05)


def test_probabilities_of_free_text_score_and_those_of_labels_do_not(traffic) -> None:
    assert score(traffic(1, 100, top_logprobs=20)) > 1.5
    assert score(traffic(1, 100, top_logprobs=0)) == pytest.approx(
        score(traffic(1, 100, top_logprobs=20)) / 2, rel=0.05
    )
    labels = np.arange(100) % 4 + 1
    assert score(traffic(1, 100, top_logprobs=5, out_chars=6, answer=labels)) == 0.0
    assert score(traffic(1, 100, top_logprobs=5, max_tokens=1, out_chars=4, answer=labels)) == 0.0


def test_probabilities_of_ever_new_single_words_are_no_labels(traffic) -> None:
    assert score(traffic(1, 100, top_logprobs=20, out_chars=6)) > 0.7
    assert score(traffic(1, 100, top_logprobs=2, out_chars=6)) == 0.0
    assert score(traffic(1, 100, top_logprobs=20, out_chars=6, answer=0)) == 0.0


@pytest.mark.parametrize(
    "rare",
    [
        {"flags": int(Flag.BLANK_INPUT), "payload": 0, "payload_chars": 0},
        {"top_logprobs": 20},
        {"top_logprobs": 20, "out_chars": 6},
    ],
)
def test_what_ordinary_clients_never_send_is_not_hidden_by_what_is_sent_beside_it(traffic, rare) -> None:
    some = np.arange(300) % 10 == 0
    alone, mixed = traffic(1, 30, **rare), traffic(1, 300, flags=int(Flag.USER_ID | Flag.MULTI_TURN))
    for name, value in ({"flags": 0} | rare).items():
        mixed[name][some] = value
    assert score(mixed) > 0.9 * score(alone) > 0.2


def test_probabilities_of_conversations_and_short_records_count_for_a_quarter(traffic) -> None:
    fields = {"top_logprobs": 20, "out_chars": 400}
    plain = score(traffic(1, 100, **fields))
    for flag in (Flag.MULTI_TURN, Flag.SCHEMA):
        assert score(traffic(1, 100, **fields, flags=int(flag))) < 0.3 * plain
    assert score(traffic(1, 100, **fields, flags=int(Flag.USER_ID))) == plain


def test_a_sweep_over_settings_scores_and_a_repeat_with_the_same_does_not(traffic) -> None:
    bodies = np.repeat(np.arange(1, 51), 4).astype(np.uint64)
    assert score(traffic(1, 200, body=bodies, params=np.tile([1, 2, 3, 4], 50))) > 1.0
    assert score(traffic(1, 200, body=bodies, answer=bodies)) == 0.0


def test_one_prompt_to_several_models_is_no_sweep(traffic) -> None:
    models = {"body": np.repeat(np.arange(1, 51), 4).astype(np.uint64), "model": np.tile([1, 2, 3, 4], 50)}
    settings = models | {"params": np.tile([1, 2, 3, 4], 50).astype(np.uint64)}
    assert score(traffic(1, 200, **models)) == score(traffic(1, 200, body=models["body"])) < 1.0
    assert score(traffic(1, 200, **settings)) > 1.0


def test_one_body_sent_several_times_at_once_is_sampled_and_a_later_run_is_none(traffic) -> None:
    bodies = np.repeat(np.arange(1, 151), 4).astype(np.uint64)
    assert score(traffic(1, 600, body=bodies)) > 0.5
    assert score(traffic(1, 600, body=np.tile(np.arange(1, 151), 4), gap=20.0)) < 0.1  # four runs, an hour apart
    assert score(traffic(1, 600, body=bodies, answer=bodies)) < 0.1
    assert score(traffic(1, 600, body=np.arange(600) % 30 + 1)) < 0.1  # a load test


@pytest.mark.parametrize("seed", range(5))
def test_a_distinct_count_that_is_off_by_its_error_is_no_sweep(traffic, seed: int) -> None:
    assert score(traffic(1, 3_000, seed=seed)) < 0.2


def test_empty_prompts_with_long_answers_score_and_health_checks_do_not(traffic) -> None:
    blank = {"flags": int(Flag.BLANK_INPUT), "body": 7, "payload": 0, "payload_chars": 0}
    assert score(traffic(1, 100, **blank)) > 1.5
    assert score(traffic(1, 100, **blank, max_tokens=5, out_chars=20)) == 0.0
    assert score(traffic(1, 100, **blank, out_chars=100)) == 0.0
    assert score(traffic(1, 100, **blank, out_chars=100, max_tokens=2_048)) > 0.5  # a task that the model invents
    assert score(traffic(1, 100, **blank, in_chars=4_000)) == 0.0  # the text stands in the system role


@pytest.mark.parametrize(
    "twin",
    [
        {"flags": int(Flag.MULTI_TURN)},
        {"flags": int(Flag.SCHEMA)},
        {"body": np.arange(100) % 30 + 1},
    ],
)
def test_each_ordinary_twin_takes_a_part(traffic, twin) -> None:
    fields = {"choices": 4, "out_chars": 1_600}
    assert score(traffic(1, 100, **fields, **twin)) < 0.6 * score(traffic(1, 100, **fields))


def test_small_benchmarks_that_come_round_again_fall_silent(traffic) -> None:
    again = np.arange(400) % 164 + 1
    assert score(traffic(1, 400, choices=10, out_chars=4_000, body=again)) < 0.1


def test_it_says_how_many_samples_and_in_which_share(traffic) -> None:
    half = np.where(np.arange(100) % 2 == 0, 8, 1)
    terms = {term.feature: term for term in Sampling().explain(rows_of(traffic(1, 100, choices=half))[0], 0.0)}
    assert terms["several_samples"].value == 0.5
    assert "8 answers to one prompt in 50 %" in terms["several_samples"].sentence
