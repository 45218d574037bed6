"""The outermost callable of API and dashboard: request ids, headers, a body limit, and the last word on errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.api.metrics import ApiMetrics
from app.api.problems import Problem, respond
from app.models.base import new_id

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_BYTES = 256 * 1024
API = ("/api/", "/metrics", "/livez", "/readyz")
HEADERS: dict[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
}
API_HEADERS: dict[bytes, bytes] = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
}
TOO_LARGE = Problem(413, "body_too_large", "The body is too large", f"send at most {BODY_BYTES} bytes")
BROKEN = Problem(500, "internal_error", "Internal error", "this is our fault; the log has more under the request id")

logger = logging.getLogger(__name__)


class _TooLarge(Exception):
    """The body went over the limit while it was read."""


class Edge:
    """Wraps the application; `request.state.request_id` names the request in answers and in the log."""

    def __init__(self, app: App, metrics: ApiMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = new_id("req", time.time())
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def guarded_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message["headers"] = _with_headers(message.get("headers", ()), scope["path"], request_id)
            await send(message)

        started = time.perf_counter()
        problem = await self._serve(scope, receive, guarded_send, request_id)
        if problem is not None and not status:
            await respond(problem, request_id)(scope, receive, guarded_send)
        self.metrics.observe(scope, status or 500, time.perf_counter() - started)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> Problem | None:
        """Run the application; the problem to answer with where it failed."""
        if _announced(scope) > BODY_BYTES:
            return TOO_LARGE
        read = 0

        async def limited_receive() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > BODY_BYTES:
                raise _TooLarge
            return message

        async def gated_send(message: Message) -> None:
            if read <= BODY_BYTES:  # else the framework took our exception for a fault of the body
                await send(message)

        try:
            await self.app(scope, limited_receive, gated_send)
            return None if read <= BODY_BYTES else TOO_LARGE
        except _TooLarge:
            return TOO_LARGE
        except Exception:  # the loop's edge: one request's fault must not end the process, and is counted
            self.metrics.failures.inc()
            logger.exception("a request failed", extra={"request_id": request_id})
            return BROKEN


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _with_headers(headers: Any, path: str, request_id: str) -> list[tuple[bytes, bytes]]:
    found = list(headers)
    names = {name.lower() for name, _ in found}
    wanted = HEADERS | (API_HEADERS if path.startswith(API) else {})
    found += [(name, value) for name, value in wanted.items() if name not in names]
    found.append((b"x-request-id", request_id.encode()))
    return found
