"""Every route has its answer, and no answer minds what it is given."""

from __future__ import annotations

import pytest

from app.dialects import anthropic, gemini, ollama, openai, responses
from app.dialects.answers import begin
from app.dialects.paths import recognise
from detectors.exchange import Exchange

ROUTES = {
    "/v1/chat/completions": openai.Answer,
    "/v1/completions": openai.Answer,
    "/v1/embeddings": openai.Answer,
    "/v1/responses": responses.Answer,
    "/v1/messages": anthropic.Answer,
    "/v1/models/m:generateContent": gemini.Answer,
    "/api/chat": ollama.Answer,
}
WRONG = [None, True, -1, 1.5, 10**400, "x", "\ud800", [], {}, [None], [[1]], [{"a": 1}], {"type": [1]}, {"index": "x"}]
KEYS = [
    "choices", "usage", "model", "error", "type", "response", "output", "item", "delta", "content_block", "message",
    "candidates", "promptFeedback", "usageMetadata", "content", "index", "output_index", "stop_reason", "status",
]  # fmt: skip


@pytest.mark.parametrize("path", ROUTES)
def test_each_route(path):
    assert type(begin(recognise("POST", path))) is ROUTES[path]
    assert type(begin(recognise("GET", "/v1/responses/r"))) is responses.Answer


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_wrong_types_are_passed_over(path, wrong):
    kinds = [
        "content_block_delta", "content_block_start", "message_start", "message_delta", "message", "error",
        "response.output_text.delta", "response.output_item.done", "response.reasoning_text.done", "response.completed",
    ]  # fmt: skip
    for kind in (wrong, *kinds):
        answer = begin(recognise("POST", path))
        answer.add(wrong)
        answer.add({**dict.fromkeys(KEYS, wrong), "type": kind})
        for key in KEYS:
            answer.add({"type": kind, key: wrong})
            answer.add({"type": kind, key: dict.fromkeys(KEYS, wrong)})
            answer.add({"type": kind, key: [dict.fromkeys(KEYS, wrong)]})
        answer.late(dict.fromkeys(("finish_reason", "stop_reason", "category", "output_tokens", answer.STOP), wrong))
        Exchange(at=1.0, client=2, **answer.fields())
