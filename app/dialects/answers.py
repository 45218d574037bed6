"""Which answer a route has."""

from __future__ import annotations

from app.dialects import anthropic, gemini, ollama, openai, responses
from app.dialects.answer import BaseAnswer
from app.dialects.paths import Route
from detectors.exchange import Dialect, Operation


def begin(route: Route) -> BaseAnswer:
    """An empty answer of the route's format, to which chunks are added."""
    if route.dialect == Dialect.ANTHROPIC:
        return anthropic.Answer()
    if route.dialect == Dialect.GEMINI:
        return gemini.Answer()
    if route.dialect == Dialect.OLLAMA:
        return ollama.Answer()
    if route.operation in (Operation.RESPONSE, Operation.RETRIEVAL):
        return responses.Answer()
    return openai.Answer()
