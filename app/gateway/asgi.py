"""The proxy's view of a request under any ASGI server; ours has a shorter way (see cycle)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from app.gateway.cycle import Receive, Scope, Send
from app.gateway.heads import AnswerHead
from app.gateway.plan import Plan


class AsgiCall:
    """One request with its answer, over ASGI's scope, receive and send."""

    driven = False
    gone = False
    expects = False  # the server sees to 100 Continue
    uploading = False  # silence is the server's affair as well
    keep_alive = False  # the server sees to that too
    plan: Plan | None = None
    length = b""  # the value of Content-Length

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope["query_string"]
        self.method: str = scope["method"]
        self.target = path + b"?" + query if query else path
        self.version: str = scope["http_version"]
        self.headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        self.peer: str = scope["client"][0] if scope.get("client") else ""
        self._receive = receive
        self._send = send
        self._on_gone: Callable[[], None] | None = None
        self._watcher: asyncio.Task[None] | None = None

    def watch(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the client leaves: noticed while its body is read, and after that."""
        self._on_gone = callback

    def take(self) -> tuple[bytes, bool] | None:
        """Nothing is ever there without asking for it."""
        return None

    async def read(self) -> tuple[bytes, bool] | None:
        """The next piece of the request's body and whether more comes; None once the client left."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._left()
            return None
        more = bool(message.get("more_body", False))
        if not more:
            self._watcher = asyncio.create_task(self._watch())
        return message.get("body", b""), more

    def begin(self, status: int, head: AnswerHead, data: bytes, last: bool) -> Awaitable[None] | None:
        """Write the answer's head and its first bytes."""
        return self._begin(status, head, data, last)

    def write(self, data: bytes, last: bool) -> Awaitable[None] | None:
        """Write more of the answer."""
        return self._write(data, last)

    async def _begin(self, status: int, head: AnswerHead, data: bytes, last: bool) -> None:
        lines = (line.partition(b":") for line in head.block.split(b"\r\n") if line)
        headers = [(name.lower(), value.strip()) for name, _, value in lines]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        if data or last:
            await self._write(data, last)

    async def _write(self, data: bytes, last: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left()

    def _left(self) -> None:
        self.gone = True
        if self._on_gone is not None:
            self._on_gone()

    def close(self) -> None:
        """The request is over: nobody waits for the client's leaving any more."""
        self._on_gone = None
        if self._watcher is not None:
            self._watcher.cancel()
