"""The worker keeps Redis's copy of the given accounts equal to the database, whatever happens to either."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
import redis

from app.clients import accounts
from app.clients.accounts import Given as Line
from app.errors import Unavailable
from app.models.client import client_ref
from app.store import accounts as store
from app.store.db import make_engine, session_scope
from app.store.redis import Link
from app.worker import given
from app.worker.given import Given
from app.worker.record import Recorder

NOW = 1_800_000_000.0
MANY = 10


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def imported(database_url, migrated):
    """A function that imports accounts by client number, as the command does."""
    migrated(database_url)

    def run(table):
        async def work():
            engine = make_engine(database_url)
            async with session_scope(engine) as session:
                await accounts.give(session, [Line(client_ref(one), name) for one, name in table.items()], NOW)
            await engine.dispose()

        asyncio.run(work())

    return run


@pytest.fixture
def keeper(database_url, redis_url, imported, monkeypatch):
    monkeypatch.setattr(given, "PAGE", 3)
    link = Link(redis_url, 2.0)
    recorder = Recorder(make_engine(database_url), str, Counter())
    yield Given(link, recorder)
    recorder.close()
    link.close()


def bring(keeper):
    keeper.compare()
    for _ in range(MANY):
        keeper.go_on()


def copied(client):
    return {int(name, 16): text.decode() for name, text in client.hgetall(store.GIVEN).items() if name != b"stamp"}


def test_an_import_reaches_redis_page_by_page_and_what_is_taken_back_goes(keeper, imported, client):
    table = {number: f"acme-{number % 2}" for number in range(1, 8)}
    imported(table)
    keeper.compare()
    for _ in range(2):
        keeper.go_on()
        assert copied(client) == {}  # nobody reads half of it
    keeper.go_on()
    assert copied(client) == table
    imported({1: "", 2: "bolt"})
    bring(keeper)
    assert copied(client) == {number: name for number, name in table.items() if number > 2} | {2: "bolt"}
    assert client.keys("*given*") == [store.GIVEN.encode()]


def test_a_number_of_clients_that_fills_the_last_page_is_whole(keeper, imported, client):
    table = dict.fromkeys(range(1, 7), "acme")
    imported(table)
    bring(keeper)
    assert copied(client) == table


def test_a_redis_that_forgot_is_told_again_and_one_that_knows_is_left_alone(keeper, imported, client, monkeypatch):
    imported({1: "acme"})
    bring(keeper)
    client.flushall()
    bring(keeper)
    assert copied(client) == {1: "acme"}
    client.hset(store.GIVEN, f"{2:016x}", "a trace")
    bring(keeper)
    assert copied(client) == {1: "acme", 2: "a trace"}  # the stamp is the same: nothing was written


def test_where_nothing_was_ever_given_that_is_told_once(keeper, client):
    bring(keeper)
    assert client.hgetall(store.GIVEN) == {b"stamp": accounts.NEVER.encode()}


def test_an_import_while_a_copy_is_under_way_is_not_missed(keeper, imported, client):
    imported(dict.fromkeys(range(1, 7), "old"))
    keeper.compare()
    keeper.go_on()
    imported({1: "new", 9: "new"})
    for _ in range(MANY):
        keeper.go_on()
    assert copied(client)[1] == "old"  # whose page was read before
    bring(keeper)
    assert copied(client) == dict.fromkeys(range(2, 7), "old") | {1: "new", 9: "new"}


def test_a_server_that_is_emptied_half_way_is_told_all_at_the_next_look(keeper, imported, client):
    table = dict.fromkeys(range(1, 8), "acme")
    imported(table)
    keeper.compare()
    keeper.go_on()
    client.flushall()
    for _ in range(MANY):
        keeper.go_on()
    bring(keeper)
    assert copied(client) == table


def test_while_the_database_is_away_the_copy_stays(redis_url, tmp_path, client):
    client.hset(store.GIVEN, mapping={store.STAMP: "s", f"{1:016x}": "acme"})
    recorder = Recorder(make_engine(f"sqlite+aiosqlite:///{tmp_path}/none/x.db"), str, Counter())
    link = Link(redis_url, 2.0)
    bring(Given(link, recorder))
    assert copied(client) == {1: "acme"}
    recorder.close()
    link.close()


def test_while_redis_is_away_it_says_so_and_begins_anew_afterwards(keeper, imported, client, monkeypatch):
    imported(dict.fromkeys(range(1, 6), "acme"))
    keeper.compare()
    keeper.go_on()
    with monkeypatch.context() as patched:

        def away(_commands):
            raise Unavailable("Redis: away")

        patched.setattr(keeper._link, "pipeline", away)
        with pytest.raises(Unavailable):
            keeper.go_on()
    client.flushall()
    bring(keeper)
    assert copied(client) == dict.fromkeys(range(1, 6), "acme")
