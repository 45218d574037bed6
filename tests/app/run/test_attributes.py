"""`stillwatch attributes`: a table whole or not at all, and forgetting."""

import pytest
import sqlalchemy as sa

from app.errors import InvalidInput
from app.run.attributes import run_forget, run_import
from app.settings import read_settings

ONE = "cl_0000000000000001"


@pytest.fixture
def settings(sqlite_url, tmp_path, migrated):
    migrated(sqlite_url)
    return read_settings({"DATABASE_URL": sqlite_url, "STILLWATCH_DATA": str(tmp_path), "STILLWATCH_SECRET": "s" * 32})


def stored(url):
    engine = sa.create_engine(url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select of, name, hash from sign_up_attribute order by of, name")).fetchall()
    engine.dispose()
    return [tuple(row) for row in rows]


def test_a_file_is_read_whole_or_not_at_all(settings, sqlite_url, tmp_path, capsys):
    table = tmp_path / "table.csv"
    table.write_text(f"\ufeffclient,email_domain,payment\n{ONE},Example.org,4711\n", "utf-8")
    assert run_import(settings, table, False) == 0
    assert capsys.readouterr().out == "1 entry: 2 attributes set, 0 as they were, 0 taken back\n"
    before = stored(sqlite_url)
    assert [row[:2] for row in before] == [(ONE, "email_domain"), (ONE, "payment")]
    lines = tmp_path / "table.jsonl"
    lines.write_text(f'{{"client": "{ONE}", "attributes": {{"email_domain": "example.org"}}}}\n', "utf-8")
    assert run_import(settings, lines, True) == 0
    assert capsys.readouterr().out == "1 entry: 0 attributes set, 1 as they were, 1 taken back\n"
    assert stored(sqlite_url) == before[:1]
    table.write_text(f"client,payment\n{ONE},1\nnobody,2\n", "utf-8")
    for path in (table, tmp_path / "missing.csv"):
        with pytest.raises(InvalidInput, match=path.name):
            run_import(settings, path, False)
    assert stored(sqlite_url) == before[:1]


def test_forgetting_takes_one_client_account_or_name(settings, sqlite_url, tmp_path, capsys):
    for text in (f"client,email_domain,payment\n{ONE},a.org,1\n", "account,payment,phone\nAcme,1,2\n"):
        (tmp_path / "table.csv").write_text(text, "utf-8")
        run_import(settings, tmp_path / "table.csv", False)
    capsys.readouterr()
    for client, account, name in ((None, None, None), (ONE, "Acme", None), (ONE, None, "payment"), (None, None, "No")):
        with pytest.raises(InvalidInput):
            run_forget(settings, client, account, name)
    assert run_forget(settings, None, None, "payment") == 0
    assert run_forget(settings, ONE, None, None) == 0
    assert [row[:2] for row in stored(sqlite_url)] == [("Acme", "phone")]
    run_forget(settings, None, "Acme", None)
    assert stored(sqlite_url) == []
    assert capsys.readouterr().out == "2 attributes forgotten\n" + "1 attribute forgotten\n" * 2
