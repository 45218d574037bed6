"""The admin token comes from the setting, else from a file that only its owner reads."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.access.bootstrap import FILE, load_admin_token
from app.errors import SettingError
from app.settings import read_settings


def settings(folder, **env):
    return read_settings({"STILLWATCH_DATA": str(folder), **env})


def test_the_setting_wins_and_writes_nothing(tmp_path):
    assert load_admin_token(settings(tmp_path, STILLWATCH_ADMIN_TOKEN="t" * 16)) == "t" * 16
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_made_once_and_closed_to_others(tmp_path):
    folder = tmp_path / "data"
    first = load_admin_token(settings(folder))
    assert first.startswith("swt_")
    assert load_admin_token(settings(folder)) == first
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_processes_that_start_together_agree(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(load_admin_token, [settings(tmp_path)] * 32))) == 1


def test_a_file_that_is_too_short_is_named(tmp_path):
    (tmp_path / FILE).write_text("short\n")
    with pytest.raises(SettingError, match=FILE):
        load_admin_token(settings(tmp_path))


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SettingError, match="STILLWATCH_DATA"):
        load_admin_token(settings(tmp_path / "data"))
