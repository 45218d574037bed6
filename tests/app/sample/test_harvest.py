"""What makes the two harvesters harvesters."""

import pytest

from app.sample.harvest import HARVESTERS, SHARDS


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


def test_shards_are_one_operators_and_each_is_small(collect):
    calls = {persona.name: collect(persona, 40) for persona in SHARDS}
    assert len(calls) == len({persona.key for persona in SHARDS}) == 12
    openings = {call.body["messages"][0]["content"][:80] for some in calls.values() for call in some}
    assert len(openings) == 1
    asked = [{call.body["messages"][0]["content"] for call in some} for some in calls.values()]
    assert sum(map(len, asked)) - len(set().union(*asked)) < 20
    assert all(sum(call.wait for call in some) > 100 for some in calls.values())
    assert len({dict(persona.headers())["x-forwarded-for"] for persona in SHARDS}) == 12
