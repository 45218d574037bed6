"""Paths name dialects, whatever stands before them."""

from __future__ import annotations

import pytest

from app.dialects.paths import OPAQUE, Route, recognise
from detectors.exchange import Dialect, Operation

OPENAI, ANTHROPIC, GEMINI = Dialect.OPENAI, Dialect.ANTHROPIC, Dialect.GEMINI


@pytest.mark.parametrize(
    ("target", "route"),
    [
        ("/v1/chat/completions", Route(OPENAI, Operation.CHAT)),
        ("/a/b/v1/chat/completions/?x=1", Route(OPENAI, Operation.CHAT)),
        ("/openai/deployments/my%2Fgpt/chat/completions", Route(OPENAI, Operation.CHAT, "my/gpt")),
        ("/v1/completions", Route(OPENAI, Operation.COMPLETION)),
        ("/completions", Route(OPENAI, Operation.COMPLETION)),
        ("/v1/embeddings", Route(OPENAI, Operation.EMBEDDING)),
        ("/v1/responses", Route(OPENAI, Operation.RESPONSE)),
        ("/v1/files", Route(OPENAI, Operation.BATCH)),
        ("/v1/messages", Route(ANTHROPIC, Operation.CHAT)),
        ("/v1/models/g:generateContent", Route(GEMINI, Operation.CHAT, "g")),
        ("/v1beta/models/g-1.5:streamGenerateContent?alt=sse", Route(GEMINI, Operation.CHAT, "g-1.5", True)),
        ("/v1/models/e:embedContent", Route(GEMINI, Operation.EMBEDDING, "e")),
        ("/v1/models/e:countTokens", OPAQUE._replace(model="e")),
        ("/v1/threads/t_1/messages", OPAQUE),
        ("/v1/messages/count_tokens", OPAQUE),
        ("/v1/chat/completions/abc", OPAQUE),
        ("/v1/audio/speech", OPAQUE),
        ("/", OPAQUE),
        ("", OPAQUE),
    ],
)
def test_recognise(target, route):
    assert recognise("POST", target) == route


def test_only_a_post_carries_a_prompt():
    assert recognise("GET", "/v1/chat/completions") == OPAQUE
    assert recognise("post", "/v1/chat/completions") != OPAQUE
