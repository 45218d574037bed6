"""The mode: the newest change holds, every change is kept, and doing it twice is doing it once."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import Conflict, InvalidInput, PreconditionFailed
from app.policies import mode
from app.store.db import read_scope, session_scope
from app.store.mode import Told

NOW = 1_800_000_000.0


async def switch(engine, wanted, reason="", expected=None, now=NOW):
    async with session_scope(engine) as session:
        return await mode.switch(session, wanted, reason, "ana", "observe", now, expected)


async def present(engine, setting="observe"):
    async with read_scope(engine) as session:
        return await mode.present(session, setting)


async def test_the_setting_holds_until_somebody_says_otherwise(database):
    assert await present(database, "bypass") == mode.Present("bypass", 0)
    assert (await present(database)).told() is None
    changed = await switch(database, "enforce", " from today ")
    assert (changed.mode, changed.version, changed.reason, changed.actor) == ("enforce", 1, "from today", "ana")
    assert await present(database, "bypass") == changed
    assert changed.told() == Told("enforce", 1)


async def test_every_change_is_kept_and_repeating_one_is_none(database):
    for wanted in ("observe", "enforce", "enforce", "bypass"):
        await switch(database, wanted)
    async with read_scope(database) as session:
        kept = [(change.version, change.mode) for change in await mode.history(session)]
    assert kept == [(3, "bypass"), (2, "enforce"), (1, "observe")]  # to say what the setting says is a change too


async def test_a_version_that_is_not_the_present_one_is_refused(database):
    await switch(database, "enforce", expected=0)
    with pytest.raises(PreconditionFailed):
        await switch(database, "bypass", expected=0)
    assert (await switch(database, "bypass", expected=1)).version == 2


@pytest.mark.parametrize(("wanted", "reason"), [("off", ""), ("", ""), ("enforce", "a\0"), ("enforce", "x" * 2001)])
async def test_what_is_wrong_changes_nothing(sqlite_database, wanted, reason):
    with pytest.raises(InvalidInput):
        await switch(sqlite_database, wanted, reason)
    assert (await present(sqlite_database)).version == 0


async def test_two_at_once_are_two_changes_or_a_conflict(database):
    results = await asyncio.gather(*(switch(database, m) for m in ("enforce", "bypass")), return_exceptions=True)
    assert all(isinstance(result, mode.Present | Conflict) for result in results), results
    made = [result for result in results if isinstance(result, mode.Present)]
    assert (await present(database)).version == len(made) >= 1
