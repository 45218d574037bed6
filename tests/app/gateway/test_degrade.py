"""Rewriting: exactly what the decision names, and nothing where the meaning could change."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway import degrade
from app.gateway.degrade import LogprobsAsked, Unsafe, without_reasoning
from app.gateway.enforce import Degrade

CAP, LOGPROBS, BOTH = Degrade(max_n=2), Degrade(refuse_logprobs=True), Degrade(2, refuse_logprobs=True)


def rewritten(document, policy=CAP):
    return json.loads(degrade.request(json.dumps(document).encode(), policy))


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"n": 8}, {"n": 2}),
        ({"n": 8.0}, {"n": 2}),
        ({"n": "8"}, {"n": 2}),
        ({"n": 4, "best_of": 16}, {"n": 2, "best_of": 2}),
        (
            {"generationConfig": {"candidateCount": 8, "topK": 3}},
            {"generationConfig": {"candidateCount": 2, "topK": 3}},
        ),
        ({"generation_config": {"candidate_count": 8}}, {"generation_config": {"candidate_count": 2}}),
    ],
)
def test_the_number_of_answers_is_capped(asked, sent):
    assert rewritten({"model": "m", **asked}) == {"model": "m", **sent}


@pytest.mark.parametrize("asked", [{}, {"n": 2}, {"n": None}, {"n": True}, {"n": "many"}, {"n": [8]}, {"n": -1}])
def test_what_needs_no_change_is_the_very_same_bytes(asked):
    text = b' {"model" : "m", "extra":' + json.dumps(asked).encode() + b"," + json.dumps(asked).encode()[1:]
    text = text.replace(b",}", b"}")
    assert degrade.request(text, BOTH) is text


def test_of_two_members_of_one_name_the_model_api_gets_one():
    assert json.loads(degrade.request(b'{"n": 8, "n": 1}', CAP)) == {"n": 1}
    assert json.loads(degrade.request(b'{"n": 1, "n": 8}', CAP)) == {"n": 2}
    with pytest.raises(LogprobsAsked):
        degrade.request(b'{"logprobs": false, "logprobs": true}', LOGPROBS)


@pytest.mark.parametrize(
    "asked",
    [
        {"logprobs": True},
        {"logprobs": 0},
        {"logprobs": 5},
        {"top_logprobs": 3},
        {"prompt_logprobs": 1},
        {"include": ["reasoning.encrypted_content", "message.output_text.logprobs"]},
        {"generationConfig": {"responseLogprobs": True}},
        {"generation_config": {"response_logprobs": True}},
        {"generationConfig": {"logprobs": 5}},
    ],
)
def test_log_probabilities_are_refused(asked):
    with pytest.raises(LogprobsAsked):
        rewritten({"model": "m", **asked}, LOGPROBS)
    assert rewritten({"model": "m", **asked}, CAP) == {"model": "m", **asked}


@pytest.mark.parametrize(
    "asked",
    [{"logprobs": False}, {"logprobs": None}, {"top_logprobs": 0}, {"include": [1]},
     {"generationConfig": {"logprobs": 0}}],
)  # fmt: skip
def test_not_asking_for_them_is_not_refused(asked):
    assert rewritten({"model": "m", **asked}, LOGPROBS) == {"model": "m", **asked}


@pytest.mark.parametrize(
    "text", [b"", b"[]", b'"n"', b"{", b"\xff{}", b'{"n": 8', b"[" * 100_000, b'{"n": ' + b"9" * 5000 + b"}"]
)
def test_what_cannot_be_rewritten_safely_is_said_to_be_so(text):
    with pytest.raises(Unsafe):
        degrade.request(text, BOTH)


def test_odd_text_survives():
    text = b'{"n": 8, "a": "\\ud800 \xc3\xa9 \\u0000", "b": 1e400, "c": 0.1, "d": 123456789012345678901234567890}'
    before, after = json.loads(text), json.loads(degrade.request(text, CAP))
    assert after == before | {"n": 2}


ANSWERS = {
    "chat": (
        {"choices": [{"message": {"content": "a", "reasoning_content": "r", "reasoning": "r"}}], "usage": {"x": 1}},
        {"choices": [{"message": {"content": "a"}}], "usage": {"x": 1}},
    ),
    "delta": (
        {"choices": [{"delta": {"reasoning_content": "r"}, "finish_reason": None}]},
        {"choices": [{"delta": {}, "finish_reason": None}]},
    ),
    "response": (
        {"output": [
            {"type": "reasoning", "id": "r", "summary": [{"text": "r"}], "content": [{"text": "r"}],
             "encrypted_content": "e"},
            {"type": "message", "content": [{"type": "output_text", "text": "a"}]}]},
        {"output": [
            {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "e"},
            {"type": "message", "content": [{"type": "output_text", "text": "a"}]}]},
    ),
    "completed": (
        {"type": "response.completed", "response": {"output": [{"type": "reasoning", "summary": [{"text": "r"}]}]}},
        {"type": "response.completed", "response": {"output": [{"type": "reasoning", "summary": []}]}},
    ),
    "item": (
        {"type": "response.output_item.done", "item": {"type": "reasoning", "summary": [{"text": "r"}]}},
        {"type": "response.output_item.done", "item": {"type": "reasoning", "summary": []}},
    ),
    "messages": (
        {"type": "message", "content": [{"type": "thinking", "thinking": "r", "signature": "s"},
                                        {"type": "text", "text": "a"}]},
        {"type": "message", "content": [{"type": "thinking", "thinking": "", "signature": "s"},
                                        {"type": "text", "text": "a"}]},
    ),
    "block": (
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "r"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    ),
    "gemini": (
        {"candidates": [{"content": {"parts": [{"text": "r", "thought": True}, {"text": "a"}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "", "thought": True}, {"text": "a"}]}}]},
    ),
    "array": (
        [{"candidates": [{"content": {"parts": [{"text": "r", "thought": True}]}}]}, {"usageMetadata": {}}],
        [{"candidates": [{"content": {"parts": [{"text": "", "thought": True}]}}]}, {"usageMetadata": {}}],
    ),
    "ollama": (
        {"message": {"role": "assistant", "content": "a", "thinking": "r"}},
        {"message": {"role": "assistant", "content": "a"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_the_reasoning_goes_and_the_answer_stays(name):
    given_, wanted = ANSWERS[name]
    text = json.dumps(given_).encode()
    once = degrade.answer(text)
    assert json.loads(once) == wanted
    assert degrade.answer(once) is once


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["n", "type", "choices", "message", "delta", "content", "output", "item", "response", "candidates", "parts",
             "thought", "text", "thinking", "content_block", "generationConfig", "include", "logprobs", "reasoning"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_no_document_makes_it_fail(document):
    text = json.dumps(document).encode()
    without_reasoning(json.loads(text))
    with contextlib.suppress(Unsafe, LogprobsAsked):
        degrade.request(text, BOTH)


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail(text):
    for call in (degrade.answer, lambda given_: degrade.request(given_, BOTH)):
        with contextlib.suppress(Unsafe, LogprobsAsked):
            call(text)
