"""Which dialect and operation a path names, whatever prefix a server or a deployment puts before it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from app.dialects.values import NAME_LIMIT
from detectors.exchange import Dialect, Operation


class Route(NamedTuple):
    """What a request's path says of it; `model` where the path names one."""

    dialect: Dialect
    operation: Operation
    model: str = ""
    stream: bool = False


OPAQUE: Final = Route(Dialect.OPAQUE, Operation.OTHER)
_OPENAI: Final = {
    "chat/completions": Operation.CHAT,
    "completions": Operation.COMPLETION,
    "embeddings": Operation.EMBEDDING,
    "responses": Operation.RESPONSE,
    "files": Operation.BATCH,
}
_DEPLOYMENT = re.compile(r"/deployments/([^/]{1,256})/")
_GEMINI = re.compile(r"/models/([^/:]{1,256}):([A-Za-z]{1,40})\Z")
_GEMINI_VERBS: Final = {
    "generateContent": Operation.CHAT,
    "streamGenerateContent": Operation.CHAT,
    "embedContent": Operation.EMBEDDING,
    "batchEmbedContents": Operation.EMBEDDING,
}


def recognise(method: str, target: str) -> Route:
    """The dialect and operation of a request; OPAQUE for any that is not a known POST."""
    if method.upper() != "POST":
        return OPAQUE
    path = target.partition("?")[0].rstrip("/")
    gemini = _GEMINI.search(path)
    if gemini:
        operation = _GEMINI_VERBS.get(gemini[2], Operation.OTHER)
        dialect = Dialect.OPAQUE if operation == Operation.OTHER else Dialect.GEMINI
        return Route(dialect, operation, unquote(gemini[1]), gemini[2].startswith("stream"))
    parent, _, last = path.rpartition("/")
    if last == "messages" and "/threads/" not in path:
        return Route(Dialect.ANTHROPIC, Operation.CHAT)
    ending = "chat/completions" if last == "completions" and parent.endswith("/chat") else last
    if ending not in _OPENAI:
        return OPAQUE
    deployment = _DEPLOYMENT.search(path)
    model = unquote(deployment[1])[:NAME_LIMIT] if deployment else ""
    return Route(Dialect.OPENAI, _OPENAI[ending], model)
