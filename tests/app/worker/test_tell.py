"""The worker keeps what gateways are told equal to the database: what is missing, what is too much, and the mode."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
import redis

from app.alerts import lifecycle
from app.errors import Unavailable
from app.policies import manual
from app.policies import mode as modes
from app.policies.manual import Order
from app.store import mode
from app.store.db import make_engine, session_scope
from app.store.decisions import FIELD, GENERATION, STANDING, STREAM, commands, parse
from app.store.mode import Told
from app.store.redis import Link
from app.worker.record import Recorder
from app.worker.tell import KEPT_SECONDS, Teller


@pytest.fixture
def told(redis_url):
    """What Redis has: the standing ids, the ended ids, and the ids that the stream told of."""
    with redis.Redis.from_url(redis_url) as client:

        def read():
            entries = [parse(text) for text in client.hgetall(STANDING).values()]
            stream = [parse(fields[FIELD]) for _, fields in client.xrange(STREAM)]
            return (
                sorted(entry.id for entry in entries if not entry.revoked),
                sorted(entry.id for entry in entries if entry.revoked),
                [(entry.id, entry.revoked) for entry in stream],
            )

        read.client = client
        yield read


class Domain:
    """The database as API and worker write it."""

    def __init__(self, url):
        self.url = url

    def run(self, work):
        async def go():
            engine = make_engine(self.url)
            try:
                async with session_scope(engine) as session:
                    return await work(session)
            finally:
                await engine.dispose()

        return asyncio.run(go())

    def make(self, action, seconds=3600.0):
        order = Order("cl_0000000000c0ffee", action, seconds, "why")
        return self.run(lambda session: manual.make(session, order, "ana", time.time()))

    def revoke(self, decision_id):
        return self.run(lambda session: manual.revoke(session, decision_id, "why", "ana", time.time()))

    def switch(self, wanted):
        return self.run(lambda session: modes.switch(session, wanted, "", "ana", "observe", time.time()))


@pytest.fixture
def domain(sqlite_url, make_finding, migrated):
    migrated(sqlite_url)
    made = Domain(sqlite_url)
    made.run(lambda session: lifecycle.record(session, [make_finding()], time.time()))
    return made


@pytest.fixture
def teller(sqlite_url, redis_url):
    counts = Counter()
    link = Link(redis_url, 2.0)
    recorder = Recorder(make_engine(sqlite_url), str, counts)
    yield Teller(link, recorder, "observe", counts)
    recorder.close()
    link.close()


def test_what_was_never_said_is_said_once(domain, teller, told):
    made = domain.make("block").decision
    assert teller.tell(time.time())
    standing, _, stream = told()
    assert made.id in standing
    assert len(standing) == 2
    assert sorted(stream) == [(name, False) for name in standing]
    generation = told.client.get(GENERATION)
    assert teller.tell(time.time())
    assert (told()[2], told.client.get(GENERATION)) == (stream, generation)


def test_a_server_that_forgot_everything_is_told_everything(domain, teller, told):
    domain.switch("enforce")
    teller.tell(time.time())
    before, generation = told()[0], told.client.get(GENERATION)
    told.client.flushall()
    teller.tell(time.time())
    assert told()[0] == before
    assert told.client.get(GENERATION) not in (None, generation)
    assert mode.parse(told.client.get(mode.KEY)) == Told("enforce", 1)


def test_what_does_not_stand_any_more_is_ended_and_old_entries_go(domain, teller, told):
    made = domain.make("block").decision
    teller.tell(time.time())
    domain.revoke(made.id)  # and nobody could say so
    now = time.time()
    stray = {"id": "dc_stray", "client": 1, "action": "block", "simulated": False, "starts_at": 0, "revoked": False}
    for name, expires in (("dc_stray", now + 600), ("dc_done", now - 1), ("dc_old", now - KEPT_SECONDS - 1)):
        told.client.execute_command(*commands(stray | {"id": name, "expires_at": expires})[0])
    told.client.hset(STANDING, "dc_nonsense", "{")
    teller.tell(now)
    standing, ended, stream = told()
    assert made.id in ended
    assert "dc_stray" in ended
    assert "dc_done" in standing  # ends by itself
    assert not {"dc_old", "dc_nonsense"} & {*standing, *ended}
    assert (made.id, True) in stream
    assert ("dc_stray", True) in stream
    teller.tell(now)
    assert told()[2] == stream


def test_a_decision_that_was_revoked_is_not_said_again_by_a_late_worker(domain, teller, told, monkeypatch):
    """The API revokes and says so between the worker's look at the database and what it says."""
    made = domain.make("block").decision
    looked = teller._recorder.truth

    def truth(*arguments):
        found = looked(*arguments)
        for changed in domain.revoke(made.id).changed:
            for command in commands(changed.as_entry()):
                told.client.execute_command(*command)
        return found

    monkeypatch.setattr(teller._recorder, "truth", truth)
    teller.tell(time.time())
    standing, ended, stream = told()
    assert made.id in ended
    assert made.id not in standing
    assert stream.index((made.id, True)) < stream.index((made.id, False))  # which tables know to be older


def test_the_mode_follows_the_database_forward_and_back(domain, teller, told):
    def key():
        return mode.parse(told.client.get(mode.KEY))

    teller.tell(time.time())
    assert key() is None
    domain.switch("enforce")
    teller.tell(time.time())
    assert key() == Told("enforce", 1)
    told.client.set(mode.KEY, Told("bypass", 9).text())  # of a database that was put back to an older state
    teller.tell(time.time())
    assert key() == Told("enforce", 1)
    told.client.set(mode.KEY, "nonsense")
    teller.tell(time.time())
    assert key() == Told("enforce", 1)


def test_a_mode_of_another_database_is_forgotten(domain, teller, told):
    told.client.set(mode.KEY, Told("bypass", 9).text())
    teller.tell(time.time())
    assert told.client.get(mode.KEY) is None


def test_while_the_database_is_away_nothing_is_said_and_nothing_ended(redis_url, tmp_path, told):
    recorder = Recorder(make_engine(f"sqlite+aiosqlite:///{tmp_path}/none/x.db"), str, Counter())
    link = Link(redis_url, 2.0)
    entry = {"id": "dc_1", "client": 1, "action": "tag", "simulated": True, "starts_at": 0, "expires_at": 4e9}
    for command in commands(entry):
        told.client.execute_command(*command)
    assert Teller(link, recorder, "observe", Counter()).tell(time.time()) is False
    assert told()[:2] == (["dc_1"], [])
    assert told.client.get(GENERATION) is None
    recorder.close()
    link.close()


def test_while_redis_is_away_it_says_so(domain, sqlite_url, free_port):
    recorder = Recorder(make_engine(sqlite_url), str, Counter())
    teller = Teller(Link(f"redis://127.0.0.1:{free_port()}", 0.5), recorder, "observe", Counter())
    with pytest.raises(Unavailable):
        teller.tell(time.time())
    recorder.close()
