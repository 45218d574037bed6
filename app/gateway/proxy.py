"""Every customer's request goes through here: identify, enforce, forward, tap. One raw ASGI callable."""

from __future__ import annotations

import logging
import sys
from collections.abc import Container
from dataclasses import dataclass

from app.gateway.asgi import AsgiCall
from app.gateway.clock import Clock
from app.gateway.conduct import conduct
from app.gateway.counts import Counts
from app.gateway.cycle import Cycle, Receive, Scope, Send
from app.gateway.enforce import Enforcer
from app.gateway.identify import Identifier
from app.gateway.plan import Plan
from app.gateway.problems import OVERLOADED
from app.gateway.relay import Relay
from app.gateway.routes import Router
from app.gateway.swift import Swift
from app.gateway.upgrade import Upgrade
from app.store.frames import OUTCOMES, REJECTED, pack
from app.store.handoff import Sender

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Observer:
    """What watches the exchanges; there is none in bypass."""

    sender: Sender
    identifier: Identifier
    enforcer: Enforcer
    standing: Container[int]  # clients that decisions may apply to
    copy_bytes: int

    def note(self, plan: Plan, length: bytes, relay: Relay, at: float, began: float, now: float) -> None:
        """Hand the copy of an exchange that has ended to the extractor."""
        answer = relay.answer
        request_body, request_bytes, request_cut, response_body, response_bytes, response_cut = relay.copied()
        before, after = plan.copied
        self.sender.offer_parts(
            *pack(
                at,
                plan.counts_for(relay.status),
                plan.subject,
                before + length + after,
                request_body,
                request_bytes,
                request_cut,
                relay.status,
                answer.copied() if answer is not None else b"",
                response_body,
                response_bytes,
                response_cut,
                relay.answered_at - began if answer is not None else float("nan"),
                now - began,
                relay.outcome,
            )
        )


class Proxy:
    """Forwards any method and any path byte for byte, and hands a copy aside."""

    def __init__(self, router: Router, counts: Counts, clock: Clock, observer: Observer | None, limit: int = 0) -> None:
        self._router = router
        self._counts = counts
        self._clock = clock
        self._limit = limit or sys.maxsize  # requests served at once
        self._log_requests = logger.isEnabledFor(logging.DEBUG)
        self.watch(observer)

    def watch(self, observer: Observer | None) -> None:
        """Have the requests that begin from now on watched by `observer`, or by nobody."""
        self._observer = observer
        self._copy_bytes = observer.copy_bytes if observer is not None else -1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request as an ASGI application, under any server."""
        call = AsgiCall(scope, receive, send)
        try:
            await self.serve(call)
        finally:
            call.close()

    def swift(self, call: Cycle) -> bool:
        """Serve a request without a coroutine, if it is an ordinary one that is here whole; False where it is not."""
        counts, observer = self._counts, self._observer
        if not call.whole() or counts.in_flight >= self._limit:
            return False
        began = self._clock.now()
        at = began + self._clock.epoch
        plan = call.plan
        if plan is None or (observer is not None and plan.until < at):
            plan = self._plan(call)
        if plan.pool is None or not plan.repeatable:
            return False
        if observer is not None and (plan.client in observer.standing or plan.others):
            return False
        connection = plan.pool.get()
        if connection is None:
            return False
        counts.in_flight += 1
        Swift(connection, plan, call, self._clock, observer, at, began).start(self._account)
        return True

    def _account(self, relay: Swift) -> None:
        self._counts.in_flight -= 1
        self._counts.outcomes[relay.outcome] += 1
        now = self._clock.now()
        if relay.observer is not None:
            whole = relay.whole(now)
            if whole is not None:
                relay.observer.sender.offer_whole(*whole)
            else:
                relay.observer.note(relay.plan, relay.call.length, relay, relay.at, relay.began, now)
        if self._log_requests:
            _log(relay.call, relay, now - relay.began)

    async def serve(self, call: Cycle | AsgiCall) -> None:
        """Serve one request to its end; raises nothing that the customer could cause."""
        counts, clock, observer = self._counts, self._clock, self._observer
        began = clock.now()
        at = began + clock.epoch
        plan = call.plan
        if plan is None or (observer is not None and plan.until < at):
            plan = self._plan(call)
        verdict = None
        if observer is not None and (plan.client in observer.standing or plan.others) and plan.problem is None:
            verdict = observer.enforcer.decide(plan.client, at, began, plan.others)
        relay = (Upgrade if plan.upgrade else Relay)(plan.pool, call, clock, self._copy_bytes)
        counts.in_flight += 1
        try:
            if counts.in_flight > self._limit:
                counts.overloaded += 1
                await relay.refuse(OVERLOADED, REJECTED)
            elif plan.problem is not None:
                await relay.refuse(plan.problem, REJECTED)
            elif verdict is not None and observer is not None:
                await conduct(verdict, relay, call, plan, observer.enforcer)
            else:
                await relay.run(plan)
        finally:
            counts.in_flight -= 1
            counts.outcomes[relay.outcome] += 1
            if observer is not None:
                observer.note(plan, call.length, relay, at, began, clock.now())
            if self._log_requests:
                _log(call, relay, clock.now() - began)

    def _plan(self, call: Cycle | AsgiCall) -> Plan:
        router, observer = self._router, self._observer
        identifier = observer.identifier if observer is not None else None
        plan = Plan(call.method, call.target, call.version, call.headers, call.peer, router, identifier)
        if call.plan is not None:  # made in bypass, or for a token that has expired; later requests share it
            call.plan.become(plan)
            return call.plan
        call.plan, call.length = plan, plan.length
        return plan


def _log(call: Cycle | AsgiCall, relay: Relay, seconds: float) -> None:
    """One line a request, at debug level only; never the query."""
    path = call.target.partition(b"?")[0].decode("latin-1")
    outcome = OUTCOMES[relay.outcome]
    logger.debug(
        "request",
        extra={"method": call.method, "path": path, "status": relay.status, "outcome": outcome, "seconds": seconds},
    )
