"""Document and events say the same."""

import json

import pytest

from app.sample import wire
from app.sample.answers import choices
from app.sample.connection import read_document, read_events
from app.sample.persona import chat

TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"properties": {"x": {"type": "string"}}}}}]


@pytest.mark.parametrize("options", [{}, {"tools": TOOLS, "tool_choice": "required"}])
def test_stream_and_document_agree(options):
    body = chat("sample-large", ("user", "Tell me of ferries"), **options)
    found = choices(body)
    whole = read_document(wire.document("x", 1, body, found, 7))
    parts = read_events(b"".join(wire.events("x", 1, body, found, 7)))
    assert whole.text == parts.text
    assert [call["function"] for call in whole.tool_calls] == [call["function"] for call in parts.tool_calls]
    assert bool(whole.tool_calls) is bool(options)


def test_usage_comes_last_and_only_when_asked():
    body = chat("sample-large", ("user", "hello"), stream=True)
    plain = list(wire.events("x", 1, body, choices(body), 7))
    assert b"usage" not in b"".join(plain)
    counted = list(wire.events("x", 1, body | {"stream_options": {"include_usage": True}}, choices(body), 7))
    assert counted[-1] == b"data: [DONE]\n\n"
    last = json.loads(counted[-2][6:])
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == choices(body)[0].cost


def test_log_probabilities_cover_every_token():
    body = chat("sample-large", ("user", "hello"), logprobs=True, top_logprobs=20, max_tokens=12, n=2)
    found = json.loads(wire.document("x", 1, body, choices(body), 7))
    content = found["choices"][1]["logprobs"]["content"]
    assert "".join(item["token"] for item in content) == found["choices"][1]["message"]["content"]
    assert all(len(item["top_logprobs"]) == 20 and item["logprob"] <= 0 for item in content)
    assert bytes(content[0]["bytes"]).decode() == content[0]["token"]


def test_problem_has_the_openai_shape():
    assert json.loads(wire.problem("no", "t", "c", "p")) == {
        "error": {"message": "no", "type": "t", "param": "p", "code": "c"}
    }
