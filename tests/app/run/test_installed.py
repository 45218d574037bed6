"""A command on an installation refuses to make one: it names the folder that it looked in, and the remedy."""

from __future__ import annotations

import pytest

from app.errors import SettingError
from app.run.installed import need_database, need_secret
from app.settings import read_settings
from app.store.db import migrate


def test_a_folder_without_a_database_is_refused_and_stays_empty(tmp_path) -> None:
    settings = read_settings({"STILLWATCH_DATA": str(tmp_path / "none")})
    with pytest.raises(SettingError, match=rf"STILLWATCH_DATA: {tmp_path}/none holds no .*`stillwatch run`"):
        need_database(settings)
    assert list(tmp_path.iterdir()) == []
    migrate(settings.database_url)
    need_database(settings)


def test_a_database_that_is_named_must_be_there_too(tmp_path) -> None:
    settings = read_settings({"DATABASE_URL": f"sqlite:///{tmp_path}/typo.db", "STILLWATCH_DATA": str(tmp_path / "d")})
    with pytest.raises(SettingError, match=rf"DATABASE_URL: there is no file {tmp_path}/typo.db"):
        need_database(settings)


def test_a_server_says_by_itself_what_it_holds(tmp_path) -> None:
    url = "postgresql://localhost/none"
    need_database(read_settings({"DATABASE_URL": url, "STILLWATCH_DATA": str(tmp_path / "none")}))


def test_no_secret_is_made(tmp_path) -> None:
    folder = {"STILLWATCH_DATA": str(tmp_path / "none")}
    with pytest.raises(SettingError, match="secret is missing"):
        need_secret(read_settings(folder))
    assert list(tmp_path.iterdir()) == []
    need_secret(read_settings({**folder, "STILLWATCH_SECRET": "s" * 32}))
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "secret").write_text("s" * 64)
    need_secret(read_settings(folder))
