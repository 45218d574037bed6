"""`stillwatch mode`, on the real database and a real Redis."""

from __future__ import annotations

import pytest
import redis

from app.errors import InvalidInput
from app.run import mode
from app.settings import read_settings
from app.store.mode import KEY, Told, parse


@pytest.fixture
def settings(database_url, redis_url, tmp_path):
    return read_settings({"DATABASE_URL": database_url, "REDIS_URL": redis_url, "STILLWATCH_DATA": str(tmp_path)})


def test_it_is_said_switched_and_told(settings, redis_url, capsys):
    assert mode.main(settings, "", "") == 0
    assert capsys.readouterr().out == "observe (STILLWATCH_MODE; nobody has switched it)\n"
    assert mode.main(settings, "ENFORCE", "ready") == 0
    said = capsys.readouterr().out
    assert said.startswith("enforce (change 1, ")
    assert "command line: ready" in said
    assert said.endswith("the gateways were told\n")
    with redis.Redis.from_url(redis_url) as client:
        assert parse(client.get(KEY)) == Told("enforce", 1)
    mode.main(settings, "", "")
    assert capsys.readouterr().out.startswith("enforce (change 1, ")


def test_without_redis_it_says_who_will_tell(sqlite_url, free_port, tmp_path, capsys):
    base = {"DATABASE_URL": sqlite_url, "STILLWATCH_DATA": str(tmp_path)}
    for number, more in enumerate(({}, {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"})):
        assert mode.main(read_settings(base | more), ("bypass", "observe")[number], "") == 0
        assert capsys.readouterr().out.endswith("a worker tells the gateways within ten seconds\n")


def test_a_mistake_is_named(sqlite_url, tmp_path):
    settings = read_settings({"DATABASE_URL": sqlite_url, "STILLWATCH_DATA": str(tmp_path)})
    with pytest.raises(InvalidInput, match="observe, enforce, bypass"):
        mode.main(settings, "off", "")


def test_the_bundled_server_is_found_by_its_socket(valkey, tmp_path):
    settings = read_settings({"STILLWATCH_DATA": str(tmp_path)})
    assert mode.redis_url(settings) == ""
    (tmp_path / "valkey.sock").symlink_to(valkey.socket)
    assert mode.redis_url(settings) == f"unix://{tmp_path.resolve() / 'valkey.sock'}?db=0"
