"""Which dialect and operation a path names, whatever prefix a server or a deployment puts before it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from app.dialects.values import NAME_LIMIT
from detectors.exchange import Dialect, Operation


class Route(NamedTuple):
    """What a request's path says of it; `model` where the path names one.

    `each` is what every item of a batch asks for.
    """

    dialect: Dialect
    operation: Operation
    model: str = ""
    stream: bool = False
    each: Operation = Operation.CHAT


OPAQUE: Final = Route(Dialect.OPAQUE, Operation.OTHER)
_ENDINGS: Final = {
    "chat/completions": (Dialect.OPENAI, Operation.CHAT),
    "completions": (Dialect.OPENAI, Operation.COMPLETION),
    "embeddings": (Dialect.OPENAI, Operation.EMBEDDING),
    "responses": (Dialect.OPENAI, Operation.RESPONSE),
    "responses/input_tokens": (Dialect.OPENAI, Operation.COUNT),
    "files": (Dialect.OPENAI, Operation.BATCH),
    "batches": (Dialect.OPENAI, Operation.BATCH),
    "batch/jobs": (Dialect.OPENAI, Operation.BATCH),
    "messages": (Dialect.ANTHROPIC, Operation.CHAT),
    "messages/count_tokens": (Dialect.ANTHROPIC, Operation.COUNT),
    "messages/batches": (Dialect.ANTHROPIC, Operation.BATCH),
    "api/chat": (Dialect.OLLAMA, Operation.CHAT),
    "api/generate": (Dialect.OLLAMA, Operation.COMPLETION),
    "api/embed": (Dialect.OLLAMA, Operation.EMBEDDING),
    "api/embeddings": (Dialect.OLLAMA, Operation.EMBEDDING),
    "batchPredictionJobs": (Dialect.GEMINI, Operation.BATCH),
}
_DEPLOYMENT = re.compile(r"/(?:deployments|engines)/([^/]{1,256})/")
_VERB = re.compile(r"/(?:models|tunedModels|endpoints|dynamic)/([^/:]{1,256}?)(?::|%3[Aa])([A-Za-z]{1,40})\Z")
_VERBS: Final = {
    "generateContent": Operation.CHAT,
    "streamGenerateContent": Operation.CHAT,
    "embedContent": Operation.EMBEDDING,
    "batchEmbedContents": Operation.EMBEDDING,
    "batchGenerateContent": Operation.BATCH,
    "asyncBatchEmbedContent": Operation.BATCH,
    "countTokens": Operation.COUNT,
}
_ANTHROPIC_VERBS: Final = frozenset({"rawPredict", "streamRawPredict"})
_COUNTER: Final = "count-tokens"  # stands in the place of a model where only tokens are counted
_STORED_RESPONSE = re.compile(r"/responses/[^/]{1,256}\Z")


def recognise(method: str, target: str) -> Route:
    """The dialect and operation of a request; OPAQUE for any that is not a known POST or the fetching of a response."""
    path, _, query = target.partition("?")
    path = path.rstrip("/")
    if method.upper() != "POST":
        if method.upper() != "GET" or not _STORED_RESPONSE.search(path):
            return OPAQUE
        stream = "stream=true" in query.lower().split("&")
        return Route(Dialect.OPENAI, Operation.RETRIEVAL, stream=stream)
    verb = _VERB.search(path)
    if verb:
        return _of_verb(path, unquote(verb[1]), verb[2])
    parent, _, last = path.rpartition("/")
    known = _ENDINGS.get(f"{parent[parent.rfind('/') + 1 :]}/{last}") or _ENDINGS.get(last)
    if known is None or (last == "messages" and "/threads/" in path):
        return OPAQUE
    deployment = _DEPLOYMENT.search(path)
    return Route(*known, unquote(deployment[1])[:NAME_LIMIT] if deployment else "")


def hinted(route: Route, method: str, dialect: Dialect | None) -> Route:
    """The route as a deployment's hint has it: `dialect` is read where the path names none, OPAQUE reads nothing."""
    if dialect is None:
        return route
    if dialect == Dialect.OPAQUE:
        return OPAQUE
    if route.dialect == Dialect.OPAQUE and method.upper() == "POST":
        return Route(dialect, Operation.CHAT, route.model)
    return route


def _of_verb(path: str, model: str, verb: str) -> Route:
    """The route of a path that ends in `models/<model>:<verb>`."""
    if verb in _ANTHROPIC_VERBS and "/publishers/anthropic/" in path:
        if model == _COUNTER:
            return Route(Dialect.ANTHROPIC, Operation.COUNT)
        return Route(Dialect.ANTHROPIC, Operation.CHAT, model, verb.startswith("stream"))
    if verb == "predict" and "embedding" in model:
        return Route(Dialect.GEMINI, Operation.EMBEDDING, model)
    if verb not in _VERBS:
        return OPAQUE._replace(model=model)
    each = Operation.EMBEDDING if verb == "asyncBatchEmbedContent" else Operation.CHAT
    return Route(Dialect.GEMINI, _VERBS[verb], model, verb.startswith("stream"), each)
