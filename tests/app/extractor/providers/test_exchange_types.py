"""The exchanges of the tests are such as the providers' own client libraries take and give."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "wire"
EVENTS = {
    "openai_chat_stream": "chat.ChatCompletionChunk",
    "openai_responses_stream": "responses.ResponseStreamEvent",
    "openai_responses_resume": "responses.ResponseStreamEvent",
    "openai_responses_incomplete": "responses.ResponseStreamEvent",
    "openai_responses_failed": "responses.ResponseStreamEvent",
}
WHOLE = {
    "openai_chat": "chat.ChatCompletion",
    "openai_completions": "Completion",
    "openai_embeddings": "CreateEmbeddingResponse",
    "openai_responses": "responses.Response",
    "openai_responses_background": "responses.Response",
    "openai_responses_poll": "responses.Response",
}


def answer(name: str) -> str:
    return (FOLDER / f"{name}.http").read_bytes().decode().partition("\n========\n")[2].partition("\n\n")[2]


def request(name: str) -> dict[str, object]:
    found = (FOLDER / f"{name}.http").read_bytes().decode().partition("\n========\n")[0].partition("\n\n")[2]
    return json.loads(found)


def documents(name: str) -> list[str]:
    """The answer's JSON documents: its events, or itself."""
    lines = answer(name).splitlines()
    events = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
    return events or [answer(name)]


@lru_cache
def adapter(kind):
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def check(kind, text: str) -> None:
    adapter(kind).validate_json(text)


@pytest.mark.parametrize("name", [*EVENTS, *WHOLE])
def test_openai(name):
    import openai.types
    import openai.types.chat
    import openai.types.responses

    kind = openai.types
    for part in {**EVENTS, **WHOLE}[name].split("."):
        kind = getattr(kind, part)
    for text in documents(name):
        check(kind, text)


@pytest.mark.parametrize("name", ["anthropic_stream", "anthropic_refusal", "anthropic_tool", "anthropic"])
def test_anthropic(name):
    import anthropic.types

    for text in documents(name):
        if json.loads(text)["type"] != "ping":
            check(anthropic.types.Message if name == "anthropic" else anthropic.types.RawMessageStreamEvent, text)


@pytest.mark.parametrize("name", ["gemini", "gemini_stream", "gemini_blocked", "gemini_tool", "gemini_array"])
def test_gemini(name):
    from google.genai import types

    texts = documents(name)
    for document in json.loads(texts[0]) if name == "gemini_array" else map(json.loads, texts):
        types.GenerateContentResponse.model_validate(document)
    config = request(name)["generationConfig"]
    types.GenerationConfig.model_validate(config)
