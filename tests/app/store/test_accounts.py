"""Accounts in Redis: written by client, read back in order, unknown ones empty; what was given counts first."""

from __future__ import annotations

import pytest
import redis as client

from app.store import accounts
from app.store.accounts import GIVEN, KEPT_SECONDS, part_commands, whole_commands
from app.store.redis import Link, connect


def test_what_was_named_is_read_back(redis_url):
    with connect(redis_url) as redis:
        redis.execute_command(*accounts.name_command({"00000000000000ff": "Acme · Söhne", "0000000000000001": "b"}))
        assert accounts.parse(redis.hmget(accounts.KEY, accounts.fields([1, 2, 255]))) == ["b", "", "Acme · Söhne"]


def test_what_was_given_counts_over_what_gateways_were_told_and_is_read_with_it(redis_url, monkeypatch):
    with connect(redis_url) as redis:
        redis.execute_command(*accounts.name_command({f"{number:016x}": "told" for number in (1, 2)}))
        redis.hset(GIVEN, mapping={f"{number:016x}": "given · Söhne" for number in (2, 3)})
        sent = []
        trip = client.connection.AbstractConnection.send_packed_command
        monkeypatch.setattr(
            client.connection.AbstractConnection,
            "send_packed_command",
            lambda self, *args, **more: (sent.append(1), trip(self, *args, **more))[1],
        )
        assert accounts.owners(redis, [1, 2, 3, 4]) == ["told", "given · Söhne", "given · Söhne", ""]
        assert len(sent) == 1  # round trips


@pytest.fixture
def link(redis_url):
    made = Link(redis_url, 2.0)
    yield made
    made.close()


def test_a_copy_is_read_only_once_it_is_whole_and_one_that_is_left_goes(link, redis_url):
    with connect(redis_url) as redis:
        redis.hset(GIVEN, mapping={f"{1:016x}": "old", f"{9:016x}": "taken back"})
        link.pipeline(part_commands("next", "s2", {1: "new"}, first=True))
        assert accounts.owners(redis, [1, 2, 9]) == ["old", "", "taken back"]
        assert 0 < redis.ttl("next") <= KEPT_SECONDS
        link.pipeline([*part_commands("next", "s2", {2: "new"}, first=False), *whole_commands("next")])
        assert accounts.owners(redis, [1, 2, 9]) == ["new", "new", ""]
        assert (redis.ttl(GIVEN), redis.hget(GIVEN, accounts.STAMP), redis.exists("next")) == (-1, b"s2", 0)
