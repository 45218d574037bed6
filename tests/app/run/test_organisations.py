"""`stillwatch organisations import`: all of a table, or nothing of it."""

import asyncio

import pytest

from app.campaigns import organisations
from app.errors import InvalidInput
from app.run.organisations import run_import
from app.settings import read_settings
from app.store.db import make_engine, read_scope


def known(url):
    async def read():
        engine = make_engine(url)
        async with read_scope(engine) as session:
            found = await organisations.verified(session)
        await engine.dispose()
        return found

    return asyncio.run(read())


def test_a_file_is_read_whole_or_not_at_all(sqlite_url, tmp_path, capsys, migrated):
    migrated(sqlite_url)
    settings = read_settings({"DATABASE_URL": sqlite_url.replace("+aiosqlite", "")})
    table = tmp_path / "table.csv"
    table.write_text("\ufeffclient,organisation\ncl_0000000000000001,Acme\n", "utf-8")
    assert run_import(settings, table, True) == 0
    assert capsys.readouterr().out == "1 organisation (verified), 1 entry set, 0 taken back\n"
    assert known(sqlite_url) == {"cl_0000000000000001": "Acme"}
    table.write_text("client,organisation\ncl_0000000000000002,Acme\nnobody,Acme\n", "utf-8")
    with pytest.raises(InvalidInput, match="line 3"):
        run_import(settings, table, True)
    assert known(sqlite_url) == {"cl_0000000000000001": "Acme"}
    with pytest.raises(InvalidInput):
        run_import(settings, tmp_path / "missing.csv", True)
