"""The servers that the tests rest on are the real ones, and the order of the tests loses none."""

from pathlib import Path
from types import SimpleNamespace

import redis
from sqlalchemy import create_engine, text


def test_valkey_is_a_real_server_with_streams(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.xadd("s", {"a": 1})
        assert client.xlen("s") == 1


def test_each_test_gets_an_empty_server(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_a_killed_server_refuses(private_valkey):
    private_valkey.start()
    private_valkey.kill()
    with redis.Redis.from_url(private_valkey.url) as client:
        try:
            client.ping()
        except redis.ConnectionError:
            return
    raise AssertionError("the killed server still answers")


def test_database_is_empty_on_both_kinds(database_url):
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()


def test_each_process_begins_with_long_ones_and_none_is_lost(request):
    root = Path(__file__).parents[2]
    shared = request.config.pluginmanager.get_plugin(str(root / "tests" / "conftest.py"))
    assert all((root / name).is_file() for name in shared.LONG)
    paths = sorted((root / "tests").rglob("test_*.py")) * 3
    items = [SimpleNamespace(path=path, number=number) for number, path in enumerate(paths)]
    shared.pytest_collection_modifyitems(SimpleNamespace(workerinput={"workercount": 3}, rootpath=root), items)
    assert sorted(item.number for item in items) == list(range(len(paths)))
    begins = [items[len(items) * share // 3].path.relative_to(root).as_posix() for share in range(3)]
    assert begins == list(shared.LONG[:3])
