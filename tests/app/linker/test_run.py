"""The process from stream to campaign: within seconds, once, and again after a restart."""

import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.linker import run
from app.linker.run import Process
from app.run.attributes import run_import
from app.store import linking
from app.store.redis import Link
from detectors.event import zeros


@pytest.fixture
def link(redis_url):
    made = Link(redis_url, 2.0)
    yield made
    made.close()


def campaigns(settings):
    engine = sa.create_engine(settings.database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT id, size, level FROM campaign ORDER BY id")).all()
    engine.dispose()
    return [tuple(row) for row in rows]


def signed(settings):
    engine = sa.create_engine(settings.database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        query = "SELECT kind, members, clients FROM campaign_edge WHERE kind LIKE '%sign-up%'"
        rows = connection.execute(sa.text(query)).all()
    engine.dispose()
    return [tuple(row) for row in rows]


def publish(link, events):
    link.pipeline(linking.publish_commands(events))


def work(process, holds, seconds=120.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        process.turn()


def test_events_become_a_campaign_and_a_restart_keeps_it(settings, link, crowd, monkeypatch):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    now = time.time()
    publish(link, crowd(at=now - 60))
    first = Process(settings)
    work(first, lambda: campaigns(settings))
    ((name, size, level),) = campaigns(settings)
    assert (size, level) == (12, 2)
    first._save()
    first.close()
    assert linking.waiting(*link.pipeline(linking.waiting_commands())) == 0
    publish(link, crowd(range(1, 16), at=now - 30, seed=2))
    second = Process(settings)
    work(second, lambda: campaigns(settings)[0][1] == 15)
    assert [one[0] for one in campaigns(settings)] == [name]
    second.close()


def test_what_was_read_stays_until_it_is_kept(settings, link, crowd, monkeypatch):
    events = crowd(at=time.time() - 60)
    publish(link, events)
    process = Process(settings)
    process.turn()
    assert process.counts["events"] == len(events)
    assert linking.waiting(*link.pipeline(linking.waiting_commands())) == len(events)
    process._save()
    assert linking.waiting(*link.pipeline(linking.waiting_commands())) == 0
    monkeypatch.setattr(run, "HELD_BACK", 10)
    publish(link, zeros(11))
    process.turn()
    assert linking.waiting(*link.pipeline(linking.waiting_commands())) == 0
    process.close()


def test_what_members_signed_up_with_stands_beside_the_campaign(settings, link, crowd, monkeypatch):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    monkeypatch.setattr(run, "SAID_SECONDS", 0.0)
    table = settings.data / "signups.csv"
    table.write_text("client,payment\n" + "\n".join(f"cl_{client:016x},4711" for client in range(1, 13)), "utf-8")
    publish(link, crowd(at=time.time() - 60))
    process = Process(settings)
    work(process, lambda: campaigns(settings))
    assert run_import(settings, table, False) == 0
    work(process, lambda: signed(settings))
    assert signed(settings) == [("a sign-up attribute (payment)", 12, 12)]
    process.close()


def test_a_database_that_is_away_costs_nothing_but_time(settings, link, crowd, free_port, monkeypatch):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    publish(link, crowd(at=time.time() - 60))
    away = replace(settings, database_url=f"postgresql+psycopg://x:y@127.0.0.1:{free_port()}/z")
    process = Process(away)
    work(process, lambda: process.counts["passes_waiting"] >= 2)
    process.close()
    again = Process(settings)
    work(again, lambda: campaigns(settings))
    again.close()
