"""The command that imports accounts: says what it did, and changes nothing where a line is wrong."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.errors import InvalidInput
from app.run.accounts import run_import
from app.settings import read_settings


@pytest.fixture
def settings(sqlite_url, tmp_path, migrated):
    migrated(sqlite_url)
    return read_settings({"DATABASE_URL": sqlite_url, "STILLWATCH_DATA": str(tmp_path)})


def stored(url):
    engine = sa.create_engine(url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        found = connection.execute(sa.text("select id, account from client order by id")).fetchall()
    engine.dispose()
    return [tuple(row) for row in found]


def test_a_table_is_imported(settings, sqlite_url, tmp_path, capsys):
    table = tmp_path / "table.csv"
    table.write_text("\ufeffclient,account\ncl_0000000000000001,Acme\ncl_0000000000000002,Acme\n", "utf-8")
    assert run_import(settings, table) == 0
    assert capsys.readouterr().out == "2 clients belong to 1 account\n"
    assert stored(sqlite_url) == [("cl_0000000000000001", "Acme"), ("cl_0000000000000002", "Acme")]


def test_a_fresh_data_folder_is_made_ready(sqlite_url, tmp_path):
    """As by every other command that changes the database."""
    table = tmp_path / "table.csv"
    table.write_text("client,account\ncl_0000000000000001,Acme\n", "utf-8")
    run_import(read_settings({"DATABASE_URL": sqlite_url, "STILLWATCH_DATA": str(tmp_path)}), table)
    assert stored(sqlite_url) == [("cl_0000000000000001", "Acme")]


def test_a_wrong_line_changes_nothing(settings, sqlite_url, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("client,account\ncl_0000000000000001,Acme\nme,Acme\n", "utf-8")
    with pytest.raises(InvalidInput, match=r"line 3: 'me' is no client"):
        run_import(settings, table)
    assert stored(sqlite_url) == []


def test_a_missing_file_is_named(settings, tmp_path):
    with pytest.raises(InvalidInput, match=r"none\.csv"):
        run_import(settings, tmp_path / "none.csv")
