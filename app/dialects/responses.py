"""OpenAI's Responses API, request side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.dialects.openai import read_parameters
from app.dialects.values import Fields, call_text, canonical, content_text, integer, mapping, name, sequence, string
from detectors.exchange import Message

_OUTPUTS = frozenset({"function_call_output", "computer_call_output", "custom_tool_call_output"})
_CALLS = frozenset({"function_call", "custom_tool_call"})
_TOKEN_DETAILS = "message.output_text.logprobs"  # noqa: S105  a field's name


def _item(value: object) -> Message:
    fields = mapping(value)
    kind = name(fields.get("type"))
    if kind in _OUTPUTS:
        return Message("tool", content_text(fields.get("output")))
    if kind in _CALLS:
        return Message("assistant", call_text(fields.get("name"), fields.get("arguments") or fields.get("input")))
    if kind == "reasoning":
        return Message("assistant", content_text(fields.get("summary")))
    if isinstance(value, str):
        return Message("user", value)
    return Message(name(fields.get("role")) or "user", content_text(fields.get("content") or ""))


def read_request(body: Mapping[str, Any]) -> Fields:
    """The request side of an Exchange."""
    fields = read_parameters(body)
    given = body.get("input")
    items = [Message("user", given)] if isinstance(given, str) else [_item(item) for item in sequence(given)]
    instructions = string(body.get("instructions"))
    fields["messages"] = tuple(([Message("system", instructions)] if instructions else []) + items)
    form = mapping(mapping(body.get("text")).get("format"))
    if form and form.get("type") != "text":
        fields["schema"] = canonical(form.get("schema")) or name(form.get("type"))
    asked = _TOKEN_DETAILS in [item for item in sequence(body.get("include")) if isinstance(item, str)]
    fields["top_logprobs"] = max(integer(body.get("top_logprobs")) or 0, 0) if asked else fields["top_logprobs"]
    return fields
