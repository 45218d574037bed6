"""Ollama's own API: options, formats, thinking."""

from __future__ import annotations

from app.dialects.ollama import Answer, read_request
from detectors.exchange import Finish, Message, Operation


def test_a_chat():
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi", "images": ["AAAA"]}],
        "options": {"temperature": 0.5, "top_p": 0.9, "seed": 3, "num_predict": 9},
        "format": {"type": "object"},
        "tools": [{"function": {"name": "f"}}],
        "logprobs": True,
        "top_logprobs": 4,
        "think": "high",
    }
    fields = read_request(body, Operation.CHAT)
    assert fields["messages"] == (Message("user", "Hi"),)
    assert (fields["temperature"], fields["top_p"], fields["seed"], fields["max_tokens"]) == (0.5, 0.9, 3, 9)
    assert (fields["schema"], fields["top_logprobs"], fields["reasoning_asked"]) == ('{"type":"object"}', 4, True)
    assert fields["stream"] is True
    assert read_request({"stream": False, "format": "json"}, Operation.CHAT)["stream"] is False
    assert read_request({"format": "json"}, Operation.CHAT)["schema"] == "json"


def test_generate_and_embeddings():
    fields = read_request({"system": "Be kind.", "prompt": "Hi", "suffix": "!"}, Operation.COMPLETION)
    assert fields["messages"] == (Message("system", "Be kind."), Message("user", "Hi!"))
    assert read_request({"input": ["a", "b"]}, Operation.EMBEDDING)["prompts"] == 2
    assert read_request({"prompt": "a"}, Operation.EMBEDDING)["messages"] == (Message("user", "a"),)


def test_tool_calls_end_a_chat():
    answer = Answer()
    answer.add({"message": {"content": "", "tool_calls": [{"function": {"name": "f"}}, {"function": {"name": "g"}}]}})
    answer.add({"message": {"content": ""}, "done": True, "done_reason": "stop"})
    fields = answer.fields()
    assert (fields["tool_calls"], fields["finish"], fields["completions"]) == (2, Finish.TOOL_CALLS, ("",))


def test_an_error_in_the_stream():
    answer = Answer()
    answer.add({"error": "model crashed"})
    assert answer.failed


def test_wrong_types_are_passed_over():
    for wrong in (None, 1, True, "x", [], {}, [None], [[1]]):
        for operation in (Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDING):
            names = ("messages", "options", "format", "tools", "prompt", "input", "system", "think", "stream")
            read_request(dict.fromkeys(names, wrong), operation)
