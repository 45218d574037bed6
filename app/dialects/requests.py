"""A request's JSON document to the request side of an Exchange, whatever its dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.dialects import anthropic, batches, gemini, ollama, openai, responses
from app.dialects.casing import REQUEST
from app.dialects.paths import OPAQUE, Route, recognise
from app.dialects.values import Fields, mapping, name, sequence, string
from detectors.exchange import Dialect, Operation

BATCH_LINES = "_batch_requests"  # where an exchange log keeps the lines of an uploaded batch file


_TELLING: Final = {"messages": Operation.CHAT, "prompt": Operation.COMPLETION, "input": Operation.EMBEDDING}


def read(route: Route, body: object) -> Fields | None:
    """The request side of an Exchange, dialect and operation included; None where the body is not of that format.

    The fetching of an answer needs no body.
    """
    if route.operation == Operation.RETRIEVAL:
        known: Fields = {"dialect": route.dialect, "operation": route.operation, "model": "", "messages": ()}
        return {**known, "prompts": 0, "stream": route.stream}
    if not isinstance(body, dict) or route.dialect == Dialect.OPAQUE:
        return None
    if route.operation == Operation.BATCH:
        return _batch(route, body)
    if route.operation == Operation.COUNT:
        model = name(body.get("model")) or route.model
        return {"dialect": route.dialect, "operation": route.operation, "model": model, "messages": (), "prompts": 0}
    fields = _one(route, body)
    fields["dialect"], fields["operation"] = route.dialect, route.operation
    return fields


def read_lines(lines: Sequence[object]) -> Fields | None:
    """An uploaded batch file as one request of as many prompts as it has lines; None where no line is understood."""
    return batches.gather(lines, Dialect.OPENAI, _line)


def _line(line: Mapping[str, Any]) -> Fields | None:
    route = recognise("POST", string(line["url"])) if "url" in line else _unnamed(mapping(line.get("body")))
    if route == OPAQUE or route.operation in (Operation.BATCH, Operation.COUNT):
        return None
    return {**_one(route, mapping(line.get("body"))), "operation": route.operation}


def _unnamed(body: Mapping[str, Any]) -> Route:
    """What a line asks for that names no path, as of servers that name it once for the whole batch."""
    operation = next((asked for key, asked in _TELLING.items() if key in body), None)
    return OPAQUE if operation is None else Route(Dialect.OPENAI, operation)


def _one(route: Route, body: Mapping[str, Any]) -> Fields:
    if route.dialect == Dialect.GEMINI:
        return {**gemini.read_request(body, route.operation), "model": route.model, "stream": route.stream}
    if route.dialect == Dialect.ANTHROPIC:
        fields = anthropic.read_request(body)
    elif route.dialect == Dialect.OLLAMA:
        fields = ollama.read_request(body, route.operation)
    elif route.operation == Operation.RESPONSE:
        fields = responses.read_request(body)
    else:
        fields = openai.read_request(body, route.operation)
    fields["model"], fields["stream"] = fields["model"] or route.model, fields["stream"] or route.stream
    return fields


def _batch(route: Route, body: Mapping[str, Any]) -> Fields | None:
    body = REQUEST.of(body)
    if route.dialect == Dialect.ANTHROPIC:
        return batches.read_anthropic(body)
    if route.dialect == Dialect.GEMINI:
        return batches.read_gemini(body, route.model, route.each)
    lines = sequence(body.get(BATCH_LINES))
    if lines:
        return read_lines(lines)
    if isinstance(body.get("requests"), list):
        return _inline(body)
    if not isinstance(body.get("input_file_id"), str) and not sequence(body.get("input_files")):
        return None
    return {**batches.named(Dialect.OPENAI), "model": name(body.get("model")), "messages": ()}


def _inline(body: Mapping[str, Any]) -> Fields:
    """Mistral's batch job with its requests inside; what they ask for, and of which model, is said once for all."""
    items, asked = sequence(body["requests"]), string(body.get("endpoint"))

    def one(item: Mapping[str, Any]) -> Fields | None:
        return _line({"url": asked, **item} if asked else item)

    found = batches.gather(items, Dialect.OPENAI, one)
    found = found or {**batches.named(Dialect.OPENAI, len(items)), "messages": ()}
    return {**found, "model": name(body.get("model")) or found.get("model", "")}
