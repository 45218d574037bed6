"""The roof of API and dashboard: puts their parts together on one listener, apart from the gateway's."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI

from app.access.bootstrap import load_admin_token
from app.access.memory import Memory
from app.access.tokens import ensure_admin
from app.alerts.chance import Kept
from app.api import documents, problems, routes
from app.api.edge import Edge
from app.api.metrics import ApiMetrics
from app.console.pages import make_router as make_console_router
from app.console.startup import Startup
from app.errors import SettingError, Unavailable
from app.settings import Settings
from app.store.db import leave, make_engine, session_scope
from app.store.redis import connect_async
from app.store.reference import Watched, load_engine
from app.store.secret import load_secret
from app.telemetry import configure_logging
from detectors.engine import Engine

REDIS_SECONDS = 0.5
RETRY_SECONDS = 1.0
REFERENCE_SECONDS = 5.0  # between two looks at the reference's file
DRAIN_SECONDS = 5
BACKLOG = 512

logger = logging.getLogger(__name__)


async def _admit_admin(app: FastAPI, token: str) -> bool:
    """Make the operator's token valid; False where the database does not answer yet."""
    try:
        async with session_scope(app.state.engine) as session:
            await ensure_admin(session, token, time.time())
    except Unavailable:
        return False
    return True


async def _admit_later(app: FastAPI, token: str) -> None:
    logger.warning("the database does not answer yet: nobody can sign in")
    while True:
        await asyncio.sleep(RETRY_SECONDS)
        if await _admit_admin(app, token):
            logger.info("the database answers: the admin token is valid")
            return


def _load(settings: Settings) -> Engine:
    return load_engine(settings.reference, settings.plans, settings.releases)


async def _follow(reference: Watched) -> None:
    """Take up a new reference when its file changes, so that pages say what the workers go by."""
    while True:
        await asyncio.sleep(REFERENCE_SECONDS)
        reference.refresh()


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load what takes long beside the loop, let the operator in, and close the connections at the end."""
    settings: Settings = app.state.settings
    if app.state.scoring is None:
        app.state.scoring = await asyncio.to_thread(_load, settings)
    follower = asyncio.create_task(_follow(Watched(app.state.scoring, settings.reference)))
    token = load_admin_token(settings)
    later = None if await _admit_admin(app, token) else asyncio.create_task(_admit_later(app, token))
    try:
        yield
    finally:
        for task in (later, follower):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await app.state.redis.aclose()
        await leave(app.state.engine)


def create_console_app(settings: Settings) -> FastAPI:
    """API and dashboard. Connects on first use; `app.state` holds what `equip` gives."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan, redirect_slashes=False)
    app.include_router(routes.make_router())
    app.include_router(make_console_router())
    problems.install(app)
    documents.install(app)
    equip(app, settings)
    return app


def equip(app: FastAPI, settings: Settings) -> None:
    """Give an application that has its routes what they find in `app.state`, and its edge."""
    app.state.settings = settings
    app.state.engine = make_engine(settings.database_url)
    app.state.redis = connect_async(settings.redis_url, REDIS_SECONDS)
    app.state.secret = load_secret(settings)
    app.state.scoring = None
    app.state.chance = Kept()
    app.state.metrics = ApiMetrics()
    app.state.startup = Startup(time.time(), time.monotonic())
    app.state.memory = Memory()
    app.add_middleware(Edge, metrics=app.state.metrics)


class _Server(uvicorn.Server):
    """uvicorn, but a stop signal ends it with success instead of being raised again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ask for a stop at SIGTERM and SIGINT."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(super().capture_signals())
            stack.callback(self._captured_signals.clear)
            yield


def _listen(settings: Settings) -> socket.socket:
    """The listening socket; raises OSError where the address is taken, SettingError where it is none of this host."""
    family = socket.AF_INET6 if ":" in settings.console_host else socket.AF_INET
    try:
        return socket.create_server((settings.console_host, settings.console_port), family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        unknown = number is None or number < 0  # of name resolution, or a name that none could be
        if not unknown and number != errno.EADDRNOTAVAIL:
            raise
        problem = "no such host is known" if unknown else "it is no address of this machine"
        remedy = "give 127.0.0.1, another address of this machine, or 0.0.0.0 for all of them"
        raise SettingError("STILLWATCH_CONSOLE_HOST", problem, remedy) from None


def serve_console(settings: Settings) -> int:
    """Serve API and dashboard until SIGTERM or SIGINT; returns 0."""
    configure_logging(settings, "console")
    with _listen(settings) as listener:
        app = create_console_app(settings)
        app.state.scoring = _load(
            settings
        )  # here, where a wrong file is one line; the server would make it a traceback
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        server = _Server(config)
        server.run(sockets=[listener])
    return 0 if server.started else 1
