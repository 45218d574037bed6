"""OpenAI documents: what the provider's tests over bytes do not reach."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.dialects.openai import Answer, prompt_list, read_parameters, read_request
from detectors.exchange import Finish, Message, Operation, Usage


def test_messages_with_tools():
    body = {
        "messages": [
            {"role": "user", "content": "Find it"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"function": {"name": "find", "arguments": '{"q":1}'}}],
            },
            {"role": "tool", "content": "found", "tool_call_id": "a"},
            {"role": "assistant", "content": "Here", "function_call": {"name": "old", "arguments": "{}"}},
        ]
    }
    assert read_request(body, Operation.CHAT)["messages"] == (
        Message("user", "Find it"),
        Message("assistant", '⟨call⟩ find {"q":1}'),
        Message("tool", "found"),
        Message("assistant", "Here\n⟨call⟩ old {}"),
    )


def test_prompt_lists():
    assert prompt_list("a") == ["a"]
    assert prompt_list(["a", "b"]) == ["a", "b"]
    assert prompt_list([1, 2]) == ["1 2"]
    assert prompt_list([[1, 2], [3]]) == ["1 2", "3"]
    assert prompt_list(None) == []


def test_logprobs_forms():
    def asked(**body):
        return read_request({"messages": [], **body}, Operation.CHAT)["top_logprobs"]

    assert asked() == -1
    assert asked(logprobs=False) == -1
    assert asked(logprobs=False, top_logprobs=5) == -1
    assert asked(logprobs=True) == 0
    assert asked(logprobs=True, top_logprobs=20) == 20
    assert asked(logprobs=5) == 5
    assert asked(logprobs=0) == 0


def test_limits_users_and_schemas():
    fields = read_request({"max_completion_tokens": 5, "max_tokens": 7, "metadata": {"user_id": "m"}}, Operation.CHAT)
    assert (fields["max_tokens"], fields["user"]) == (5, "m")
    fields = read_request(
        {"user": "u", "safety_identifier": "s", "response_format": {"type": "json_object"}}, Operation.CHAT
    )
    assert (fields["user"], fields["schema"]) == ("s", "json_object")
    assert read_request({"response_format": {"type": "text"}}, Operation.CHAT)["schema"] == ""


def test_answer_of_several_choices_out_of_order():
    answer = Answer()
    answer.add({"choices": [{"index": 1, "delta": {"content": "b"}, "finish_reason": "length"}]})
    answer.add({"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]})
    answer.add({"choices": [{"index": 1, "delta": {"content": "c"}}]})
    fields = answer.fields()
    assert fields["completions"] == ("a", "bc")
    assert fields["finish"] == Finish.STOP
    assert "usage" not in fields


def test_usage_that_names_itself_otherwise():
    answer = Answer()
    answer.add({"usage": {"input_tokens": 3, "output_tokens": 4}})
    assert answer.fields()["usage"] == Usage.REPORTED
    assert answer.fields()["output_tokens"] == 4


def test_what_compatible_servers_add():
    def asked(**body):
        return read_request({"messages": [], **body}, Operation.CHAT)

    assert asked(guided_json={"type": "object"})["schema"] == '{"type":"object"}'
    assert asked(structured_outputs={"regex": "a"})["schema"] == '{"regex":"a"}'
    assert asked(include_reasoning=True)["reasoning_asked"] is True
    assert asked(chat_template_kwargs={"enable_thinking": True})["reasoning_asked"] is True
    assert asked(thinking={"type": "enabled"})["reasoning_asked"] is True
    assert asked(reasoning_effort="high")["reasoning_asked"] is False
    assert read_request({"prompt": "a", "n": 2, "best_of": 5}, Operation.COMPLETION)["choices"] == 5


def test_a_content_in_parts_keeps_reasoning_apart():
    answer = Answer()
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    answer.add({"choices": [{"message": {"content": [thought, {"type": "text", "text": "Hi"}]}}]})
    assert (answer.fields()["completions"], answer.fields()["reasoning_chars"]) == (("Hi",), 2)


def test_an_error_told_as_an_object():
    answer = Answer()
    answer.add({"object": "error", "message": "no"})
    assert answer.failed


TEXT = st.sampled_from(["", "a", "b c"])
ODD = st.sampled_from([None, True, 0, 1, 1.0, "x", [], {}, {"a": 1}, [{"content": "x"}]])
PART = st.fixed_dictionaries(
    {},
    optional={
        "content": TEXT | ODD, "role": TEXT, "refusal": ODD | TEXT, "reasoning_content": ODD | TEXT, "tool_calls": ODD
    },
)  # fmt: skip
CHOICE = st.fixed_dictionaries(
    {"index": st.sampled_from([0, 1, 0, True, 1.0, None, "0"])},
    optional={"delta": PART | ODD, "message": PART, "finish_reason": st.sampled_from([None, "stop", ""]), "text": TEXT},
)
CHUNK = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE | ODD, max_size=2) | ODD},
    optional={
        "model": TEXT | ODD, "usage": ODD | st.just({"prompt_tokens": 3, "completion_tokens": True}), "error": ODD,
        "object": st.sampled_from(["error", "chat.completion.chunk"]),
    },
)  # fmt: skip


@given(st.lists(CHUNK | ODD, max_size=8))
def test_chunks_together_say_what_they_say_one_by_one(chunks):
    together, alone = Answer(), Answer()
    together.add_all(chunks)
    for chunk in chunks:
        alone.add(chunk)
    assert vars(together) == vars(alone)
    assert together.fields() == alone.fields()


USUAL = {
    "model": st.sampled_from(["m", None, 3]), "stream": ODD, "max_tokens": ODD, "max_completion_tokens": ODD,
    "temperature": ODD, "top_p": ODD, "seed": ODD, "stop": ODD, "messages": ODD,
}  # fmt: skip


@given(st.fixed_dictionaries({}, optional=USUAL))
def test_a_usual_request_is_read_as_any_other(body):
    """A field that says nothing turns the short way off."""
    assert read_parameters(body) == read_parameters({**body, "nothing": 1})
