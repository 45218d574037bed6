"""The secret is made once, is private, and is one for all processes that start together."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest

from app.errors import SettingError
from app.settings import read_settings
from app.store.secret import load_secret, text_seed

ONE = "import sys; from app.settings import read_settings; from app.store.secret import load_secret;"
ONE += "sys.stdin.read(); print(load_secret(read_settings({'STILLWATCH_DATA': sys.argv[1]})).decode())"


def test_the_setting_wins(tmp_path):
    settings = read_settings({"STILLWATCH_DATA": str(tmp_path), "STILLWATCH_SECRET": "s" * 40})
    assert load_secret(settings) == b"s" * 40
    assert list(tmp_path.iterdir()) == []


def test_it_is_made_once_and_private(tmp_path):
    settings = read_settings({"STILLWATCH_DATA": str(tmp_path / "new" / "data")})
    secret = load_secret(settings)
    assert len(secret) == 64
    assert load_secret(settings) == secret
    assert stat.S_IMODE((tmp_path / "new" / "data" / "secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new" / "data").iterdir()] == ["secret"]


def test_a_file_that_others_may_read_is_closed(tmp_path):
    (tmp_path / "secret").write_text("x" * 64 + "\n")
    (tmp_path / "secret").chmod(0o644)
    assert load_secret(read_settings({"STILLWATCH_DATA": str(tmp_path)})) == b"x" * 64
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_processes_that_start_together_agree(tmp_path):
    command = [sys.executable, "-c", ONE, str(tmp_path / "data")]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    for process in processes:  # each has been started: let all of them go
        process.stdin.close()
        process.stdin = None
    told = {process.communicate(timeout=240)[0].strip() for process in processes}
    assert len(told) == 1
    assert len(told.pop()) == 64


@pytest.mark.parametrize("content", ["short", "", "   \n"])
def test_a_short_secret_is_refused_with_a_remedy(tmp_path, content):
    (tmp_path / "secret").write_text(content)
    with pytest.raises(SettingError, match=r"STILLWATCH_SECRET.*Remedy"):
        load_secret(read_settings({"STILLWATCH_DATA": str(tmp_path)}))


def test_a_data_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(SettingError, match="STILLWATCH_DATA"):
        load_secret(read_settings({"STILLWATCH_DATA": str(tmp_path / "data")}))


def test_the_seed_of_text_hashes_follows_the_secret_alone():
    assert text_seed(b"a" * 32) == text_seed(b"a" * 32)
    assert text_seed(b"a" * 32) != text_seed(b"b" * 32)
    assert 0 <= text_seed(b"a" * 32) < 2**64
