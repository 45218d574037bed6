"""Gemini requests: parts become text, in both spellings of the names."""

from __future__ import annotations

from app.dialects.gemini import read_request
from detectors.exchange import Message, Operation


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
