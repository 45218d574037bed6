"""A request's JSON document to the request side of an Exchange, whatever its dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.dialects import anthropic, gemini, openai, responses
from app.dialects.paths import OPAQUE, Route, recognise
from app.dialects.values import Fields, mapping, sequence, string
from detectors.exchange import Dialect, Operation

BATCH_LINES = "_batch_requests"  # where an exchange log keeps the lines of an uploaded batch file


def read(route: Route, body: object) -> Fields | None:
    """The request side of an Exchange, dialect and operation included; None where the body is not of that format."""
    if not isinstance(body, dict):
        return None
    lines = sequence(body.get(BATCH_LINES))
    if lines:
        return _batch(lines)
    fields = _one(route, body)
    if fields is None:
        return None
    return {**fields, "dialect": route.dialect, "operation": route.operation}


def _one(route: Route, body: dict[str, Any]) -> Fields | None:
    if route.dialect == Dialect.ANTHROPIC:
        return anthropic.read_request(body)
    if route.dialect == Dialect.GEMINI:
        return {**gemini.read_request(body, route.operation), "model": route.model, "stream": route.stream}
    if route.dialect != Dialect.OPENAI or route.operation == Operation.BATCH:
        return None
    fields = responses.read_request(body) if route.operation == Operation.RESPONSE else None
    fields = fields or openai.read_request(body, route.operation)
    return {**fields, "model": fields["model"] or route.model}


def _batch(lines: Sequence[object]) -> Fields | None:
    """An upload as one request of as many prompts as it has lines; the first line's parameters stand for all."""
    whole: Fields | None = None
    messages: list[Any] = []
    prompts = 0
    for line in lines:
        fields = mapping(line)
        route = recognise("POST", string(fields.get("url")))
        one = None if route == OPAQUE else _one(route, dict(mapping(fields.get("body"))))
        prompts += one.get("prompts", 1) if one else 1
        if one:
            messages.extend(one["messages"])
            whole = whole or {**one, "dialect": route.dialect, "operation": Operation.BATCH}
    return None if whole is None else {**whole, "messages": tuple(messages), "prompts": prompts}
