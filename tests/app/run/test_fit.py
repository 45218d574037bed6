"""The command finds the running service by its data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import InvalidInput
from app.run import fit
from app.settings import read_settings


def test_without_a_service_or_logs_it_says_what_to_give(tmp_path) -> None:
    settings = read_settings({"STILLWATCH_DATA": str(tmp_path)})
    with pytest.raises(InvalidInput, match="REDIS_URL is empty"):
        fit.main(settings, [], True, None, None, False)


def test_the_bundled_server_of_the_data_folder_is_asked(tmp_path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(fit, "redis_url", lambda _: "unix:///somewhere/valkey.sock")
    monkeypatch.setattr(fit, "run_command", lambda settings, *rest: asked.append((settings.redis_url, rest)) or 0)
    assert fit.main(read_settings({"STILLWATCH_DATA": str(tmp_path)}), [], True, None, Path("x.npz"), False) == 0
    assert asked == [("unix:///somewhere/valkey.sock", ([], True, None, Path("x.npz"), False))]
