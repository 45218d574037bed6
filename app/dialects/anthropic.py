"""Anthropic's Messages API, request side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.dialects.values import (
    Fields,
    call_text,
    canonical,
    content_text,
    integer,
    lines,
    mapping,
    name,
    part_text,
    real,
    sequence,
)
from detectors.exchange import Message


def _messages(value: object) -> list[Message]:
    """A message of the API; its tool results become messages of their own."""
    fields = mapping(value)
    role = name(fields.get("role")) or "user"
    content = fields.get("content")
    if not isinstance(content, list):
        return [Message(role, content_text(content or ""))]
    results: list[Message] = []
    texts: list[str] = []
    for block in content:
        kind = name(mapping(block).get("type"))
        if kind == "tool_result":
            results.append(Message("tool", content_text(block.get("content") or "")))
        elif kind == "tool_use":
            texts.append(call_text(block.get("name"), block.get("input")))
        else:
            texts.append(part_text(block))
    return [*results, Message(role, lines(texts))] if texts or not results else results


def read_request(body: Mapping[str, Any]) -> Fields:
    """The request side of an Exchange."""
    messages = [message for item in sequence(body.get("messages")) for message in _messages(item)]
    system = content_text(body.get("system") or "")
    tools = body.get("tools")
    form = mapping(mapping(body.get("output_config")).get("format"))
    return {
        "model": name(body.get("model")),
        "messages": tuple(([Message("system", system)] if system else []) + messages),
        "stream": body.get("stream") is True,
        "max_tokens": integer(body.get("max_tokens")),
        "temperature": real(body.get("temperature")),
        "top_p": real(body.get("top_p")),
        "tools": canonical(tools) if tools else "",
        "schema": canonical(form.get("schema")) or name(form.get("type")) if form else "",
        "user": name(mapping(body.get("metadata")).get("user_id")),
    }
