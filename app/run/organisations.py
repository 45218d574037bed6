"""The command `stillwatch organisations`: an operator's table of clients or accounts and the companies behind them."""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import organisations
from app.campaigns.organisations import Imported
from app.csvfile import unreadable
from app.errors import InvalidInput
from app.run.tokens import in_session
from app.settings import Settings
from detectors.said import count as counted

ACTOR = "command line"


def run_import(settings: Settings, path: Path, verified: bool) -> int:
    """Read a CSV file and set what it says: all of it, or nothing where a line is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            table = organisations.read(lines)
    except (OSError, UnicodeDecodeError, InvalidInput) as error:
        raise unreadable(path, error) from None

    async def work(session: AsyncSession) -> Imported:
        return await organisations.give(session, table, ACTOR, time.time(), verified=verified)

    done = in_session(settings, work)
    word = "verified" if verified else "not verified"
    companies, entries = counted(done.organisations, "organisation"), counted(done.entries, "entry", "entries")
    print(f"{companies} ({word}), {entries} set, {done.removed} taken back")  # noqa: T201
    return 0
