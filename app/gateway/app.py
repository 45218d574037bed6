"""The gateway's application: its own few endpoints by FastAPI, everything else to the proxy before any routing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, cast

from fastapi import FastAPI

from app.gateway.clock import Clock
from app.gateway.counts import Counts
from app.gateway.cycle import Cycle, Receive, Scope, Send
from app.gateway.endpoints import add_endpoints
from app.gateway.enforce import Enforcer
from app.gateway.metrics import Readings
from app.gateway.naming import identifier
from app.gateway.proxy import Observer, Proxy
from app.gateway.routefile import read_routes
from app.settings import Settings
from app.store.follower import Follower
from app.store.handoff import Sender
from app.store.mode import Told
from app.store.redis import connect_async
from app.store.secret import load_secret
from app.store.table import Table

PREFIX = b"/_stillwatch/"  # reserved; no model API has it
FLUSH_SECONDS = 2.0  # for the last copies to reach the extractor at a stop

logger = logging.getLogger(__name__)


class Gateway(FastAPI):
    """Sends whatever is not under the reserved prefix to the proxy, byte for byte."""

    proxy: Proxy

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:  # type: ignore[override]
        """The ASGI callable; whatever is for the proxy reaches it before routing and middleware."""
        if scope["type"] == "http" and not (scope.get("raw_path") or scope["path"].encode()).startswith(PREFIX):
            return self.proxy(scope, receive, send)
        return super().__call__(scope, receive, send)  # type: ignore[arg-type]

    def swift(self, cycle: Cycle) -> bool:
        """Serve an ordinary request with no coroutine at all; False where it is not one."""
        return (cycle.plan is not None or not cycle.target.startswith(PREFIX)) and self.proxy.swift(cycle)

    def shortcut(self, cycle: Cycle) -> Coroutine[Any, Any, None] | None:
        """The same for our own server, which spares the proxy's requests ASGI's messages."""
        return None if cycle.target.startswith(PREFIX) else self.proxy.serve(cycle)


class Parts:
    """What a gateway process consists of besides its listener."""

    def __init__(self, settings: Settings, secret: bytes) -> None:
        self.told = Told(settings.mode, 0)  # the mode, and the number of the change that set it; 0 by the setting
        self.counts = Counts()
        self.identifier = identifier(secret, settings)
        self.router = read_routes(settings)
        self.enforcer = Enforcer(table := Table())
        self.table = table
        self.stopping = False
        self.started = time.time()
        self.readings = Readings(self)
        instance = f"{socket.gethostname()}-{os.getpid()}"
        self.sender = Sender(
            settings.handoff, settings.channel_bytes, instance,
            self.readings.flat, self.identifier.new_accounts, self.started,
        )  # fmt: skip
        standing = table.by_client
        self._observer = Observer(self.sender, self.identifier, self.enforcer, standing, settings.copy_bytes)
        self.follower: Follower | None = None
        if settings.redis_url:
            self.follower = Follower(connect_async(settings.redis_url), table, self.switch)
        self.clock = Clock()
        self.proxy = Proxy(self.router, self.counts, self.clock, None, settings.max_concurrency)
        self._take_up()

    @property
    def mode(self) -> str:
        """observe, enforce or bypass."""
        return self.told.mode

    def switch(self, told: Told) -> None:
        """Take up a mode: requests that begin from now on are served in it."""
        if told != self.told:
            logger.info("the mode is %s now, by change %d; it was %s", told.mode, told.version, self.told.mode)
            self.told = told
            self._take_up()

    def _take_up(self) -> None:
        self.enforcer.enforcing = self.mode == "enforce"
        self.proxy.watch(None if self.mode == "bypass" else self._observer)

    @contextlib.asynccontextmanager
    async def running(self, _app: FastAPI) -> AsyncIterator[None]:
        """Start the background work; at the end flush what waits and close every connection."""
        self.clock.start(asyncio.get_running_loop())
        self.router.start()
        self.sender.start()
        following = asyncio.create_task(self.follower.run()) if self.follower is not None else None
        yield
        self.clock.stop()
        self.router.close()
        await self.sender.close(FLUSH_SECONDS)
        if following is not None:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            await cast(Follower, self.follower).close()


def create_gateway_app(settings: Settings) -> Gateway:
    """The application over `settings`; raises SettingError when it cannot know its upstream or its secret."""
    parts = Parts(settings, load_secret(settings))
    app = Gateway(
        title="Stillwatch gateway",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=parts.running,
    )
    app.proxy = parts.proxy
    app.state.parts = parts
    add_endpoints(app, parts, PREFIX.decode(), settings.status_token)
    return app
