"""The gateway process: one listener, uvicorn on uvloop, a stop that loses no answer within its limit."""

from __future__ import annotations

import logging
import math
import resource
import socket

import uvicorn

from app.gateway.app import Gateway, create_gateway_app
from app.gateway.server import Protocol, Server
from app.listening import listen_error
from app.memory import gather, settle
from app.settings import Settings
from app.telemetry import configure_logging

KEEP_ALIVE_SECONDS = 75  # longer than the load balancers in front keep idle connections
FEW_FILES = 4096  # a stream takes two descriptors
SPARE_FILES = 64  # what a gateway needs besides
BACKLOG = 2048
KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))

logger = logging.getLogger(__name__)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; accepted connections inherit its keep-alive. Raises SettingError where it cannot be."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEPALIVE:
                listener.setsockopt(socket.IPPROTO_TCP, option, value)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        raise listen_error("GATEWAY", host, port, error) from None
    return listener


def _check_files(concurrency: int) -> None:
    """Raise the limit on open files as far as we may, and say so where that is too few for so many requests."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 1 << 20)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    except (OSError, ValueError):
        pass
    wanted = max(FEW_FILES, 2 * concurrency + SPARE_FILES)
    if soft < wanted:
        text = "only %d open files are allowed: about %d streams at once; raise ulimit -n to %d (systemd: LimitNOFILE)"
        logger.warning(text, soft, (soft - SPARE_FILES) // 2, wanted)


def make_server(app: Gateway, drain_seconds: float) -> Server:
    """uvicorn's server as the gateway needs it, for `app`."""
    config = uvicorn.Config(
        app,
        http=Protocol,
        loop="uvloop",
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, math.ceil(drain_seconds)),
    )

    def stopping() -> None:
        app.state.parts.stopping = True

    return Server(config, stopping)


def main(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    configure_logging(settings, "gateway")
    app = create_gateway_app(settings)
    _check_files(settings.max_concurrency)
    listener = _listen(settings.gateway_host, settings.gateway_port)
    logger.info("gateway on http://%s:%d for %s", *listener.getsockname()[:2], settings.upstream)
    settle()
    gather()
    with listener:
        make_server(app, settings.drain_seconds).run(sockets=[listener])
    return 0
