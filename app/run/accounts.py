"""The command `stillwatch accounts`: an operator's table of clients and the customers they belong to."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from app.clients import accounts
from app.errors import InvalidInput, StillwatchError
from app.settings import Settings
from app.store.db import make_engine, session_scope


def run_import(settings: Settings, path: Path) -> int:
    """Read a CSV file (client,account) and set what it says: all of it, or nothing where a line is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            table = list(accounts.read(lines))
    except (OSError, UnicodeDecodeError) as error:
        raise StillwatchError(f"{path}: {error}") from None
    except InvalidInput as error:
        raise StillwatchError(f"{path}: {error}") from None
    done = asyncio.run(_give(settings, table))
    sys.stdout.write(f"{done} clients belong to {len({one.account for one in table if one.account})} accounts\n")
    return 0


async def _give(settings: Settings, table: list[accounts.Given]) -> int:
    engine = make_engine(settings.database_url)
    try:
        async with session_scope(engine) as session:
            return await accounts.give(session, table, time.time())
    finally:
        await engine.dispose()
