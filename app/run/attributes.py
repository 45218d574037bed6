"""The command `stillwatch attributes`: an operator's table of what clients or accounts signed up with."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import attribute_tables, attributes
from app.campaigns.attribute_tables import Entry
from app.campaigns.attributes import Imported
from app.csvfile import unreadable
from app.errors import InvalidInput
from app.run.tokens import in_session
from app.settings import Settings
from app.store.secret import load_secret
from detectors.said import count as counted

ACTOR = "command line"


def run_import(settings: Settings, path: Path, replace: bool) -> int:
    """Read a CSV file, or JSON lines, and set what it says: all of it, or nothing where a line is wrong."""
    entries, secret = _read(path), load_secret(settings)

    async def work(session: AsyncSession) -> Imported:
        return await attributes.give(session, entries, secret, ACTOR, time.time(), replace=replace)

    done = in_session(settings, work)
    sys.stdout.write(
        f"{counted(done.entries, 'entry', 'entries')}: {counted(done.changed, 'attribute')} set, "
        f"{done.unchanged} as they were, {done.removed} taken back\n"
    )
    return 0


def _read(path: Path) -> list[Entry]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            json_lines = path.suffix.lower() in (".jsonl", ".ndjson", ".json")
            return attribute_tables.read_json(lines) if json_lines else attribute_tables.read(lines)
    except (OSError, UnicodeDecodeError, InvalidInput) as error:
        raise unreadable(path, error) from None


def run_forget(settings: Settings, client: str | None, account: str | None, name: str | None) -> int:
    """Forget what a client or an account signed up with, or one attribute of everybody."""
    if name is not None and (client or account):
        raise InvalidInput("forget", "give a client, an account, or the name of an attribute: one of them")
    called = None if name is None else attribute_tables.named(name, "name")
    subject = None if called else attribute_tables.subject(client, account, "client or account")

    async def work(session: AsyncSession) -> int:
        if called is not None:
            return await attributes.drop(session, called, time.time())
        assert subject is not None
        return await attributes.forget(session, subject, time.time())

    forgotten = in_session(settings, work)
    sys.stdout.write(f"{counted(forgotten, 'attribute')} forgotten\n")
    return 0
