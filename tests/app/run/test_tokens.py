"""`stillwatch token`, on the real database."""

import re

import pytest

from app.access.tokens import list_tokens
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


def test_a_token_may_end_by_itself(sqlite_url, capsys):
    settings = read_settings({"DATABASE_URL": sqlite_url})
    tokens.create(settings, "auditor", [], 2)
    ends = re.search(r" until (\d{4}-\d\d-\d\d \d\d:\d\d) UTC: ", capsys.readouterr().err)[1]
    tokens.create(settings, "ever", [])
    assert " until " not in capsys.readouterr().err
    tokens.list_all(settings)
    head, *rows = capsys.readouterr().out.splitlines()
    place = head.index("EXPIRES")
    assert {row[place:].split("  ")[0] for row in rows} == {ends, "-"}
    (token,) = [one for one in tokens.in_session(settings, list_tokens) if one.name == "auditor"]
    assert (token.expires_at - token.created_at).total_seconds() == pytest.approx(2 * 86_400, abs=1)


@pytest.mark.parametrize("days", [0, -1, 4000, float("nan")])
def test_a_wrong_number_of_days_is_named(sqlite_url, days):
    with pytest.raises(InvalidInput, match="--days: give a number up to 3,650"):
        tokens.create(read_settings({"DATABASE_URL": sqlite_url}), "x", [], days)
