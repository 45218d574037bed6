"""The sample model answers in the shape that the request asks for, and deterministically."""

import json

import pytest

from app.sample.answers import choices, prompt_tokens, text_of
from app.sample.persona import chat


def ask(text, **options):
    return choices(chat("sample-large", ("user", text), **options))


def test_same_prompt_and_seed_same_answer():
    assert ask("Tell me of ferries", seed=1) == ask("Tell me of ferries", seed=1)
    assert ask("Tell me of ferries", seed=1) != ask("Tell me of ferries", seed=2)
    assert ask("Tell me of ferries") != ask("Tell me of trams")


def test_samples_of_one_prompt_differ():
    found = ask("Tell me of ferries", n=8)
    assert [choice.index for choice in found] == list(range(8))
    assert len({choice.text for choice in found}) == 8


def test_the_limit_cuts_and_says_so():
    (choice,) = ask("Tell me of ferries", max_tokens=5)
    assert (choice.cost, choice.finish) == (5, "length")
    (choice,) = ask("Tell me of ferries", max_completion_tokens=4000)
    assert choice.finish == "stop"


def test_a_stop_string_stops():
    assert " " not in ask("Tell me of ferries", stop=[" "])[0].text


@pytest.mark.parametrize("number", range(6))
def test_a_closed_list_gets_one_of_its_labels(number):
    (choice,) = ask(f"Classify into exactly one of: red, deep blue, green.\nText {number}")
    assert choice.text in ("red", "deep blue", "green")


def test_a_grade_comes_as_json():
    found = json.loads(ask("Give a score in JSON")[0].text)
    assert 1 <= found["score"] <= 5


def test_a_schema_is_filled():
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}},
            "inner": {"type": "object", "properties": {"n": {"type": ["integer", "null"]}}},
        },
    }
    body = chat(
        "sample-small", ("user", "x"), response_format={"type": "json_schema", "json_schema": {"schema": schema}}
    )
    found = json.loads(choices(body)[0].text)
    assert isinstance(found["name"], str)
    assert set(found["tags"]) <= {"a", "b"}
    assert isinstance(found["inner"]["n"], int)


def test_tools_are_called_sometimes():
    tools = [
        {"type": "function", "function": {"name": "look", "parameters": {"properties": {"x": {"type": "string"}}}}}
    ]
    found = [ask(f"task {number}", tools=tools)[0] for number in range(60)]
    called = [choice for choice in found if choice.tool_calls]
    assert 30 < len(called) < 60
    assert {choice.finish for choice in called} == {"tool_calls"}
    assert json.loads(called[0].tool_calls[0]["function"]["arguments"]).keys() == {"x"}
    assert not ask("task", tools=tools, tool_choice="none")[0].tool_calls
    assert ask("task", tools=tools, tool_choice="required")[0].tool_calls


def test_content_parts_are_text_too():
    assert text_of([{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}]) == "a\n\nb"
    assert text_of(None) == ""
    assert prompt_tokens([{"role": "user", "content": "one two three"}]) == 10
