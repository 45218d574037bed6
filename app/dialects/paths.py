"""Which dialect and operation a path names, whatever prefix a server or a deployment puts before it."""

from __future__ import annotations

import re
from posixpath import normpath
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
    "batchpredictionjobs": (Dialect.GEMINI, Operation.BATCH),
}  # in lower case: Express and ASP.NET tell no letter case apart
_DEPLOYMENT = re.compile(r"/(?:deployments|engines)/([^/]{1,256})/", re.IGNORECASE)
_VERB = re.compile(
    r"/(?:models|tunedModels|endpoints|dynamic)/([^/:]{1,256}?)(?::|%3a)([a-z]{1,40})\Z", re.IGNORECASE | re.ASCII
)
_VERBS: Final = {
    "generatecontent": Operation.CHAT,
    "streamgeneratecontent": Operation.CHAT,
    "embedcontent": Operation.EMBEDDING,
    "batchembedcontents": Operation.EMBEDDING,
    "batchgeneratecontent": Operation.BATCH,
    "asyncbatchembedcontent": Operation.BATCH,
    "counttokens": Operation.COUNT,
}
_ANTHROPIC_VERBS: Final = frozenset({"rawpredict", "streamrawpredict"})
_COUNTER: Final = "count-tokens"  # stands in the place of a model where only tokens are counted
_STORED_RESPONSE = re.compile(r"/responses/[^/]{1,256}\Z", re.IGNORECASE)
_UNUSUAL = re.compile(r"[%;#\\]|/\.|//")  # signs of a path that some server reads as another one
_PARAMETERS = re.compile(r";[^/]*")  # of one segment, which Java's servers leave out
_ESCAPED_TIMES: Final = 3  # each proxy of a chain may undo escapes once


def recognise(method: str, target: str) -> Route:
    """The dialect and operation of a request; OPAQUE for any that is not a known POST or the fetching of a response.

    A path counts as what any common server would serve it as. Where it is read in two ways, that as it stands goes
    before if both are of one operation: only there an escaped slash is part of a model's name.
    """
    path, _, query = target.partition("?")
    found = _named(method, path.rstrip("/"), query)
    if not _UNUSUAL.search(path):
        return found
    served = _named(method, _resolved(path), query)
    is_told = served.dialect != Dialect.OPAQUE and served[:2] != found[:2]
    return served if is_told else found


def _resolved(path: str) -> str:
    """The path that servers look for: escapes undone, dot segments followed, slashes merged, the rest left out."""
    plain = _PARAMETERS.sub("", path.partition("#")[0])
    for _ in range(_ESCAPED_TIMES):
        before, plain = plain, unquote(plain)
        if plain == before:
            break
    plain = plain.replace("\\", "/").rstrip()  # Starlette serves a path with a line's end behind it
    return normpath(plain)


def _named(method: str, path: str, query: str) -> Route:
    """What a path without a slash at its end names."""
    if method.upper() != "POST":
        if method.upper() != "GET" or not _STORED_RESPONSE.search(path):
            return OPAQUE
        stream = "stream=true" in query.lower().split("&")
        return Route(Dialect.OPENAI, Operation.RETRIEVAL, stream=stream)
    verb = _VERB.search(path)
    if verb:
        return _of_verb(path.lower(), unquote(verb[1]), verb[2].lower())
    lower = path.lower()
    parent, _, last = lower.rpartition("/")
    known = _ENDINGS.get(f"{parent[parent.rfind('/') + 1 :]}/{last}") or _ENDINGS.get(last)
    if known is None or (last == "messages" and "/threads/" in lower):
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
    """The route of a path that ends in `models/<model>:<verb>`; path and verb in lower case."""
    if verb in _ANTHROPIC_VERBS and "/publishers/anthropic/" in path:
        if model == _COUNTER:
            return Route(Dialect.ANTHROPIC, Operation.COUNT)
        return Route(Dialect.ANTHROPIC, Operation.CHAT, model, verb.startswith("stream"))
    if verb == "predict" and "embedding" in model:
        return Route(Dialect.GEMINI, Operation.EMBEDDING, model)
    if verb not in _VERBS:
        return OPAQUE._replace(model=model)
    each = Operation.EMBEDDING if verb == "asyncbatchembedcontent" else Operation.CHAT
    return Route(Dialect.GEMINI, _VERBS[verb], model, verb.startswith("stream"), each)
