"""Paths name dialects, whatever stands before them."""

from __future__ import annotations

import pytest

from app.dialects.paths import OPAQUE, Route, hinted, recognise
from detectors.exchange import Dialect, Operation

OPENAI, ANTHROPIC, GEMINI, OLLAMA = Dialect.OPENAI, Dialect.ANTHROPIC, Dialect.GEMINI, Dialect.OLLAMA
VERTEX = "/v1/projects/p/locations/l/publishers"


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
        ("/v1/models/e:countTokens", Route(GEMINI, Operation.COUNT, "e")),
        ("/v1/models/i:predict", OPAQUE._replace(model="i")),
        ("/v1/threads/t_1/messages", OPAQUE),
        ("/v1/messages/count_tokens", Route(ANTHROPIC, Operation.COUNT)),
        ("/v1/messages/batches", Route(ANTHROPIC, Operation.BATCH)),
        ("/v1/messages/batches/b_1/cancel", OPAQUE),
        ("/anthropic/v1/messages", Route(ANTHROPIC, Operation.CHAT)),
        (f"{VERTEX}/google/models/g-2:generateContent", Route(GEMINI, Operation.CHAT, "g-2")),
        (f"{VERTEX}/google/models/text-embedding-5:predict", Route(GEMINI, Operation.EMBEDDING, "text-embedding-5")),
        (f"{VERTEX}/anthropic/models/c-4:rawPredict", Route(ANTHROPIC, Operation.CHAT, "c-4")),
        (f"{VERTEX}/anthropic/models/c-4:streamRawPredict", Route(ANTHROPIC, Operation.CHAT, "c-4", True)),
        (f"{VERTEX}/anthropic/models/count-tokens:rawPredict", Route(ANTHROPIC, Operation.COUNT)),
        ("/v1/projects/p/locations/l/endpoints/99:generateContent", Route(GEMINI, Operation.CHAT, "99")),
        ("/v1beta/tunedModels/t%2F1:generateContent", Route(GEMINI, Operation.CHAT, "t/1")),
        ("/v1beta/models/g%3AgenerateContent", Route(GEMINI, Operation.CHAT, "g")),
        ("/v1beta/models/g:batchGenerateContent", Route(GEMINI, Operation.BATCH, "g")),
        (
            "/v1beta/models/e:asyncBatchEmbedContent",
            Route(GEMINI, Operation.BATCH, "e", each=Operation.EMBEDDING),
        ),
        ("/v1beta/openai/chat/completions", Route(OPENAI, Operation.CHAT)),
        ("/openai/v1/responses?api-version=preview", Route(OPENAI, Operation.RESPONSE)),
        ("/openai/deployments/d/completions?api-version=1", Route(OPENAI, Operation.COMPLETION, "d")),
        ("/v1/engines/d/completions", Route(OPENAI, Operation.COMPLETION, "d")),
        ("/v1/responses/input_tokens", Route(OPENAI, Operation.COUNT)),
        ("/v1/responses/r_1/cancel", OPAQUE),
        ("/v1/batches", Route(OPENAI, Operation.BATCH)),
        ("/v1/batch/jobs", Route(OPENAI, Operation.BATCH)),
        ("/v1/batch/jobs/b_1/cancel", OPAQUE),
        ("/v1/jobs", OPAQUE),
        ("/v1/batches/b_1/cancel", OPAQUE),
        ("/api/chat", Route(OLLAMA, Operation.CHAT)),
        ("/ollama/api/generate", Route(OLLAMA, Operation.COMPLETION)),
        ("/api/embed", Route(OLLAMA, Operation.EMBEDDING)),
        ("/api/embeddings", Route(OLLAMA, Operation.EMBEDDING)),
        ("/api/chat/completions", Route(OPENAI, Operation.CHAT)),
        ("/chat", OPAQUE),
        ("/v1/chat/completions/abc", OPAQUE),
        ("/v1/audio/speech", OPAQUE),
        ("/", OPAQUE),
        ("", OPAQUE),
    ],
)
def test_recognise(target, route):
    assert recognise("POST", target) == route


@pytest.mark.parametrize(
    "target",
    [
        "/v1/chat/%63ompletions",
        "/v1/%63hat/completions",  # as it stands it ends like the completions of old
        "/v1/chat%2fcompletions?x=1",
        "/v1/chat%2Fcompletions/",
        "/v1/chat/%2563ompletions",  # two proxies undo one escape each
        "/v1/chat/./completions",
        "/v1/chat/x/../completions",
        "/v1/embeddings/..%2Fchat/completions",
        "//v1/chat//completions//",
        "/v1/chat/completions;a=b/",
        "/v1/chat;a=%2F/completions",
        "/v1/chat/completions#fragment",
        "/v1/chat/completions#/embeddings",
        "/v1/chat/completions%0A",
        "/v1/chat\\completions",
        "/V1/Chat/COMPLETIONS",
    ],
)
def test_a_path_is_what_a_server_serves_it_as(target):
    assert recognise("POST", target) == Route(OPENAI, Operation.CHAT)


@pytest.mark.parametrize(
    ("method", "target", "route"),
    [
        ("POST", "/v1/models/g:%67enerateContent", Route(GEMINI, Operation.CHAT, "g")),
        ("POST", "/v1beta/MODELS/G-2:StreamGenerateContent", Route(GEMINI, Operation.CHAT, "G-2", True)),
        ("POST", "/v1/messages%2Fcount_tokens", Route(ANTHROPIC, Operation.COUNT)),
        ("POST", "/api/%63hat", Route(OLLAMA, Operation.CHAT)),
        ("POST", "/openai/deployments/my%2Fgpt/chat/%63ompletions", Route(OPENAI, Operation.CHAT, "my")),
        ("POST", f"{VERTEX}/Anthropic/models/c-4:RawPredict", Route(ANTHROPIC, Operation.CHAT, "c-4")),
        ("POST", "/v1/threads/t_1/%6Dessages", OPAQUE),
        ("POST", "/v1/chat/completions/..", OPAQUE),
        ("GET", "/v1/%72esponses/r_1", Route(OPENAI, Operation.RETRIEVAL)),
        ("POST", "/%zz%", OPAQUE),
        ("POST", "/%C3%28/\udc80/..", OPAQUE),
        ("POST", "#", OPAQUE),
    ],
)
def test_so_is_any_other(method, target, route):
    assert recognise(method, target) == route


def test_a_stored_response_is_fetched_not_made():
    assert recognise("GET", "/v1/responses/r_1") == Route(OPENAI, Operation.RETRIEVAL)
    target = "/openai/v1/responses/r_1?api-version=1&stream=true&starting_after=4"
    assert recognise("get", target) == Route(OPENAI, Operation.RETRIEVAL, stream=True)
    assert recognise("DELETE", "/v1/responses/r_1") == OPAQUE
    assert recognise("GET", "/v1/responses") == OPAQUE
    assert recognise("GET", "/v1/responses/r_1/input_items") == OPAQUE


def test_only_a_post_carries_a_prompt():
    assert recognise("GET", "/v1/chat/completions") == OPAQUE
    assert recognise("post", "/v1/chat/completions") != OPAQUE


@pytest.mark.parametrize(
    ("method", "target", "hint", "route"),
    [
        ("POST", "/generate", None, OPAQUE),
        ("POST", "/generate", OPENAI, Route(OPENAI, Operation.CHAT)),
        ("POST", "/generate", ANTHROPIC, Route(ANTHROPIC, Operation.CHAT)),
        ("POST", "/v1/models/i:predict", GEMINI, Route(GEMINI, Operation.CHAT, "i")),
        ("GET", "/generate", OPENAI, OPAQUE),
        ("POST", "/v1/messages", OPENAI, Route(ANTHROPIC, Operation.CHAT)),
        ("POST", "/v1/chat/completions", Dialect.OPAQUE, OPAQUE),
    ],
)
def test_a_hint_speaks_where_the_path_says_nothing_and_opaque_reads_nothing(method, target, hint, route):
    assert hinted(recognise(method, target), method, hint) == route
