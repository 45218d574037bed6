"""The sample model API: a raw ASGI application with made-up answers, in the forms that common clients speak."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

import orjson
import uvicorn

from app.sample import answers, embeddings, messages, responses, wire
from app.sample.answers import Choice

MODELS = ("sample-large", "sample-small")
LABEL = b"stillwatch sample model: every answer is made up"
LARGEST = 32 << 20  # bytes of a request's body
MOST_CHOICES = 128

FIRST_SECONDS = 0.03  # before the first token
TOKEN_SECONDS = 0.0003
LONGEST_SECONDS = 0.35

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Form(Protocol):
    """How one API writes a request and its answer."""

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        """The request as one of chat completions."""

    def document(self, name: str, created: int, body: dict[str, Any], found: list[Choice], prompt: int) -> bytes:
        """The whole answer."""

    def events(
        self, name: str, created: int, body: dict[str, Any], found: list[Choice], prompt: int
    ) -> Iterator[bytes]:
        """The same answer as server-sent events."""


MESSAGES, COUNT, EMBEDDINGS = "/v1/messages", "/v1/messages/count_tokens", "/v1/embeddings"
FORMS: dict[str, Form] = {"/v1/chat/completions": wire, MESSAGES: messages, "/v1/responses": responses}


class Refused(Exception):
    """A request that a model API would refuse."""

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param

    def body(self, path: str) -> bytes:
        """The answer to send, in the form of the address."""
        if path.startswith(MESSAGES):
            return messages.problem(self.status, str(self))
        kind = "authentication_error" if self.status == 401 else "invalid_request_error"
        return wire.problem(str(self), kind, self.code, self.param)


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one request."""
    if scope["type"] != "http":
        return
    try:
        await _route(scope, receive, send)
    except Refused as refused:
        await _answer(send, refused.status, refused.body(scope["path"]))


async def _route(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    method, path = scope["method"], scope["path"].rstrip("/")
    if path in ("", "/healthz") and method in ("GET", "HEAD"):
        return await _answer(send, 200, orjson.dumps({"name": LABEL.decode(), "models": MODELS}))
    body = await _read(receive)
    if not _credential(scope["headers"]):
        raise Refused(401, "You didn't provide an API key. Any key will do here.", "invalid_api_key")
    if path == "/v1/models" and method == "GET":
        return await _answer(send, 200, orjson.dumps({"object": "list", "data": [_model(name) for name in MODELS]}))
    if path.startswith("/v1/models/") and method == "GET":
        return await _answer(send, 200, orjson.dumps(_model(_known(path.removeprefix("/v1/models/")))))
    if path not in (*FORMS, COUNT, EMBEDDINGS):
        raise Refused(404, f"Unknown request URL: {method} {path}.", "unknown_url")
    if method != "POST":
        raise Refused(405, f"Not allowed to {method} on {path}.", "method_not_supported")
    asked = _loaded(body)
    if path == EMBEDDINGS:
        return await _answer(send, 200, _embedded(asked))
    if path == COUNT:
        return await _answer(send, 200, messages.counted(_checked(messages.chat(asked))["messages"]))
    if path == MESSAGES and asked.get("max_tokens") is None:
        raise Refused(400, "max_tokens: Field required")
    return await _generate(FORMS[path], asked, send)


def _credential(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name in (b"authorization", b"api-key", b"x-api-key") and value.strip() for name, value in headers)


async def _read(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request ended early.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > LARGEST:
            raise Refused(413, "The request is too large.", "request_too_large")
    return b"".join(parts)


def _known(name: object) -> str:
    if name not in MODELS:
        message = f"The model `{name}` does not exist: this is a sample with {' and '.join(MODELS)}."
        raise Refused(404, message, "model_not_found", "model")
    return str(name)


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_760_000_000, "owned_by": "stillwatch-sample"}


def _loaded(raw: bytes) -> dict[str, Any]:
    """The request's body with a model that there is; raises Refused."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Refused(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(body, dict):
        raise Refused(400, "The body must be a JSON object.")
    _known(body.get("model"))
    return body


def _embedded(body: dict[str, Any]) -> bytes:
    texts, size = embeddings.texts_of(body), body.get("dimensions")
    if texts is None:
        raise Refused(400, f"Give 'input', a text or 1 to {embeddings.MOST_TEXTS} of them.", None, "input")
    if size is not None and (not isinstance(size, int) or not 1 <= size <= embeddings.MOST_DIMENSIONS):
        message = f"'dimensions' must be from 1 to {embeddings.MOST_DIMENSIONS}."
        raise Refused(400, message, "invalid_value", "dimensions")
    return embeddings.document(body, texts)


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """A request of chat completions; raises Refused where a model API would refuse it."""
    said = body.get("messages")
    if not isinstance(said, list) or not said or not all(isinstance(item, dict) for item in said):
        raise Refused(400, "Give 'messages', a list of one message or more.", None, "messages")
    for name, low, high in (
        ("n", 1, MOST_CHOICES),
        ("top_logprobs", 0, 20),
        ("max_tokens", 1, 1 << 20),
        ("max_completion_tokens", 1, 1 << 20),
        ("temperature", 0, 2),
        ("top_p", 0, 1),
    ):
        value = body.get(name)
        if value is not None and (not isinstance(value, int | float) or not low <= value <= high):
            raise Refused(400, f"'{name}' must be from {low} to {high}.", "invalid_value", name)
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise Refused(400, "'top_logprobs' needs 'logprobs'.", "invalid_value", "top_logprobs")
    return body


async def _generate(form: Form, body: dict[str, Any], send: Send) -> None:
    asked = _checked(form.chat(body))
    found = answers.choices(asked)
    prompt = answers.prompt_tokens(asked["messages"])
    name, created = answers.digest(asked).hex(), int(time.time())
    think = FIRST_SECONDS * (1 + found[0].cost % 7 / 3)
    talk = min(LONGEST_SECONDS, TOKEN_SECONDS * sum(choice.cost for choice in found))
    if not body.get("stream"):
        await asyncio.sleep(think + talk)
        return await _answer(send, 200, form.document(name, created, body, found, prompt))
    await asyncio.sleep(think)
    await _start(send, 200, b"text/event-stream; charset=utf-8", None)
    parts = list(form.events(name, created, body, found, prompt))
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(talk / len(parts))
    return await send({"type": "http.response.body", "body": b""})


async def _start(send: Send, status: int, kind: bytes, length: int | None) -> None:
    headers = [(b"content-type", kind), (b"x-sample-model", LABEL)]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _answer(send: Send, status: int, body: bytes) -> None:
    await _start(send, status, b"application/json", len(body))
    await send({"type": "http.response.body", "body": body})


def main(host: str, port: int, fd: int = -1) -> int:
    """Serve on `host`:`port`, or on the listening socket that the supervisor left open as `fd`."""
    logging.basicConfig(level=logging.WARNING)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # uvicorn stops on them, then hands them to what it found here
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=3,
        timeout_keep_alive=75,
        server_header=False,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[socket.socket(fileno=fd)] if fd >= 0 else None)
    return 0
