"""Choices in the form of Anthropic's Messages: text alone; tools and thinking are taken, and never used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from app.sample import answers
from app.sample.answers import Choice
from app.sample.wire import GROUP

STOPS = {"stop": "end_turn", "length": "max_tokens"}
KINDS = {
    401: "authentication_error",
    404: "not_found_error",
    405: "not_found_error",
    413: "request_too_large",
}


def chat(body: dict[str, Any]) -> dict[str, Any]:
    """The request as one of chat completions."""
    system = answers.text_of(body.get("system"))
    messages = body.get("messages")
    if system and isinstance(messages, list):
        messages = [{"role": "system", "content": system}, *messages]
    same = {name: body.get(name) for name in ("model", "max_tokens", "temperature", "top_p", "stream")}
    return {**same, "messages": messages, "stop": body.get("stop_sequences")}


def _usage(prompt: int, completion: int) -> dict[str, Any]:
    cached = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"input_tokens": prompt, **cached, "output_tokens": completion}


def _message(name: str, body: dict[str, Any], prompt: int, choice: Choice | None) -> dict[str, Any]:
    """The answer, or as it begins where there is no choice yet."""
    return {
        "id": f"msg_{name}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": choice.text}] if choice else [],
        "stop_reason": STOPS[choice.finish] if choice else None,
        "stop_sequence": None,
        "usage": _usage(prompt, choice.cost if choice else 1),
    }


def document(name: str, _created: int, body: dict[str, Any], found: list[Choice], prompt: int) -> bytes:
    """The whole answer as one JSON document."""
    return orjson.dumps(_message(name, body, prompt, found[0]))


def _event(kind: str, **more: Any) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps({"type": kind, **more}) + b"\n\n"


def events(name: str, _created: int, body: dict[str, Any], found: list[Choice], prompt: int) -> Iterator[bytes]:
    """The same answer as server-sent events."""
    choice = found[0]
    yield _event("message_start", message=_message(name, body, prompt, None))
    yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for start in range(0, len(choice.tokens), GROUP):
        text = "".join(choice.tokens[start : start + GROUP])
        yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
    yield _event("content_block_stop", index=0)
    delta = {"stop_reason": STOPS[choice.finish], "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage=_usage(prompt, choice.cost))
    yield _event("message_stop")


def counted(messages: list[dict[str, Any]]) -> bytes:
    """How many tokens a prompt has."""
    return orjson.dumps({"input_tokens": answers.prompt_tokens(messages)})


def problem(status: int, message: str) -> bytes:
    """An error in the shape that Anthropic's clients read."""
    error = {"type": KINDS.get(status, "invalid_request_error"), "message": message}
    return orjson.dumps({"type": "error", "error": error})
