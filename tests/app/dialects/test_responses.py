"""Responses requests: inputs of every kind become messages."""

from __future__ import annotations

from app.dialects.responses import read_request
from detectors.exchange import Message


def test_text_input_with_instructions():
    fields = read_request({"model": "m", "instructions": "Be kind.", "input": "Hello", "max_output_tokens": 9})
    assert fields["messages"] == (Message("system", "Be kind."), Message("user", "Hello"))
    assert fields["max_tokens"] == 9


def test_items():
    body = {
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "function_call", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "output": "done"},
            "bare",
        ],
        "text": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "include": ["message.output_text.logprobs"],
        "top_logprobs": 4,
        "tools": [{"type": "function", "name": "f"}],
    }
    fields = read_request(body)
    assert fields["messages"] == (
        Message("user", "Hi"),
        Message("assistant", "hm"),
        Message("assistant", "⟨call⟩ f {}"),
        Message("tool", "done"),
        Message("user", "bare"),
    )
    assert fields["schema"] == '{"type":"object"}'
    assert fields["top_logprobs"] == 4
    assert fields["tools"]


def test_wrong_types_are_passed_over():
    for wrong in (None, 1, True, "x", [], {}, [None], [[1]]):
        read_request({"input": wrong, "instructions": wrong, "text": wrong, "include": wrong, "tools": wrong})
