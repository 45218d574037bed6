"""What makes the two harvesters harvesters."""

import pytest

from app.sample.harvest import HARVESTERS


@pytest.mark.parametrize("persona", HARVESTERS, ids=lambda persona: persona.name)
def test_one_template_over_an_ever_new_list(collect, persona):
    prompts = [call.body["messages"][0]["content"] for call in collect(persona, 300)]
    assert len(set(prompts)) > 295
    assert len({prompt[:90] for prompt in prompts}) == 1
    other_run = [call.body["messages"][0]["content"] for call in collect(persona, 300, seed=8)]
    assert len(set(prompts) & set(other_run)) < 3


def test_reasoning_harvester_samples_long_answers(collect, named):
    body = collect(named("reasoning-harvest"), 1)[0].body
    assert (body["n"], body["temperature"], body["max_tokens"]) == (4, 0.8, 16384)
    assert "complete internal reasoning" in body["messages"][0]["content"]


def test_preference_harvester_takes_all_log_probabilities(collect, named):
    body = collect(named("preference-harvest"), 1)[0].body
    assert (body["n"], body["temperature"], body["top_logprobs"]) == (8, 1.0, 20)
