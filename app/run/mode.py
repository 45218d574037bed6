"""`stillwatch mode`: read and switch the gateways' mode, straight in the database, so that it needs no console."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from app.policies import mode
from app.policies.mode import Present
from app.run.tokens import in_session
from app.settings import Settings
from app.store import mode as stored
from app.store.redis import connect

ACTOR = "command line"
REDIS_SECONDS = 2.0


def main(settings: Settings, wanted: str, reason: str) -> int:
    """Print the mode, or switch it and print what it is then."""
    if not wanted:
        return _say(in_session(settings, lambda session: mode.present(session, settings.mode)))

    async def switch(session: AsyncSession) -> Present:
        return await mode.switch(session, wanted.lower(), reason, ACTOR, settings.mode, time.time())

    present = in_session(settings, switch)
    _say(present)
    print("the gateways were told" if _tell(settings, present) else "a worker tells the gateways within ten seconds")  # noqa: T201
    return 0


def _say(present: Present) -> int:
    if present.at is None:
        print(f"{present.mode} (STILLWATCH_MODE; nobody has switched it)")  # noqa: T201
    else:
        why = f": {present.reason}" if present.reason else ""
        print(f"{present.mode} (change {present.version}, {present.at:%Y-%m-%d %H:%M} UTC, {present.actor}{why})")  # noqa: T201
    return 0


def redis_url(settings: Settings) -> str:
    """The Redis of the settings, else the bundled one of the data folder where it runs, else empty."""
    socket = Path(settings.data).resolve() / "valkey.sock"
    if settings.redis_url or not socket.is_socket():
        return settings.redis_url
    return f"unix://{quote(str(socket))}?db=0"


def _tell(settings: Settings, present: Present) -> bool:
    url, told = redis_url(settings), present.told()
    if not url or told is None:
        return False
    with closing(connect(url, REDIS_SECONDS)) as client:
        try:
            stored.publish(client, told)
        except RedisError:
            return False
    return True
