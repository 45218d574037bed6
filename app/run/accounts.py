"""The command `stillwatch accounts`: an operator's table of clients and the customers they belong to."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.clients import accounts
from app.csvfile import unreadable
from app.errors import InvalidInput
from app.run.tokens import in_session
from app.settings import Settings
from detectors.said import count as counted


def run_import(settings: Settings, path: Path) -> int:
    """Read a CSV file (client,account) and set what it says: all of it, or nothing where a line is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            table = list(accounts.read(lines))
    except (OSError, UnicodeDecodeError, InvalidInput) as error:
        raise unreadable(path, error) from None

    async def work(session: AsyncSession) -> int:
        return await accounts.give(session, table, time.time())

    done = in_session(settings, work)
    customers = len({one.account for one in table if one.account})
    clients = counted(done, "client belongs", "clients belong")
    sys.stdout.write(f"{clients} to {counted(customers, 'account')}\n")
    return 0
