"""One request's way to the model API and its answer's way back, streaming in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from app.gateway.asgi import AsgiCall
from app.gateway.chunks import OPENINGS
from app.gateway.clock import Clock
from app.gateway.connection import Connection
from app.gateway.cycle import Cycle
from app.gateway.drive import Driver
from app.gateway.heads import AnswerHead, answer_head, own_head
from app.gateway.plan import Plan
from app.gateway.problems import (
    CONNECT_TIMEOUT,
    UPSTREAM_CLOSED,
    UPSTREAM_INVALID,
    UPSTREAM_TIMEOUT,
    UPSTREAM_TLS_REFUSED,
    Problem,
    distrusted,
    unreachable,
)
from app.gateway.splice import Splice, passing
from app.gateway.tap import Kept, Tap
from app.gateway.upstream import ConnectFailed, Pool
from app.store.frames import CLIENT_ABORTED, OK, TIMEOUT, UPSTREAM_ERROR, UPSTREAM_TRUNCATED

if TYPE_CHECKING:
    from app.gateway.degraded import DegradedCall

REPLAY_BYTES = 262144  # of a request's body kept, so that a stale connection can be replaced under it
PROBLEMS = {
    "timeout": (UPSTREAM_TIMEOUT, TIMEOUT),
    "invalid": (UPSTREAM_INVALID, UPSTREAM_ERROR),
    "closed": (UPSTREAM_CLOSED, UPSTREAM_ERROR),
    "tls": (UPSTREAM_TLS_REFUSED, UPSTREAM_ERROR),
}


class Relay:
    """The exchange in progress; `outcome`, `status`, `answer` and the taps say afterwards what it was."""

    # Defaults on the class: most requests never change most of these.
    outcome = CLIENT_ABORTED
    status = 0
    answer: AnswerHead | None = None
    answered_at = 0.0  # by the clock; 0 where no answer came
    request_tap: Tap | None = None
    response_tap: Tap | None = None
    _connection: Connection | None = None
    _connecting: asyncio.Task[Connection] | None = None
    _kind: type[Connection] = Connection  # of new connections
    _upload: asyncio.Task[None] | Driver | None = None
    _more = True  # the request's body is not complete
    _chunked = False
    _kept_size = 0
    _straight = False  # chunks may pass without us, from the one connection to the other
    _spliced = False  # and they do
    _held: list[bytes] | None = None  # those that did and are not yet noted
    _fault: Exception | None = None  # of one that could not be passed on

    def __init__(self, pool: Pool | None, call: Cycle | AsgiCall, clock: Clock, copy_bytes: int) -> None:
        self._pool: Pool = cast(Pool, pool)  # None only where the request is refused
        self._call: Cycle | AsgiCall | DegradedCall = call
        self._clock = clock
        self._kept: list[bytes] | None = []  # what was sent of the body; None once it is too much to send again
        if copy_bytes >= 0:
            self.request_tap = Tap(copy_bytes)
            self.response_tap = Tap(copy_bytes)

    async def run(self, plan: Plan) -> None:
        """Forward the request and relay the answer; whatever happens the connection is settled at the end."""
        self._call.watch(self._leave)
        await self._settled(self._forward(plan))

    async def _settled(self, steps: Coroutine[Any, Any, None]) -> None:
        try:
            await steps
        except ConnectFailed as failure:
            await self._unconnected(failure)
        except asyncio.CancelledError:
            self.outcome = TIMEOUT  # the limit on open answers at a stop
            raise
        finally:
            self._settle()

    async def _forward(self, plan: Plan) -> None:
        call = self._call
        piece = call.take()
        if piece is None:
            call.expects = plan.expects
            piece = await call.read()
            if piece is None:
                return
        self._chunked = plan.chunked
        before, after = plan.opening
        opening = before + call.length + after
        first = self._take(*piece)
        connection = self._pool.get() or await self._connect()
        if connection is None:
            return
        self._begin(connection, opening + first)
        if self._more:
            self._start_upload()
        await self._exchange(opening)

    async def _exchange(self, opening: bytes) -> None:
        """Wait for the answer to what was sent, and relay it."""
        connection = self._connection
        assert connection is not None
        while not connection.status and not connection.error:
            await connection.waiting()
        if connection.status or await self._again(connection, opening):
            await self._answer()

    def interpose(self, call: DegradedCall) -> None:
        """Serve the client through `call`, which stands before the client's own."""
        self._call = call

    def received(self, body: bytes, *, whole: bool) -> None:
        """Note the request's body as the client sent it, where it does not go up, or not like that."""
        self._more = not whole
        if self.request_tap is not None:
            self.request_tap = self.request_tap.renewed()
            self.request_tap.add(body)

    def copied(self) -> Kept:
        """The bodies' copies: of each the kept pieces, the true length, and the gap's offset or -1."""
        request, response = self.request_tap, self.response_tap
        assert request is not None
        assert response is not None
        return (*request.copied(), *response.copied())

    async def refuse(self, problem: Problem, outcome: int) -> None:
        """Answer in the gateway's own name, unless the client has left."""
        call = self._call
        if call.gone:
            return
        self.outcome, self.status = outcome, problem.status
        if self._more:
            call.keep_alive = False  # the request's body was not read to its end
        body = problem.body()
        pending = call.begin(problem.status, own_head(len(body), problem.lines()), body, True)
        if pending is not None:
            await pending

    async def _unconnected(self, failure: ConnectFailed) -> None:
        if failure.timed_out:
            await self.refuse(CONNECT_TIMEOUT, TIMEOUT)
        else:
            reason = str(failure)
            await self.refuse(distrusted(reason) if failure.untrusted else unreachable(reason), UPSTREAM_ERROR)

    async def _again(self, connection: Connection, opening: bytes) -> bool:
        """No answer on this connection: send the request again if nobody can have read it, else say so."""
        if connection.reused and connection.stale and self._kept is not None and not self._call.gone:
            self._pool.retries += 1
            connection.release(False)
            fresh = await self._connect()
            if fresh is None or self._kept is None:
                return False
            connection = fresh
            self._begin(connection, opening + b"".join(self._kept))
            while not connection.status and not connection.error:
                await connection.waiting()
        if not connection.status and not self._call.gone:
            await self.refuse(*PROBLEMS[connection.error])
        return connection.status > 0

    def _begin(self, connection: Connection, data: bytes) -> None:
        self._connection = connection
        connection.begin(data, self._call.method == "HEAD", self._call.driven)

    async def _connect(self) -> Connection | None:
        """A new connection, or None if the client left meanwhile."""
        self._connecting = asyncio.get_running_loop().create_task(self._pool.connect(self._kind))
        try:
            connection = await self._connecting
        except asyncio.CancelledError:
            if self._call.gone:
                return None
            self._connecting.cancel()
            raise
        finally:
            self._connecting = None
        if self._call.gone:
            connection.abort()
            return None
        return connection

    async def _answer(self) -> None:
        call, tap, connection = self._call, self.response_tap, self._connection
        assert connection is not None
        self._kept = None
        head = answer_head(connection.head_block())
        if not head.valid:
            connection.fail("invalid")
            await self.refuse(UPSTREAM_INVALID, UPSTREAM_ERROR)
            return
        self.answer = head
        self.status = status = connection.status
        self.answered_at = self._clock.now()
        complete = connection.complete
        data = connection.take()
        if data and tap is not None:
            tap.add(data)
        pending = call.begin(status, head, data, complete)
        self._straight = head.coded and isinstance(call, Cycle) and call.driven and call.chunked
        await self._pump(pending, complete)

    async def _pump(self, pending: Awaitable[None] | None, complete: bool) -> None:
        """Relay the rest of an answer, its last piece being `pending`."""
        call, tap, connection = self._call, self.response_tap, self._connection
        assert connection is not None
        while True:
            if pending is not None:
                self._rejoin()  # a client that is slow to read must not be sent more
                await pending
            if complete or (connection.error and not connection.buffered):
                # Without a complete answer nothing more is written: the client's connection is cut.
                self._judge(connection)
                return
            if not (connection.buffered or connection.complete or connection.error):
                if self._straight and not self._spliced:
                    self._splice()
                await connection.waiting()
                if self._fault is not None:
                    raise self._fault
            complete = connection.complete
            data = connection.take()
            if self._held:
                self._sort()
            if data and tap is not None:
                tap.add(data)
            pending = call.write(data, complete)

    def _splice(self) -> None:
        """Let chunks that come by themselves pass without us."""
        call, connection = self._call, self._connection
        assert isinstance(call, Cycle)
        assert connection is not None
        self._held = self._holder()
        passed = passing(connection, call.protocol, self._held, self._sort, self._give_up)
        self._spliced = True
        connection.splice(Splice(connection, passed))

    def _holder(self) -> list[bytes] | None:
        """Where chunks are held for the copy; None where there is none."""
        return [] if self.response_tap is not None else None

    def _sort(self) -> None:
        """Note the chunks that passed without us, without what is around their data."""
        held = self._held
        if held and self.response_tap is not None:
            self.response_tap.extend([chunk[len(OPENINGS[len(chunk)]) : -2] for chunk in held])
            held.clear()

    def _give_up(self, error: Exception | None) -> None:
        """The chunk that passed last was too much for the client, or could not be passed on."""
        self._fault = error
        if self._connection is not None:
            self._connection.wake()

    def _rejoin(self) -> None:
        """Have chunks come to us again."""
        if self._spliced and self._connection is not None:
            self._spliced = False
            self._connection.rejoin()
            if self._held:
                self._sort()

    def _judge(self, connection: Connection) -> None:
        if self._call.gone:
            self.outcome = CLIENT_ABORTED
        elif connection.complete:
            self.outcome = UPSTREAM_ERROR if self.status >= 500 else OK
        else:
            self.outcome = TIMEOUT if connection.error == "timeout" else UPSTREAM_TRUNCATED

    # The request's body.

    def _take(self, data: bytes, more: bool) -> bytes:
        """One piece of the body as it goes up, noted by the tap and kept for a second attempt."""
        self._more = more
        if data and self.request_tap is not None:
            self.request_tap.add(data)
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            if not more:
                data += b"0\r\n\r\n"
        kept = self._kept
        if kept is not None:
            kept.append(data)
            self._kept_size += len(data)
            if self._kept_size > REPLAY_BYTES:
                self._kept = None
        return data

    def _start_upload(self) -> None:
        self._call.uploading = True
        loop = asyncio.get_running_loop()
        if self._call.driven:
            self._upload = driver = Driver(self._upload_rest(), loop, self._uploaded)
            driver.step()
        else:
            self._upload = loop.create_task(self._upload_rest())

    async def _upload_rest(self) -> None:
        """Send the rest of the body as it comes, while the answer may already be on its way."""
        while self._more:
            piece = await self._call.read()
            if piece is None:
                return
            data = self._take(*piece)
            connection = self._connection
            if connection is not None:
                connection.write(data)
                await connection.drain()

    def _uploaded(self, _driver: Driver, error: BaseException | None) -> None:
        if error is not None and self._connection is not None:
            self._connection.fail("closed")

    # The end.

    def _leave(self) -> None:
        """The client has left: the model API must know at once."""
        if self._connection is not None:
            self._connection.fail("gone")
        if self._connecting is not None:
            self._connecting.cancel()

    def _settle(self) -> None:
        upload = self._upload
        if upload is not None and not upload.done():
            upload.cancel()
        connection = self._connection
        if connection is not None:
            self._rejoin()
            connection.release(not self._more and not self._call.gone)
