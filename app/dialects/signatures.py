"""Signatures of a model's reasoning, as prompts bring them back: the last one, and which message carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.dialects.values import first, mapping, sequence, string

PLAIN: Final = 2  # fields of a message that holds nothing but its role and text

Read = Callable[[Mapping[str, Any]], str]
"""The last signature that one message or item carries; empty where it carries none."""

# What vendors document for prompts that never had a signature, plain and as base64.
_PLACEHOLDERS: Final = frozenset(
    {
        "skip_thought_signature_validator",
        "context_engineering_is_the_way_to_go",
        "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
        "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv",
    }
)


def genuine(value: object) -> str:
    """`value` where it is a signature; empty for anything else and for the documented placeholders."""
    text = string(value)
    return "" if text in _PLACEHOLDERS else text


def last(items: Sequence[object], read: Read, least: int = 0) -> tuple[str, int]:
    """The last signature in a list of messages or items, and its place in it; ("", -1) where there is none.

    An item of no more than `least` fields carries none.
    """
    for place in range(len(items) - 1, -1, -1):
        item = items[place]
        if isinstance(item, dict) and len(item) > least and (found := read(item)):
            return found, place
    return "", -1


def _last_of(parts: object, read: Read) -> str:
    return last(sequence(parts), read)[0]


def of_block(block: Mapping[str, Any]) -> str:
    """Of a content block of Anthropic's."""
    kind = block.get("type")
    if kind == "thinking":
        return genuine(block.get("signature"))
    return genuine(block.get("data")) if kind == "redacted_thinking" else ""


def of_message(message: Mapping[str, Any]) -> str:
    """Of a message of Anthropic's."""
    content = message.get("content")
    return _last_of(content, of_block) if isinstance(content, list) else ""


def of_item(item: Mapping[str, Any]) -> str:
    """Of an item of OpenAI's Responses API."""
    return genuine(item.get("encrypted_content")) if item.get("type") == "reasoning" else ""


def of_part(part: Mapping[str, Any]) -> str:
    """Of a part of Gemini's."""
    return genuine(first(part, "thoughtSignature", "thought_signature"))


def of_content(content: Mapping[str, Any]) -> str:
    """Of a content of Gemini's."""
    parts = content.get("parts")
    return _last_of(parts if isinstance(parts, list) else [parts], of_part)


def _of_detail(detail: Mapping[str, Any]) -> str:
    return genuine(detail.get("data")) or genuine(detail.get("signature"))


def _of_call(call: Mapping[str, Any]) -> str:
    return genuine(mapping(mapping(call.get("extra_content")).get("google")).get("thought_signature"))


def of_chat(message: Mapping[str, Any]) -> str:
    """Of a message of a chat like OpenAI's, as routers and compatible servers hand other vendors' signatures on."""
    return (
        _last_of(message.get("reasoning_details"), _of_detail)
        or _last_of(message.get("thinking_blocks"), of_block)
        or _last_of(message.get("tool_calls"), _of_call)
        or _of_call(message)
    )
