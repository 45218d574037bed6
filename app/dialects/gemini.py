"""Gemini's generateContent and embeddings, request side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.dialects.values import (
    Fields,
    attachment,
    call_text,
    canonical,
    first,
    integer,
    lines,
    mapping,
    name,
    real,
    sequence,
    string,
)
from detectors.exchange import Message, Operation


def _part(value: object) -> tuple[str, bool]:
    """The text of a part, and whether it is a tool's result."""
    fields = mapping(value)
    if isinstance(fields.get("text"), str):
        return fields["text"], False
    call = mapping(first(fields, "functionCall", "function_call"))
    if call:
        return call_text(call.get("name"), call.get("args")), False
    result = mapping(first(fields, "functionResponse", "function_response"))
    if result:
        return canonical(result.get("response")), True
    return attachment("part", value) if fields else string(value), False


def _messages(value: object) -> list[Message]:
    if isinstance(value, str):
        return [Message("user", value)]
    fields = mapping(value)
    role = "assistant" if fields.get("role") == "model" else name(fields.get("role")) or "user"
    given = fields.get("parts")
    parts = [_part(part) for part in (given if isinstance(given, list) else [given] if given else [])]
    results = [Message("tool", text) for text, is_result in parts if is_result]
    texts = [text for text, is_result in parts if not is_result]
    return [*results, Message(role, lines(texts))] if texts or not results else results


def _contents(value: object) -> list[Message]:
    items = value if isinstance(value, list) else [value] if value else []
    return [message for item in items for message in _messages(item)]


def _logprobs(config: Mapping[str, Any]) -> int:
    if first(config, "responseLogprobs", "response_logprobs") is not True:
        return -1
    return max(integer(config.get("logprobs")) or 0, 0)


def _embedding(body: Mapping[str, Any]) -> Fields:
    requests = sequence(body.get("requests")) or [body]
    texts = [lines(message.text for message in _contents(mapping(item).get("content"))) for item in requests]
    return {"messages": tuple(Message("user", text) for text in texts), "prompts": max(len(texts), 1)}


def read_request(body: Mapping[str, Any], operation: Operation) -> Fields:
    """The request side of an Exchange; the model and the way of streaming are in the path."""
    if operation == Operation.EMBEDDING:
        return _embedding(body)
    config = mapping(first(body, "generationConfig", "generation_config"))
    instruction = first(body, "systemInstruction", "system_instruction")
    system = lines(message.text for message in _contents(instruction))
    schema = first(config, "responseSchema", "response_schema", "responseJsonSchema", "response_json_schema")
    tools = body.get("tools")
    return {
        "messages": tuple(([Message("system", system)] if system else []) + _contents(body.get("contents"))),
        "choices": max(integer(first(config, "candidateCount", "candidate_count")) or 1, 1),
        "top_logprobs": _logprobs(config),
        "max_tokens": integer(first(config, "maxOutputTokens", "max_output_tokens")),
        "temperature": real(config.get("temperature")),
        "top_p": real(first(config, "topP", "top_p")),
        "seed": integer(config.get("seed")),
        "tools": canonical(tools) if tools else "",
        "schema": canonical(schema),
    }
