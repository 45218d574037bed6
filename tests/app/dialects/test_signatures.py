"""Signatures of reasoning are found wherever a dialect carries them, with the place of the message that does."""

from __future__ import annotations

import pytest

from app.dialects import anthropic, gemini, openai, responses
from app.dialects.signatures import genuine, last, of_chat
from detectors.exchange import Operation

ANTHROPIC = {
    "system": "Be kind.",
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "one"}]},
        {"role": "user", "content": [{"type": "tool_result", "content": "a"}, {"type": "tool_result", "content": "b"}]},
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "two"}, {"type": "text", "text": "x"}]},
        {"role": "user", "content": "And?"},
    ],
}
RESPONSES = {
    "instructions": "Be kind.",
    "input": [
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "summary": [], "encrypted_content": "one"},
        {"type": "reasoning", "summary": [], "encrypted_content": "two"},
        {"type": "message", "role": "assistant", "content": "x"},
    ],
}
GEMINI = {
    "systemInstruction": {"parts": [{"text": "Be kind."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f"}, "thoughtSignature": "one"}]},
        {"role": "user", "parts": [{"functionResponse": {"response": {}}}, {"text": "so"}]},
        {"role": "model", "parts": [{"text": "x", "thought_signature": "two"}, {"text": "y"}]},
    ],
}


@pytest.mark.parametrize(
    ("fields", "role"),
    [
        (anthropic.read_request(ANTHROPIC), "assistant"),
        (responses.read_request(RESPONSES), "assistant"),
        (gemini.read_request(GEMINI, Operation.CHAT), "assistant"),
    ],
)
def test_the_last_one_of_a_prompt_and_its_message(fields, role):
    assert fields["presented"] == "two"
    assert fields["messages"][fields["presented_at"]].role == role
    assert all(message.role != "assistant" for message in fields["messages"][fields["presented_at"] + 2 :])
    before = [message.text for message in fields["messages"][: fields["presented_at"]]]
    assert before[0] == "Be kind."
    assert "x" not in before


@pytest.mark.parametrize(
    "carried",
    [
        {"reasoning_details": [{"type": "reasoning.text", "signature": "s"}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "s"}, {"type": "reasoning.summary"}]},
        {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]},
        {"tool_calls": [{"function": {"name": "f"}, "extra_content": {"google": {"thought_signature": "s"}}}]},
        {"extra_content": {"google": {"thought_signature": "s"}}},
    ],
)
def test_chats_hand_on_what_other_vendors_signed(carried):
    message = {"role": "assistant", "content": "x", **carried}
    body = {"messages": [{"role": "user", "content": "Hi"}, message, {"role": "user", "content": "And?"}]}
    fields = openai.read_request(body, Operation.CHAT)
    assert (fields["presented"], fields["presented_at"]) == ("s", 1)
    answer = openai.Answer()
    answer.add({"choices": [{"index": 0, "message": message}]})
    assert (answer.fields()["issued"], answer.fields()["reasoning_sealed"]) == ("s", True)


def test_a_streamed_signature_is_put_together_and_the_last_block_counts():
    answer = anthropic.Answer()
    for index, pieces in ((0, ("ab", "cd")), (2, ("ef", "", "gh"))):
        answer.add({"type": "content_block_start", "index": index, "content_block": {"type": "thinking"}})
        for piece in pieces:
            delta = {"type": "signature_delta", "signature": piece}
            answer.add({"type": "content_block_delta", "index": index, "delta": delta})
    assert answer.fields()["issued"] == "efgh"


def test_placeholders_and_other_values_are_none():
    assert genuine("skip_thought_signature_validator") == ""
    for wrong in (None, 1, True, [], {}):
        assert genuine(wrong) == ""
        carried = {"reasoning_details": wrong, "thinking_blocks": wrong, "tool_calls": [wrong], "extra_content": wrong}
        assert of_chat(carried) == ""
        assert last([wrong, {}], of_chat) == ("", -1)
        anthropic.read_request({"messages": [{"content": [{"type": "thinking", "signature": wrong}]}]})
        gemini.read_request({"contents": [{"parts": [{"thoughtSignature": wrong}]}]}, Operation.CHAT)


def test_no_signature_no_place():
    fields = openai.read_request({"messages": [{"role": "user", "content": "Hi"}]}, Operation.CHAT)
    assert (fields["presented"], fields["presented_at"]) == ("", -1)
