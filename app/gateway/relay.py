"""One request's way to the model API and its answer's way back, streaming in both directions."""

from __future__ import annotations

import asyncio
import time

from app.gateway.connection import Connection
from app.gateway.counts import Counts
from app.gateway.cycle import Cycle, Receive, Scope, Send
from app.gateway.heads import RequestHead, ResponseHead
from app.gateway.problems import (
    CONNECT_TIMEOUT,
    UPSTREAM_CLOSED,
    UPSTREAM_INVALID,
    UPSTREAM_TIMEOUT,
    Problem,
    unreachable,
)
from app.gateway.tap import Tap
from app.gateway.upstream import ConnectFailed, Pool
from app.store.frames import CLIENT_ABORTED, OK, TIMEOUT, UPSTREAM_ERROR, UPSTREAM_TRUNCATED

REPLAY_BYTES = 262144  # of a request's body kept, so that a stale connection can be replaced under it
PROBLEMS = {
    "timeout": (UPSTREAM_TIMEOUT, TIMEOUT),
    "invalid": (UPSTREAM_INVALID, UPSTREAM_ERROR),
    "closed": (UPSTREAM_CLOSED, UPSTREAM_ERROR),
}


class Relay:
    """The exchange in progress; `outcome`, `status`, `answer` and the taps say afterwards what it was."""

    __slots__ = (
        "_chunked",
        "_connecting",
        "_connection",
        "_copying",
        "_counts",
        "_gone",
        "_kept",
        "_kept_size",
        "_more",
        "_pool",
        "_receive",
        "_scope",
        "_send",
        "_upload",
        "_watcher",
        "answer",
        "answered_at",
        "outcome",
        "request_tap",
        "response_tap",
        "status",
    )

    def __init__(self, pool: Pool, counts: Counts, scope: Scope, receive: Receive, send: Send, copy_bytes: int) -> None:
        self._pool = pool
        self._counts = counts
        self._scope = scope
        self._receive = receive
        self._send = send
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._upload: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._gone = False
        self._more = True  # the request's body is not complete
        self._chunked = False
        self._kept: list[bytes] | None = []  # what was sent of the body; None once it is too much to send again
        self._kept_size = 0
        self._copying = copy_bytes >= 0
        self.answer: ResponseHead | None = None
        self.answered_at = 0.0  # by time.perf_counter; 0 where no answer came
        self.outcome = CLIENT_ABORTED
        self.status = 0
        self.request_tap = Tap(copy_bytes)
        self.response_tap = Tap(copy_bytes)

    async def run(self, head: RequestHead, target: bytes) -> None:
        """Forward the request and relay the answer; whatever happens the connection is settled at the end."""
        cycle: Cycle | None = self._scope.get("stillwatch.cycle")
        if cycle is not None:
            cycle.watch(self._leave)
        message = await self._receive()
        if message["type"] == "http.disconnect":
            return
        self._chunked = head.chunked > 0
        opening = head.opening(self._scope["method"], self._pool.prefix + target, self._pool.host)
        try:
            await self._exchange(opening, self._take(message), watched=cycle is not None)
        except ConnectFailed as failure:
            problem = CONNECT_TIMEOUT if failure.timed_out else unreachable(str(failure))
            await self.refuse(problem, TIMEOUT if failure.timed_out else UPSTREAM_ERROR)
        except asyncio.CancelledError:
            self.outcome = TIMEOUT  # the limit on open answers at a stop
            raise
        finally:
            self._settle()

    async def refuse(self, problem: Problem, outcome: int) -> None:
        """Answer in the gateway's own name, unless the client has left."""
        if self._gone:
            return
        self.outcome, self.status = outcome, problem.status
        body = problem.body()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if self._more:
            headers.append((b"connection", b"close"))  # the request's body was not read to its end
        await self._send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def _exchange(self, opening: bytes, first: bytes, *, watched: bool) -> None:
        connection = self._pool.get() or await self._connect()
        if connection is None:
            return
        self._begin(connection, opening + first)
        if self._more:
            self._upload = asyncio.create_task(self._upload_rest())
        elif not watched:
            self._watcher = asyncio.create_task(self._watch())
        await connection.wait_head()
        if connection.error and connection.reused and connection.stale and self._kept is not None:
            # Nobody has read the request: the pooled connection was already closed at the other end.
            fresh = await self._again(connection, opening)
            if fresh is None:
                return
            connection = fresh
        if not connection.status:
            if not self._gone:
                await self.refuse(*PROBLEMS[connection.error])
            return
        await self._answer(connection)

    def _begin(self, connection: Connection, data: bytes) -> None:
        self._connection = connection
        connection.begin(data, head_only=self._scope["method"] == "HEAD")

    async def _again(self, stale: Connection, opening: bytes) -> Connection | None:
        self._counts.retries += 1
        stale.release(reusable=False)
        connection = await self._connect()
        if connection is None or self._kept is None:
            return None
        self._begin(connection, opening + b"".join(self._kept))
        await connection.wait_head()
        return connection

    async def _connect(self) -> Connection | None:
        """A new connection, or None if the client left meanwhile."""
        self._connecting = asyncio.create_task(self._pool.connect())
        try:
            connection = await self._connecting
        except asyncio.CancelledError:
            if self._gone:
                return None
            raise
        finally:
            self._connecting = None
        if self._gone:
            connection.abort()
            return None
        return connection

    async def _answer(self, connection: Connection) -> None:
        self._kept = None
        head = ResponseHead(connection.headers)
        if head.two_framings:
            connection.fail("invalid")
            await self.refuse(UPSTREAM_INVALID, UPSTREAM_ERROR)
            return
        self.answer = head
        self.status = connection.status
        self.answered_at = time.perf_counter()
        await self._send({"type": "http.response.start", "status": self.status, "headers": head.pairs})
        while True:
            data = connection.take()
            complete = connection.complete
            if data and self._copying:
                self.response_tap.add(data)
            if complete or data:
                await self._send({"type": "http.response.body", "body": data, "more_body": not complete})
            if complete or connection.error:
                # Without a complete answer nothing more is sent: the server cuts the client's connection.
                self._judge(connection)
                return
            await connection.wait_more()

    def _judge(self, connection: Connection) -> None:
        if self._gone:
            self.outcome = CLIENT_ABORTED
        elif connection.complete:
            self.outcome = UPSTREAM_ERROR if self.status >= 500 else OK
        else:
            self.outcome = TIMEOUT if connection.error == "timeout" else UPSTREAM_TRUNCATED

    # The request's body.

    def _take(self, message: dict[str, object]) -> bytes:
        """One piece of the body as it goes up, noted by the tap and kept for a second attempt."""
        data: bytes = message.get("body", b"")  # type: ignore[assignment]
        self._more = bool(message.get("more_body", False))
        if data and self._copying:
            self.request_tap.add(data)
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            if not self._more:
                data += b"0\r\n\r\n"
        if self._kept is not None:
            self._kept.append(data)
            self._kept_size += len(data)
            if self._kept_size > REPLAY_BYTES:
                self._kept = None
        return data

    async def _upload_rest(self) -> None:
        while self._more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._leave()
                return
            data = self._take(message)
            connection = self._connection
            if connection is not None:
                connection.write(data)
                await connection.drain()

    # The client's leaving.

    async def _watch(self) -> None:
        """Under a server that does not tell of a client's leaving, wait for it."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self._gone = True
        if self._connection is not None:
            self._connection.fail("gone")
        if self._connecting is not None:
            self._connecting.cancel()

    def _settle(self) -> None:
        for task in (self._upload, self._watcher):
            if task is not None and not task.done():
                task.cancel()
        if self._connection is not None:
            self._connection.release(reusable=not self._more and not self._gone)
