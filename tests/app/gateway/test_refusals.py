"""Refusals in the words of the dialect that a path speaks."""

from __future__ import annotations

import json

import pytest

from app.gateway.refusals import blocked, dialect_of, no_logprobs, throttled


@pytest.mark.parametrize(
    ("target", "dialect"),
    [
        (b"/v1/chat/completions", "openai"),
        (b"/v1/responses?stream=true", "openai"),
        (b"/openai/deployments/m/chat/completions?api-version=1", "openai"),
        (b"/v1/threads/t/messages", "openai"),
        (b"/v1beta/openai/chat/completions", "openai"),
        (b"/api/chat", "openai"),
        (b"*", "openai"),
        (b"/v1/messages", "anthropic"),
        (b"/v1/messages/?beta=true", "anthropic"),
        (b"/v1/messages/count_tokens", "anthropic"),
        (b"/anthropic/v1/messages/batches/b_1/cancel", "anthropic"),
        (b"/v1/projects/p/publishers/anthropic/models/c:streamRawPredict", "anthropic"),
        (b"/v1beta/models/m:generateContent?key=k", "gemini"),
        (b"/v1/models/m:streamGenerateContent?alt=sse", "gemini"),
        (b"/v1/models/m%3AgenerateContent", "gemini"),
        (b"/v1beta/models", "gemini"),
    ],
)
def test_the_path_tells_the_dialect(target, dialect):
    assert dialect_of(target) == dialect


@pytest.mark.parametrize("make", [blocked, no_logprobs, lambda target: throttled(target, 1.2)])
def test_each_dialect_has_its_shape(make):
    refusal = make(b"/v1/chat/completions")
    error = json.loads(refusal.body())["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    refusal = make(b"/v1/messages")
    found = json.loads(refusal.body())
    assert (found["type"], found["error"].keys()) == ("error", {"type", "message"})
    refusal = make(b"/v1beta/models/m:generateContent")
    assert json.loads(refusal.body())["error"].keys() == {"code", "message", "status"}
    assert json.loads(refusal.body())["error"]["code"] == refusal.status


def test_statuses_and_the_time_to_wait():
    refusal = throttled(b"/v1/messages", 1.2)
    assert (refusal.status, refusal.lines()) == (429, [b"retry-after: 2"])
    assert json.loads(refusal.body())["error"]["type"] == "rate_limit_error"
    assert json.loads(throttled(b"/v1beta/models/m:x", 0.01).body())["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert throttled(b"/", 0.01).lines() == [b"retry-after: 1"]
    assert (blocked(b"/").status, blocked(b"/").lines()) == (403, [])
    assert json.loads(blocked(b"/v1beta/models/m:x").body())["error"]["status"] == "PERMISSION_DENIED"
    assert json.loads(no_logprobs(b"/v1/chat/completions").body())["error"]["param"] == "logprobs"
