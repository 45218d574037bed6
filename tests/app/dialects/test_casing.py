"""Names in another letter case are read where the usual one is missing, by every dialect."""

from __future__ import annotations

import pytest

from app.dialects.casing import MESSAGE, REQUEST
from app.dialects.paths import recognise
from app.dialects.requests import read
from detectors.exchange import Message

TURNS = [{"role": "user", "content": "Hi"}]
PARTS = [{"role": "user", "parts": [{"text": "Hi"}]}]
BODIES = [
    ("/v1/chat/completions", {"model": "m", "messages": TURNS, "temperature": 0.5, "n": 3, "logprobs": True}),
    (
        "/v1/chat/completions",
        {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
    ),
    ("/v1/completions", {"model": "m", "prompt": "Hi", "temperature": 0.5}),
    ("/v1/embeddings", {"model": "m", "input": ["Hi", "Ho"]}),
    ("/v1/responses", {"model": "m", "input": TURNS, "instructions": "Be kind.", "stream": True}),
    ("/v1/messages", {"model": "m", "messages": TURNS, "system": "Be kind.", "max_tokens": 9}),
    ("/v1/messages", {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}),
    ("/v1/models/m:generateContent", {"contents": PARTS, "generationConfig": {"maxOutputTokens": 9, "topP": 0.5}}),
    ("/api/chat", {"model": "m", "messages": TURNS, "options": {"num_predict": 9, "seed": 3}, "stream": False}),
    ("/api/generate", {"model": "m", "prompt": "Hi", "system": "Be kind.", "think": True}),
    ("/v1/messages/batches", {"requests": [{"params": {"model": "m", "messages": TURNS}}] * 2}),
]


def spelt(value, change, kept=("params",)):
    """`value` with its names spelt another way."""
    if isinstance(value, dict):
        return {key if key in kept else change(key): spelt(one, change, kept) for key, one in value.items()}
    return [spelt(one, change, kept) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("change", [str.upper, str.title, str.swapcase, lambda key: key.replace("s", "\u017f")])
@pytest.mark.parametrize(("target", "body"), BODIES)
def test_a_name_in_another_case_is_the_same(target, body, change):
    route = recognise("POST", target)
    assert read(route, spelt(body, change)) == read(route, body)


def test_the_usual_name_goes_before_but_for_an_empty_one():
    other = [{"role": "user", "content": "No"}]
    assert REQUEST.of({"messages": TURNS, "MESSAGES": other})["messages"] == TURNS
    assert REQUEST.of({"MESSAGES": TURNS, "messages": []})["messages"] == TURNS
    assert REQUEST.of({"Temperature": 1, "temperature": 0})["temperature"] == 0
    for names in (("MESSAGES", "Messages", "mESSAGES"), ("mESSAGES", "Messages", "MESSAGES")):
        assert REQUEST.of({key: [key] for key in names})["messages"] == [names[-1]]


def test_ollama_takes_the_last_of_several_names_as_go_does():
    route = recognise("POST", "/api/chat")
    other = [{"role": "user", "content": "No"}]
    body = {"messages": other, "MESSAGES": [{"role": "user", "content": "No", "Content": "Hi"}]}
    assert read(route, body)["messages"] == (Message("user", "Hi"),)
    assert read(route, {"MESSAGES": other, "messages": TURNS})["messages"] == (Message("user", "Hi"),)


def test_an_object_with_usual_names_is_given_back_as_it_is():
    for fields in ({"messages": TURNS, "model": "m"}, {"messages": TURNS, "another": 1}):
        assert REQUEST.of(fields) is fields
    assert MESSAGE.last(TURNS[0]) is TURNS[0]


def test_what_a_client_named_itself_keeps_its_case():
    tools = [{"function": {"name": "f", "parameters": {"properties": {"Role": {}, "TEXT": {}}}}}]
    for target in ("/v1/chat/completions", "/v1/messages", "/api/chat"):
        assert '"Role":{},"TEXT":{}' in read(recognise("POST", target), {"messages": TURNS, "TOOLS": tools})["tools"]
