"""`stillwatch token`, on the real database."""

import re

import pytest

from app.errors import InvalidInput, NotFound
from app.run import tokens
from app.settings import read_settings


def test_create_list_revoke(database_url, capsys):
    settings = read_settings({"DATABASE_URL": database_url})
    assert tokens.create(settings, "export", ["alerts:read"]) == 0
    created = capsys.readouterr()
    secret = created.out.strip()
    assert re.fullmatch(r"\S{20,}", secret)
    identity = created.err.split()[0]
    assert "alerts:read" in created.err

    assert tokens.list_all(settings) == 0
    listed = capsys.readouterr().out
    assert identity in listed
    assert "export" in listed
    assert secret not in listed

    assert tokens.revoke(settings, identity) == 0
    assert capsys.readouterr().out == f"{identity} (export) is revoked\n"


def test_default_scopes_only_read(sqlite_url, capsys):
    settings = read_settings({"DATABASE_URL": sqlite_url})
    tokens.create(settings, "look", [])
    assert "alerts:write" not in capsys.readouterr().err


def test_mistakes_are_named(sqlite_url):
    settings = read_settings({"DATABASE_URL": sqlite_url})
    with pytest.raises(InvalidInput, match="scopes"):
        tokens.create(settings, "x", ["everything"])
    with pytest.raises(NotFound):
        tokens.revoke(settings, "tk_none")
