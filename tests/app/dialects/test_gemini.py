"""Gemini: parts become text, in both spellings of the names; each count is the whole so far."""

from __future__ import annotations

import pytest

from app.dialects.gemini import Answer, read_request
from detectors.exchange import Finish, Message, Operation, Refusal, Usage


def test_a_request_with_tools():
    body = {
        "systemInstruction": {"parts": [{"text": "Be kind."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hi"}, {"inlineData": {"data": "AAAA"}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"q": 1}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"r": 2}}}]},
        ],
        "generationConfig": {
            "candidateCount": 2,
            "temperature": 0.5,
            "topP": 0.9,
            "seed": 4,
            "maxOutputTokens": 50,
            "responseLogprobs": True,
            "logprobs": 3,
            "responseSchema": {"type": "OBJECT"},
        },
        "tools": [{"functionDeclarations": []}],
    }
    fields = read_request(body, Operation.CHAT)
    messages = fields["messages"]
    assert messages[0] == Message("system", "Be kind.")
    assert messages[1].text.startswith("Hi\n⟨part ")
    assert messages[2:] == (Message("assistant", '⟨call⟩ f {"q":1}'), Message("tool", '{"r":2}'))
    assert (fields["choices"], fields["top_logprobs"], fields["max_tokens"], fields["seed"]) == (2, 3, 50, 4)
    assert (fields["temperature"], fields["top_p"], fields["schema"]) == (0.5, 0.9, '{"type":"OBJECT"}')


def test_the_other_spelling_and_bare_contents():
    fields = read_request(
        {"contents": "Hello", "system_instruction": "Be kind.", "generation_config": {"max_output_tokens": 5}},
        Operation.CHAT,
    )
    assert fields["messages"] == (Message("system", "Be kind."), Message("user", "Hello"))
    assert fields["max_tokens"] == 5


def test_embeddings():
    body = {"requests": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}}]}
    assert read_request(body, Operation.EMBEDDING)["prompts"] == 2
    one = read_request({"content": {"parts": [{"text": "a"}]}}, Operation.EMBEDDING)
    assert one["messages"] == (Message("user", "a"),)


def test_wrong_types_are_passed_over():
    for wrong in (None, 1, True, "x", [], {}, [None], [[1]], [{"parts": [None, 1, "x"]}], [{"parts": 5}]):
        for operation in (Operation.CHAT, Operation.EMBEDDING):
            read_request({"contents": wrong, "content": wrong, "requests": wrong, "generationConfig": wrong}, operation)


def chunk(text="", finish=None, usage=None, index=0, **part):
    candidate = {"index": index, "content": {"parts": [{"text": text, **part}]}, "finishReason": finish}
    return {"candidates": [candidate], "usageMetadata": usage}


def answered(*chunks):
    answer = Answer()
    for one in chunks:
        answer.add(one)
    return answer.fields()


def test_counts_are_running_totals_and_a_chunk_without_them_keeps_them():
    fields = answered(
        chunk("a", usage={"promptTokenCount": 3, "candidatesTokenCount": 1, "toolUsePromptTokenCount": 2}),
        chunk("b", usage={"promptTokenCount": 3, "candidatesTokenCount": 4, "thoughtsTokenCount": 5}),
        chunk("c", "STOP"),
        chunk("", usage={}),
    )
    assert (fields["usage"], fields["input_tokens"], fields["output_tokens"]) == (Usage.REPORTED, 5, 9)
    assert fields["completions"] == ("abc",)


def test_candidates_and_thoughts():
    fields = answered(
        chunk("hm", thought=True),
        chunk("b", index=1),
        chunk("a", thoughtSignature="x"),
        chunk("", "MAX_TOKENS"),
        chunk("", "STOP", index=1),
    )
    assert (fields["completions"], fields["reasoning_chars"], fields["reasoning_sealed"]) == (("a", "b"), 2, True)
    assert fields["finish"] == Finish.LENGTH


def test_a_call_that_comes_in_pieces_is_one():
    calls = [{"functionCall": {"name": "f"}}, {"functionCall": {"partialArgs": []}}, {"functionCall": {"name": "g"}}]
    fields = answered({"candidates": [{"content": {"parts": calls}, "finishReason": "STOP"}]})
    assert (fields["tool_calls"], fields["finish"]) == (2, Finish.TOOL_CALLS)


@pytest.mark.parametrize(
    ("reason", "refusal"),
    [("SAFETY", Refusal.SAFETY), ("SPII", Refusal.SAFETY), ("RECITATION", Refusal.RECITATION), ("OTHER", Refusal.NONE)],
)
def test_why_it_declined(reason, refusal):
    assert answered(chunk("a", reason))["refusal"] == refusal
    blocked = answered({"promptFeedback": {"blockReason": reason}})
    assert blocked["refusal"] in (refusal, Refusal.SAFETY)
    assert blocked["finish"] == Finish.FILTER


def test_log_probabilities_mime_types_and_thoughts_asked_for():
    def asked(**config):
        return read_request({"contents": "Hi", "generationConfig": config}, Operation.CHAT)

    assert asked()["top_logprobs"] == asked(logprobs=5)["top_logprobs"] == -1
    assert asked(responseLogprobs=True)["top_logprobs"] == 0
    assert asked(response_logprobs=True, logprobs=5)["top_logprobs"] == 5
    assert asked(responseMimeType="application/json")["schema"] == "application/json"
    assert asked(responseMimeType="text/plain")["schema"] == ""
    assert asked(thinkingConfig={"includeThoughts": True})["reasoning_asked"] is True
    assert asked(thinkingConfig={"thinkingLevel": "HIGH"})["reasoning_asked"] is False


def test_embeddings_of_vertex():
    fields = read_request({"instances": [{"content": "a"}, {"content": "b"}]}, Operation.EMBEDDING)
    assert (fields["prompts"], fields["messages"][1]) == (2, Message("user", "b"))
