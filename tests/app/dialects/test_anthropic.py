"""Anthropic: blocks become text, tool results messages of their own; counts are taken over, not added."""

from __future__ import annotations

import pytest

from app.dialects.anthropic import REFUSALS, Answer, read_request
from detectors.exchange import Finish, Message, Refusal, Usage


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


def start(**usage):
    return {"type": "message_start", "message": {"model": "m", "content": [], "usage": usage}}


def delta(reason=None, details=None, **usage):
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_details": details}, "usage": usage}


def answered(*events):
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer


def test_later_counts_take_the_place_of_earlier_ones():
    """The start's counts are a seed, each delta's the whole so far; what a delta leaves out stays."""
    seed = start(input_tokens=20, cache_read_input_tokens=4, cache_creation_input_tokens=7, output_tokens=1)
    fields = answered(seed, delta(output_tokens=5, input_tokens=21), delta("end_turn", output_tokens=9)).fields()
    assert (fields["usage"], fields["input_tokens"], fields["output_tokens"]) == (Usage.REPORTED, 32, 9)


def test_a_seed_alone_is_no_report():
    assert answered(start(input_tokens=20, output_tokens=1)).fields()["usage"] == Usage.ESTIMATED


@pytest.mark.parametrize("category", [*REFUSALS, "another", None])
def test_refusals_keep_their_category(category):
    fields = answered(start(), delta("refusal", {"type": "refusal", "category": category}, output_tokens=1)).fields()
    assert fields["refusal"] == REFUSALS.get(category, Refusal.UNNAMED)
    assert fields["finish"] == Finish.FILTER


def test_every_category_has_its_own_number():
    names = {"frontier_llm", "reasoning_extraction", "cyber", "bio", "general_harms"}
    assert {name: refusal.name.lower() for name, refusal in REFUSALS.items()} == {name: name for name in names}


def test_server_tools_and_sealed_reasoning():
    answer = answered(
        start(),
        {"type": "content_block_start", "index": 0, "content_block": {"type": "redacted_thinking", "data": "x"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "server_tool_use", "name": "w"}},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "web_search_tool_result"}},
        {"type": "content_block_start", "index": 3, "content_block": {"type": "mcp_tool_use", "name": "m"}},
        {"type": "content_block_start", "index": 4, "content_block": {"type": "text", "text": "Hi"}},
        {"type": "content_block_delta", "index": 4, "delta": {"type": "citations_delta", "citation": {}}},
        delta("pause_turn", output_tokens=3),
        {"type": "message_stop"},
    )
    fields = answer.fields()
    assert (fields["tool_calls"], fields["reasoning_sealed"], fields["completions"]) == (2, True, ("Hi",))
    assert fields["finish"] == Finish.STOP
    assert answer.ended


@pytest.mark.parametrize(
    ("thinking", "asked"),
    [
        (None, False),
        ({"type": "disabled"}, False),
        ({"type": "enabled", "budget_tokens": 1024}, True),
        ({"type": "adaptive"}, True),
        ({"type": "adaptive", "display": "omitted"}, False),
        ("enabled", False),
    ],
)
def test_whether_reasoning_is_asked_for(thinking, asked):
    assert read_request({"messages": [], "thinking": thinking})["reasoning_asked"] is asked
