"""`stillwatch health ROLE`: whether this host's process of a role lives; for containers and other supervisors."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import redis

from app.errors import SettingError, Unavailable
from app.run import probe
from app.run.mode import redis_url
from app.settings import Settings
from app.store.heartbeat import read_all
from app.store.redis import connect

LISTENING = ("gateway", "console")
BEATING = ("extractor", "worker", "linker")  # no port of their own: their heartbeat in Redis tells


def _listens(settings: Settings, role: str) -> bool:
    where = {
        "gateway": (settings.gateway_host, settings.gateway_port, "/_stillwatch/livez"),
        "console": (settings.console_host, settings.console_port, "/livez"),
    }
    status, _ = asyncio.run(probe.get(*where[role], seconds=3.0))
    return status == 200


def _beats(settings: Settings, role: str) -> bool:
    url = redis_url(settings)
    if not url:
        raise SettingError(
            "REDIS_URL", "it is empty, and no Valkey runs in the data folder", "give the URL that the processes use"
        )
    host = socket.gethostname()
    try:
        with closing(connect(url, timeout=3.0)) as client:
            return any(beat.role == role and beat.host == host for beat in read_all(client))
    except redis.RedisError as error:
        raise Unavailable(f"Redis: {error}") from error


def main(settings: Settings, role: str) -> int:
    """0 where it lives, 1 where it does not."""
    if role in LISTENING:
        alive = _listens(settings, role)
    elif role in BEATING:
        alive = _beats(settings, role)
    else:
        raise SettingError("ROLE", f"{role!r} is unknown", f"give one of {', '.join((*LISTENING, *BEATING))}")
    print(f"{role} {'lives' if alive else 'does not answer'}")  # noqa: T201
    return 0 if alive else 1
