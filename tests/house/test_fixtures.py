"""The servers that the tests rest on are the real ones."""

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
