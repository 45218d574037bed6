"""Choices in the form of OpenAI's Responses: text alone; tools and reasoning are taken, and never used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from app.sample import answers
from app.sample.answers import Choice
from app.sample.wire import GROUP


def chat(body: dict[str, Any]) -> dict[str, Any]:
    """The request as one of chat completions."""
    given = body.get("input")
    messages = [{"role": "user", "content": given}] if isinstance(given, str) and given else given
    instructions = answers.text_of(body.get("instructions"))
    if instructions and isinstance(messages, list):
        messages = [{"role": "system", "content": instructions}, *messages]
    same = {name: body.get(name) for name in ("model", "temperature", "top_p", "stream")}
    return {**same, "messages": messages, "max_tokens": body.get("max_output_tokens"), "response_format": _shape(body)}


def _shape(body: dict[str, Any]) -> dict[str, Any]:
    text = body.get("text")
    shape = text.get("format") if isinstance(text, dict) else None
    return {**shape, "json_schema": {"schema": shape.get("schema")}} if isinstance(shape, dict) else {}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _item(name: str, choice: Choice | None) -> dict[str, Any]:
    status, parts = ("completed", [_part(choice.text)]) if choice else ("in_progress", [])
    return {"type": "message", "id": f"msg_{name}", "status": status, "role": "assistant", "content": parts}


def _response(name: str, created: int, body: dict[str, Any], prompt: int, choice: Choice | None) -> dict[str, Any]:
    """The answer, or as it begins where there is no choice yet."""
    cut = choice is not None and choice.finish == "length"
    return {
        "id": f"resp_{name}",
        "object": "response",
        "created_at": created,
        "status": "incomplete" if cut else "completed" if choice else "in_progress",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": body.get("instructions"),
        "model": body["model"],
        "output": [_item(name, choice)] if choice else [],
        "parallel_tool_calls": True,
        "temperature": body.get("temperature"),
        "tool_choice": "auto",
        "tools": [],
        "top_p": body.get("top_p"),
        "metadata": {},
        "usage": _usage(prompt, choice.cost) if choice else None,
    }


def _usage(prompt: int, completion: int) -> dict[str, Any]:
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }


def document(name: str, created: int, body: dict[str, Any], found: list[Choice], prompt: int) -> bytes:
    """The whole answer as one JSON document."""
    return orjson.dumps(_response(name, created, body, prompt, found[0]))


def events(name: str, created: int, body: dict[str, Any], found: list[Choice], prompt: int) -> Iterator[bytes]:
    """The same answer as server-sent events, numbered."""
    for number, (kind, more) in enumerate(_steps(name, created, body, found[0], prompt)):
        told = orjson.dumps({"type": kind, "sequence_number": number, **more})
        yield b"event: " + kind.encode() + b"\ndata: " + told + b"\n\n"


def _steps(
    name: str, created: int, body: dict[str, Any], choice: Choice, prompt: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    begun, done = (_response(name, created, body, prompt, one) for one in (None, choice))
    place = {"item_id": f"msg_{name}", "output_index": 0, "content_index": 0}
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    yield "response.output_item.added", {"output_index": 0, "item": _item(name, None)}
    yield "response.content_part.added", {**place, "part": _part("")}
    for start in range(0, len(choice.tokens), GROUP):
        text = "".join(choice.tokens[start : start + GROUP])
        yield "response.output_text.delta", {**place, "delta": text, "logprobs": []}
    yield "response.output_text.done", {**place, "text": choice.text, "logprobs": []}
    yield "response.content_part.done", {**place, "part": _part(choice.text)}
    yield "response.output_item.done", {"output_index": 0, "item": _item(name, choice)}
    yield f"response.{done['status']}", {"response": done}
