"""The linker's side of the database: what people said comes out, what a pass found goes in, away is away."""

import threading
from collections import Counter

import pytest

from app.campaigns import organisations
from app.campaigns.found import Found, Member
from app.campaigns.organisations import Line, Table
from app.clients import queries as clients
from app.errors import LeaseLost, Unavailable
from app.linker.desk import Desk
from app.models.client import client_ref
from app.policies import manual
from app.policies.manual import Order
from app.store.db import make_engine, session_scope

NOW = 1_800_000_000.0


@pytest.fixture
def desk(sqlite_url, migrated):
    migrated(sqlite_url)
    made = Desk(make_engine(sqlite_url), Counter(), lambda: True)
    yield made
    made.close()


async def _say(url):
    engine = make_engine(url)
    async with session_scope(engine) as session:
        await clients.ensure(session, [(1, NOW), (2, NOW)])
        await organisations.give(session, Table(False, (Line(client_ref(1), "Acme"),)), "ana", NOW, verified=True)
        for client, simulated in ((1, True), (2, False)):
            order = Order(client_ref(client), "block", 3600.0, "sure", simulated=simulated)
            await manual.make(session, order, "ana", NOW)
    await engine.dispose()


def test_what_people_said_is_read(desk, sqlite_url):
    desk._runner.run(_say(sqlite_url))
    said = desk.said(NOW + 1)
    assert said.organisations == {1: "Acme"}
    assert said.bans == {2: NOW}
    assert (said.constraints.cannot, said.constraints.must, said.indicators.sets) == ((), (), ())


async def _take_back(url, client, after):
    """Block a client from a moment within an hour, and take that back some seconds `after` the moment."""
    engine = make_engine(url)
    async with session_scope(engine) as session:
        await clients.ensure(session, [(client, NOW)])
        order = Order(client_ref(client), "block", 7200.0, "sure", simulated=False, start_within=3600.0)
        made = (await manual.make(session, order, "ana", NOW)).decision
        begins = made.starts_at.timestamp()
        await manual.revoke(session, made.id, "the wrong client", "ana", begins + after)
    await engine.dispose()
    return begins


def test_a_block_that_was_taken_back_before_it_began_is_no_ban(desk, sqlite_url):
    desk._runner.run(_take_back(sqlite_url, 3, -0.1))
    begins = desk._runner.run(_take_back(sqlite_url, 4, 0.1))
    assert desk.said(NOW + 4000).bans == {4: begins}


def test_a_pass_is_written_and_a_database_that_is_away_is_no_end(desk, sqlite_url, free_port):
    one = Found("a1", {client: Member("why") for client in (1, 2, 3)}, 2, 14.0, 9.0, "Three as one.", NOW)
    assert desk.write([one], [], NOW).opened == 1
    assert desk.write([one], [], NOW).opened == 0
    counts: Counter[str] = Counter()
    away = Desk(make_engine(f"postgresql+psycopg://x:y@127.0.0.1:{free_port()}/z"), counts, lambda: True)
    for _ in range(3):
        with pytest.raises(Unavailable):
            away.write([one], [], NOW)
    assert counts["database_errors"] == 1
    away.close()


def test_who_is_no_longer_the_linker_writes_nothing(desk, sqlite_url):
    one = Found("a1", {client: Member("why") for client in (1, 2, 3)}, 2, 14.0, 9.0, "Three as one.", NOW)
    counts: Counter[str] = Counter()
    late = Desk(make_engine(sqlite_url), counts, lambda: False)
    with pytest.raises(LeaseLost):
        late.write([one], [], NOW)
    assert not counts  # the database is not away: the next call is made at once
    assert desk.write([one], [], NOW).opened == 1
    late.close()


def test_whoever_takes_over_writes_after_the_one_before_has(database_url, migrated):
    """Between its look at the lease and its commit a process may stand still: the next linker waits for it."""
    migrated(database_url)
    one = Found("a1", {client: Member("why") for client in (1, 2, 3)}, 2, 14.0, 9.0, "Three as one.", NOW)
    later = []

    def next_one():
        desk = Desk(make_engine(database_url), Counter(), lambda: True)
        later.append(desk.write([one], [], NOW))
        desk.close()

    thread = threading.Thread(target=next_one)

    def ours():
        thread.start()
        thread.join(0.7)
        return not later

    first = Desk(make_engine(database_url), Counter(), ours)
    assert first.write([one], [], NOW).opened == 1
    thread.join()
    assert [outcome.opened for outcome in later] == [0]
    first.close()
