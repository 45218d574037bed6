"""The ordinary exchange without a coroutine: a request that is here whole, a pooled connection, a client that reads.

Each call-back goes from the bytes that came to the bytes that leave. As soon as something else must be
waited for, or has gone wrong, the relay's coroutine takes over from where this stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from app.gateway.clock import Clock
from app.gateway.connection import Connection
from app.gateway.cycle import Cycle
from app.gateway.heads import answer_head, plain_head
from app.gateway.plan import Plan
from app.gateway.relay import Relay
from app.gateway.tap import Kept, Tap
from app.gateway.whole import split
from app.store.frames import OK, TIMEOUT, Whole

if TYPE_CHECKING:
    from app.gateway.proxy import Observer


class Swift(Relay):
    """A relay whose connection calls it; it stands among what the server runs."""

    _handed_over = False  # a coroutine has taken over
    _request = _response = b""  # the bodies, while the copy needs no tap for them

    def __init__(
        self,
        connection: Connection,
        plan: Plan,
        call: Cycle,
        clock: Clock,
        observer: Observer | None,
        at: float,
        began: float,
    ) -> None:
        super().__init__(plan.pool, call, clock, -1)
        self._connection: Connection = connection
        self._copy_bytes = -1 if observer is None else observer.copy_bytes
        self.call = call
        self.plan = plan
        self.observer = observer
        self.at = at  # seconds since the epoch
        self.began = began  # by the clock

    def start(self, on_end: Callable[[Swift], None]) -> None:
        """Send the request; `on_end` is called when the exchange is over."""
        call, connection = self.call, self._connection
        self._on_end = on_end
        piece = call.take()
        body = piece[0] if piece is not None else b""
        self._more = False
        self._kept = [body]
        if 0 <= self._copy_bytes < len(body):
            self.request_tap = self._tap(body)
        else:
            self._request = body
        call.adopt(self, self._leave)
        before, after = self.plan.opening
        try:
            connection.begin(b"%b%b%b%b" % (before, call.length, after, body), call.method == "HEAD", True)
            connection.pump = self._come
            if call.keep_alive and call.method != "HEAD":
                connection.first = self._whole
        except Exception as error:  # noqa: BLE001  the cycle is the edge
            self._end(error)

    # What the connection calls.

    def _come(self) -> None:
        """Something has come: pass it on, or leave it to a coroutine."""
        try:
            if self.answer is None:
                self._open()
            else:
                self._go_on()
        except Exception as error:  # noqa: BLE001  the cycle is the edge
            self._end(error)

    def _whole(self, data: bytes) -> bool:
        """Pass on an answer that came whole in one piece; False where it is not one, or not that simple."""
        found, call = split(data), self.call
        if found is None or call.gone:
            return False
        connection = self._connection
        connection.whole()
        self._kept = None
        self.status, self.answered_at = 200, connection.touched
        if self._copy_bytes >= 0:
            head, body = found
            self.answer = plain_head(head)
            if body:
                self._note(body)
        try:
            call.pass_on(data)
        except Exception as error:  # noqa: BLE001  the cycle is the edge
            self._end(error)
        else:
            self.outcome = OK
            self._end(None)
        return True

    def _open(self) -> None:
        """The head is here, and what came with it, or nothing will come."""
        connection = self._connection
        head = answer_head(connection.head_block()) if connection.status else None
        if head is None or not head.valid:
            before, after = self.plan.opening
            self._slow(self._exchange(before + self.call.length + after))
            return
        self._kept = None
        self.answer = head
        self.status = connection.status
        self.answered_at = connection.touched
        complete, data = connection.complete, connection.take()
        if data and self._copy_bytes >= 0:
            self._note(data)
        pending = self.call.begin(self.status, head, data, complete)
        self._straight = head.coded and self.call.chunked
        if self._straight and not complete and pending is None:
            self._splice()
        self._passed(pending, complete)

    def _go_on(self) -> None:
        """More of the body is here, or its end."""
        connection = self._connection
        complete, data = connection.complete, connection.take()
        if self._held:
            self._sort()
        if data:
            if self.response_tap is not None:
                self.response_tap.add(data)
            elif self._copy_bytes >= 0:
                self._note(data)
        pending = self.call.write(data, complete)
        if complete or pending is not None or connection.error:
            self._passed(pending, complete)

    def _holder(self) -> list[bytes] | None:
        if self._copy_bytes >= 0 and self.response_tap is None:
            self.response_tap = self._tap(self._response)
        return super()._holder()

    def _give_up(self, error: Exception | None) -> None:
        if self._handed_over:
            super()._give_up(error)
        elif error is None:
            self._slow(self._pump(self.call.protocol.drain(), False))
        else:
            self._end(error)

    def _passed(self, pending: Awaitable[None] | None, complete: bool) -> None:
        if pending is not None:
            self._slow(self._pump(pending, complete))
        elif complete or self._connection.error:
            self._judge(self._connection)
            self._end(None)

    # What the server calls at a stop.

    def cancel(self, msg: object = None) -> None:  # noqa: ARG002  uvicorn names it
        """Give up: the limit on open answers has passed."""
        self.outcome = TIMEOUT
        self._end(asyncio.CancelledError())

    # What the observer calls.

    def whole(self, now: float) -> tuple[int, Whole] | None:
        """The copy at `now` and the size of its frame, where the request needed no tap and the answer is whole."""
        answer = self.answer
        if answer is None or self.request_tap is not None:
            return None
        if self._held:
            self._sort()
        response = self._response if self.response_tap is None else self.response_tap.joined()
        if response is None:
            return None
        plan, length, request = self.plan, self.call.length, self._request
        head, began = answer.copied(), self.began
        return plan.framed + len(length) + len(request) + len(head) + len(response), (
            self.at,
            plan.counts_for(self.status),
            plan.subject,
            plan.copied,
            length,
            request,
            self.status,
            head,
            response,
            self.answered_at - began,
            now - began,
            self.outcome,
        )

    def copied(self) -> Kept:
        """The bodies' copies."""
        if self._held:
            self._sort()
        request, response = self.request_tap, self.response_tap
        return (
            *(((self._request,), len(self._request), -1) if request is None else request.copied()),
            *(((self._response,), len(self._response), -1) if response is None else response.copied()),
        )

    def _note(self, data: bytes) -> None:
        tap = self.response_tap
        if tap is None:
            if not self._response and len(data) <= self._copy_bytes:
                self._response = data
                return
            self.response_tap = tap = self._tap(self._response)
        tap.add(data)

    def _tap(self, data: bytes) -> Tap:
        tap = Tap(self._copy_bytes)
        tap.add(data)
        return tap

    # The end.

    def _slow(self, rest: Coroutine[Any, Any, None]) -> None:
        self._let_go()
        self._handed_over = True
        if self._copy_bytes >= 0 and self.response_tap is None:
            self.response_tap = self._tap(self._response)  # the coroutine knows no other
        self.call.hand_over(self, self._finish(rest))

    def _let_go(self) -> None:
        """Be called by the connection no more."""
        self._connection.pump = self._connection.first = None
        self._rejoin()

    async def _finish(self, rest: Coroutine[Any, Any, None]) -> None:
        try:
            await self._settled(rest)
        finally:
            self._on_end(self)

    def _end(self, error: BaseException | None) -> None:
        self._let_go()
        self._settle()
        self._on_end(self)
        self.call.ended(self, error)
