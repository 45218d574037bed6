"""Responses requests: inputs of every kind become messages."""

from __future__ import annotations

import pytest

from app.dialects.responses import Answer, read_request
from detectors.exchange import Channel, Finish, Message, Refusal


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


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "q"}},
            Message("assistant", '⟨call⟩ web_search_call {"query":"q","type":"search"}'),
        ),
        (
            {"type": "local_shell_call", "action": {"command": ["ls"]}},
            Message("assistant", '⟨call⟩ local_shell_call {"command":["ls"]}'),
        ),
        ({"type": "local_shell_call_output", "output": "a.txt"}, Message("tool", "a.txt")),
        (
            {"type": "shell_call_output", "output": [{"stdout": "a", "stderr": "b"}, {"stdout": "c"}, 5]},
            Message("tool", "a\nb\nc"),
        ),
        (
            {"type": "apply_patch_call", "operation": {"path": "p"}},
            Message("assistant", '⟨call⟩ apply_patch_call {"path":"p"}'),
        ),
        ({"type": "apply_patch_call_output", "status": "completed"}, Message("tool", "")),
        (
            {"type": "mcp_call", "name": "find", "arguments": "{}", "output": "found"},
            Message("assistant", "⟨call⟩ find {}\nfound"),
        ),
        ({"type": "mcp_list_tools", "tools": [{}]}, Message("assistant", "⟨call⟩ mcp_list_tools ")),
        ({"type": "mcp_approval_response", "approve": True}, Message("tool", "")),
        ({"type": "item_reference", "id": "msg_1"}, Message("assistant", "⟨item⟩ msg_1")),
        ({"id": "msg_1"}, Message("assistant", "⟨item⟩ msg_1")),
        ({"type": None, "content": "Hi"}, Message("user", "Hi")),
        ({"type": "message", "id": "msg_1", "role": "assistant", "content": "Ho"}, Message("assistant", "Ho")),
    ],
)
def test_an_item_without_a_role_is_no_turn_of_the_users(item, message):
    assert read_request({"input": [item]})["messages"] == (message,)


def test_turns_that_the_provider_keeps():
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": "abc"}
    told = ((True, None), (None, "c_1"), (None, "c_1"))
    kept = ({"previous_response_id": "r_1"}, {"conversation": "c_1"}, {"conversation": {"id": "c_1"}})
    for body, found in zip(kept, told, strict=True):
        fields = read_request({"input": [sealed, "And then?"], **body})
        assert (fields.get("continued"), fields.get("conversation")) == found
        assert (fields["presented"], fields["presented_at"]) == ("abc", -1)  # what stands before is not known
    fields = read_request({"input": [sealed], "previous_response_id": None, "conversation": None})
    assert not fields.get("continued")
    assert fields["presented_at"] == 0


def test_what_a_stored_prompt_is_filled_in_with_is_the_users():
    given = {"town": "Ulm", "file": {"type": "input_text", "text": "A plan."}}
    body = {"prompt": {"id": "p_1", "variables": given}, "instructions": "Be kind."}
    assert read_request(body)["messages"] == (Message("system", "Be kind."), Message("user", "A plan.\nUlm"))
    fields = read_request({**body, "input": ["Go on.", {"type": "reasoning", "encrypted_content": "abc"}]})
    assert [message.text for message in fields["messages"]] == ["Be kind.", "A plan.\nUlm", "Go on.", ""]
    assert fields["presented_at"] == 3
    assert read_request({"prompt": {"id": "p_1"}})["messages"] == (Message("user", "⟨prompt⟩ p_1"),)
    assert read_request({"prompt": {"id": "p_1"}, "input": "Hi"})["messages"] == (Message("user", "Hi"),)
    assert read_request({"prompt": {}})["messages"] == ()


def test_wrong_types_are_passed_over():
    for wrong in (None, 1, True, "x", [], {}, [None], [[1]], [{"type": "shell_call_output", "output": [[1]]}]):
        read_request({"input": wrong, "instructions": wrong, "text": wrong, "include": wrong, "tools": wrong})
        read_request({"prompt": wrong, "previous_response_id": wrong, "conversation": wrong})
        read_request({"prompt": {"variables": wrong}})
        read_request({"prompt": {"variables": {"a": wrong}}})


def answered(*events):
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer


def text(kind, told, place=0, **more):
    key = "delta" if kind.endswith("delta") else "text"
    return {"type": f"response.{kind}", "output_index": place, "content_index": 0, key: told, **more}


def test_what_is_told_whole_again_is_not_counted_twice():
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}
    events = [
        text("output_text.delta", "Hel"),
        text("output_text.delta", "lo"),
        text("output_text.done", "Hello"),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        text("reasoning_text.delta", "hm", 1),
        text("reasoning_text.done", "hm", 1),
        {"type": "response.completed", "response": {"status": "completed", "output": [item]}},
    ]
    for end in range(2, len(events)):
        assert answered(*events[:end]).fields()["completions"] == ("Hello",)
    fields = answered(*events).fields()
    assert (fields["completions"], fields["reasoning_chars"], fields["finish"]) == (("Hello",), 2, Finish.STOP)


def test_what_is_told_whole_fills_what_was_missed():
    assert answered(text("output_text.delta", "lo"), text("output_text.done", "Hello")).texts() == ("Hello",)


def test_calls_refusals_and_filters():
    calls = [{"type": "web_search_call"}, {"type": "function_call", "name": "f"}]
    fields = answered({"object": "response", "status": "completed", "output": calls}).fields()
    assert (fields["tool_calls"], fields["finish"], fields["completions"]) == (2, Finish.TOOL_CALLS, ("",))
    refused = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
    fields = answered({"object": "response", "status": "completed", "output": [refused]}).fields()
    assert (fields["refusal"], fields["completions"]) == (Refusal.UNNAMED, ("No.",))
    fields = answered(
        {"type": "response.refusal.delta", "delta": "N"}, {"type": "response.refusal.delta", "delta": "o"}
    )
    assert (fields.fields()["refusal"], fields.texts()) == (Refusal.UNNAMED, ("No",))
    cut = {"object": "response", "status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    assert answered(cut).fields()["refusal"] == Refusal.SAFETY


def test_a_response_that_is_not_made_yet():
    answer = answered({"object": "response", "status": "queued", "background": True, "output": [], "usage": None})
    assert answer.pending
    assert answer.background
    assert answer.fields()["completions"] == ()
    assert "usage" not in answer.fields()


def test_failures():
    assert answered({"type": "error", "code": "x", "message": "y"}).failed
    assert answered({"type": "response.failed", "response": {"status": "failed"}}).failed
    assert not answered({"type": "response.in_progress", "response": {"status": "in_progress"}}).failed


def test_background_reasoning_and_log_probabilities():
    assert read_request({"input": "x", "background": True})["channel"] == Channel.BACKGROUND
    assert "channel" not in read_request({"input": "x"})
    assert read_request({"reasoning": {"summary": "auto"}})["reasoning_asked"] is True
    assert read_request({"reasoning": {"effort": "high"}})["reasoning_asked"] is False
    assert read_request({"include": ["reasoning.encrypted_content"]})["reasoning_asked"] is True
    assert read_request({"include": ["message.output_text.logprobs"], "top_logprobs": 5})["top_logprobs"] == 5
