"""The ASGI callable that every customer's request goes through: identify, enforce, forward, tap."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from app.gateway.counts import Counts
from app.gateway.cycle import Receive, Scope, Send
from app.gateway.enforce import Enforcer
from app.gateway.heads import RequestHead, origin_form
from app.gateway.identify import Identifier, anonymous, key_parameter, scrub
from app.gateway.problems import Problem
from app.gateway.relay import Relay
from app.gateway.upstream import Pool
from app.store.frames import OUTCOMES, REJECTED, pack
from app.store.handoff import Sender

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Observer:
    """What makes copies: absent in bypass, where nothing is copied."""

    sender: Sender
    identifier: Identifier
    enforcer: Enforcer
    copy_bytes: int


class Proxy:
    """Forwards any method and any path byte for byte, and hands a copy aside."""

    def __init__(self, pool: Pool, counts: Counts, observer: Observer | None) -> None:
        self._pool = pool
        self._counts = counts
        self._observer = observer
        self._access_log = logger.isEnabledFor(logging.DEBUG)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request to its end; raises nothing that the customer could cause."""
        counts = self._counts
        observer = self._observer
        at, began = time.time(), time.perf_counter()
        raw_target: bytes = scope.get("stillwatch.target") or _target(scope)
        head = RequestHead(scope["headers"])
        client = 0
        if observer is not None:
            peer = scope["client"]
            client = observer.identifier.client(
                head.credential or key_parameter(scope["query_string"]) or anonymous(peer[0] if peer else "")
            )
            observer.enforcer.decide(client, at)
        relay = Relay(self._pool, counts, scope, receive, send, observer.copy_bytes if observer else -1)
        counts.in_flight += 1
        try:
            target = head.refused(scope["method"], scope["http_version"]) or origin_form(raw_target)
            if isinstance(target, Problem):
                await relay.refuse(target, REJECTED)
            else:
                await relay.run(head, target)
        finally:
            counts.in_flight -= 1
            counts.outcomes[relay.outcome] += 1
            if observer is not None:
                observer.sender.offer(_frame(scope, raw_target, head, relay, client, at, began))
            if self._access_log:
                _log(scope, relay, began)


def _target(scope: Scope) -> bytes:
    """The target under a server that does not keep it as sent."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


def _frame(scope: Scope, target: bytes, head: RequestHead, relay: Relay, client: int, at: float, began: float) -> bytes:
    peer = scope["client"]
    request, request_cut = relay.request_tap.kept()
    response, response_cut = relay.response_tap.kept()
    answer = relay.answer
    return pack(
        at,
        client,
        peer[0].encode() if peer else b"",
        scope["method"].encode(),
        scrub(target) if b"?" in target else target,
        head.copied(),
        request,
        relay.request_tap.size,
        request_cut,
        relay.status,
        answer.copied() if answer is not None else b"",
        response,
        relay.response_tap.size,
        response_cut,
        relay.answered_at - began if relay.answered_at else float("nan"),
        time.perf_counter() - began,
        relay.outcome,
    )


def _log(scope: Scope, relay: Relay, began: float) -> None:
    """One line a request, at debug level only; never the query."""
    logger.debug(
        "request",
        extra={
            "method": scope["method"],
            "path": scope["path"],
            "status": relay.status,
            "outcome": OUTCOMES[relay.outcome],
            "seconds": round(time.perf_counter() - began, 6),
        },
    )
