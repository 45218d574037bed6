"""Anthropic requests: blocks become text, tool results become messages of their own."""

from __future__ import annotations

from app.dialects.anthropic import read_request
from detectors.exchange import Message


def test_a_request_with_tools():
    body = {
        "model": "m",
        "max_tokens": 100,
        "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
        "temperature": 1,
        "stream": True,
        "metadata": {"user_id": "u"},
        "tools": [{"name": "f", "input_schema": {}}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "abc"},
                    {"type": "tool_use", "id": "1", "name": "f", "input": {"q": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "found"}]},
                    {"type": "text", "text": "go on"},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "content": "again"}]},
        ],
    }
    fields = read_request(body)
    assert fields["messages"] == (
        Message("system", "Be kind."),
        Message("user", "Hi"),
        Message("assistant", 'hm\n⟨call⟩ f {"q":1}'),
        Message("tool", "found"),
        Message("user", "go on"),
        Message("tool", "again"),
    )
    assert (fields["max_tokens"], fields["temperature"], fields["stream"], fields["user"]) == (100, 1.0, True, "u")
    assert fields["tools"]


def test_wrong_types_are_passed_over():
    for wrong in (None, 1, True, "x", [], {}, [None], [[1]], [{"content": [None, 1]}]):
        read_request({"messages": wrong, "system": wrong, "metadata": wrong, "output_config": wrong, "tools": wrong})
