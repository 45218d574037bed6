"""Accounts in Redis: written by client, read back in order, unknown ones empty."""

from __future__ import annotations

from app.store import accounts
from app.store.redis import connect


def test_what_was_named_is_read_back(redis_url):
    with connect(redis_url) as redis:
        redis.execute_command(*accounts.name_command({"00000000000000ff": "Acme · Söhne", "0000000000000001": "b"}))
        assert accounts.parse(redis.hmget(accounts.KEY, accounts.fields([1, 2, 255]))) == ["b", "", "Acme · Söhne"]
