"""What makes the programs among the ordinary clients hard to tell from harvesters, and what still tells them."""

from app.sample.jobs import HARNESS_ITEMS, JUDGE_ITEMS


def prompts(calls):
    return [call.body["messages"][-1]["content"] for call in calls]


def test_harness_repeats_its_closed_list_and_asks_for_steps(collect, named):
    persona = named("evaluation-harness")
    found = [prompt for lane in range(persona.lanes) for prompt in prompts(collect(persona, 90, lane=lane))]
    assert len(set(found)) == HARNESS_ITEMS
    assert all("step by step" in prompt for prompt in found)
    bodies = [call.body for call in collect(persona, 40)]
    assert {body["temperature"] for body in bodies} == {0}
    assert {body["model"] for body in bodies} == {"sample-large", "sample-small"}


def test_judge_grades_the_same_items_in_bursts(collect, named):
    persona = named("judge-ci")
    calls = collect(persona, 80)
    assert len(set(prompts(calls))) == JUDGE_ITEMS // persona.lanes
    assert sum(call.wait > 3 for call in calls) == 80 // (JUDGE_ITEMS // persona.lanes)


def test_classifier_sees_distinct_mails_under_one_template(collect, named):
    calls = collect(named("bulk-classifier"), 200)
    assert len(set(prompts(calls))) == 200
    assert {(call.body["max_tokens"], call.body["top_logprobs"]) for call in calls} == {(1, 5)}


def test_translation_never_repeats(collect, named):
    assert len(set(prompts(collect(named("translation"), 100)))) == 100


def test_extraction_forces_a_schema(collect, named):
    assert all(call.body["response_format"]["type"] == "json_schema" for call in collect(named("extraction"), 20))


def test_summaries_come_in_a_row(collect, named):
    waits = [call.wait for call in collect(named("summariser"), 60)]
    assert 3 < sum(wait > 2 for wait in waits) < 10
