"""The process from stream to campaign: within seconds, once, and again after a restart."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.campaigns import indicators
from app.errors import LeaseLost
from app.linker import run
from app.linker.run import Process
from app.run.attributes import run_import
from app.store import linking
from app.store.db import make_engine, session_scope
from app.store.redis import Link
from detectors.event import Listed, zeros
from detectors.indicators import DIGEST_LENGTH, SLOT_BITS, key_id
from detectors.listed import build


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


def take_in(settings, now):
    """Import a set of indicators; its number in events."""
    key = b"k" * 32
    said = {"kind": "head", "hash": "a" * DIGEST_LENGTH, "clients": 2}
    bare = {"format": indicators.FORMAT, "key_id": key_id(key), "expires": now + 86_400.0, "indicators": [said]}

    async def work():
        database = make_engine(settings.database_url)
        async with session_scope(database) as session:
            slot = (await indicators.take_in(session, indicators.sealed(bare, key), "", key, "ana", now)).slot
        await database.dispose()
        return slot

    return asyncio.run(work())


def matches(settings):
    engine = sa.create_engine(settings.database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        found = connection.scalar(sa.text("SELECT COALESCE(SUM(count), 0) FROM indicator_hit"))
    engine.dispose()
    return found


def publish(link, events):
    link.pipeline(linking.publish_commands(events))


def stop(process):
    process.stopping = True
    process.close()


def lead(process):
    """Have it take the free lease; a busy machine's Redis may need a second try."""
    eventually(lambda: process.keeper.renew() or process.keeper.tenure())


@pytest.fixture
def linker(settings):
    """A function that makes a linker, which has the lease where that is free."""
    made = []

    def make(its=settings):
        process = Process(its, lease_seconds=600.0)
        made.append(process)
        lead(process)
        return process

    yield make
    for process in made:
        if not process.stopping:
            stop(process)


def waiting(link):
    return linking.waiting(*link.pipeline(linking.waiting_commands()))


def caught_up(process):
    while process.turn():
        pass
    return int(process._core.linker.counters["accounts"])


def newcomer(crowd):
    """An event of a client that is not in the crowd."""
    event = crowd(at=time.time() - 60)[:1].copy()
    event["client"] = 5_000
    return event


def eventually(holds, seconds=120.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def work(process, holds, seconds=120.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        process.turn()


def test_it_says_how_items_of_the_operators_lists_are_shared(settings, link, linker, crowd, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    monkeypatch.setattr(run, "SAID_SECONDS", 0.0)
    path, now = tmp_path / "lists", time.time()
    build({Listed.TRAIN: [f"item number {turn} of a list" for turn in range(500)]}).save(path)
    events = crowd(at=now - 60)
    events["listed"][events["client"] < 13] = Listed.TRAIN
    publish(link, events)
    process = linker(replace(settings, lists=str(path)))
    work(process, lambda: campaigns(settings))
    assert {one.feature for found in process._core.linker.campaigns() for one in found.terms} >= {"list_shards"}
    build({Listed.TRAIN: [f"item number {turn} of a list" for turn in range(400)]}).save(path)
    work(process, lambda: process._core.linker.lists == {"train": 400})


def test_events_become_a_campaign_and_a_restart_keeps_it(settings, link, linker, crowd, monkeypatch):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    now = time.time()
    publish(link, crowd(at=now - 60))
    first = linker()
    work(first, lambda: campaigns(settings))
    ((name, size, level),) = campaigns(settings)
    assert (size, level) == (12, 2)
    first._save()
    stop(first)
    assert waiting(link) == 0
    publish(link, crowd(range(1, 16), at=now - 30, seed=2))
    second = linker()
    work(second, lambda: campaigns(settings)[0][1] == 15)
    assert [one[0] for one in campaigns(settings)] == [name]
    stop(second)


def test_what_was_read_stays_until_it_is_kept(settings, link, linker, crowd, monkeypatch):
    events = crowd(at=time.time() - 60)
    publish(link, events)
    process = linker()
    process.turn()
    assert process.counts["events"] == len(events)
    assert waiting(link) == len(events)
    process._save()
    assert waiting(link) == 0
    monkeypatch.setattr(run, "HELD_BACK", 10)
    publish(link, zeros(11))
    process.turn()
    assert waiting(link) == 0


def test_what_members_signed_up_with_stands_beside_the_campaign(settings, link, linker, crowd, monkeypatch):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    monkeypatch.setattr(run, "SAID_SECONDS", 0.0)
    table = settings.data / "signups.csv"
    table.write_text("client,payment\n" + "\n".join(f"cl_{client:016x},4711" for client in range(1, 13)), "utf-8")
    publish(link, crowd(at=time.time() - 60))
    process = linker()
    work(process, lambda: campaigns(settings))
    assert run_import(settings, table, False) == 0
    work(process, lambda: signed(settings))
    assert signed(settings) == [("a sign-up attribute (payment)", 12, 12)]


def test_matches_are_counted_once_whoever_reads_them_again(settings, link, linker, crowd, monkeypatch):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    now = time.time()
    events = crowd(at=now - 60)
    events["indicator"][:7] = take_in(settings, now) << SLOT_BITS | 1
    publish(link, events)
    first = linker()
    work(first, lambda: matches(settings))
    assert matches(settings) == 7
    link.call("DEL", linking.LEASE)  # as of one that is killed: it keeps no snapshot, and its lease ends
    second = linker()
    publish(link, events[:3])
    work(second, lambda: matches(settings) > 7)
    assert second.counts["events"] == len(events) + 3
    assert matches(settings) == 10
    stop(second)
    lead(first)
    caught_up(first)
    first._core.fresh = True
    first.turn()
    assert matches(settings) == 10


def test_where_what_was_counted_is_gone_what_comes_is_counted(settings, link, linker, crowd, monkeypatch):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    now = time.time()
    events = crowd(at=now - 60)
    events["indicator"][:7] = take_in(settings, now) << SLOT_BITS | 1
    engine = sa.create_engine(settings.database_url.replace("+aiosqlite", ""))
    with engine.begin() as connection:  # by another server, whose clock was ahead
        connection.execute(
            sa.text("INSERT INTO indicator_place VALUES (1, :place)"), {"place": f"{now * 1000 + 1e7:.0f}-0"}
        )
    engine.dispose()
    process = linker()
    process.turn()
    publish(link, events)
    work(process, lambda: matches(settings))
    assert matches(settings) == 7


def test_a_database_that_is_away_costs_nothing_but_time(settings, link, linker, crowd, free_port, monkeypatch):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    publish(link, crowd(at=time.time() - 60))
    away = replace(settings, database_url=f"postgresql+psycopg://x:y@127.0.0.1:{free_port()}/z")
    process = linker(away)
    work(process, lambda: process.counts["passes_waiting"] >= 2)
    stop(process)
    again = linker()
    work(again, lambda: campaigns(settings))
    stop(again)


def test_what_another_version_handed_over_makes_room_again(settings, link, linker, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(linking, "_SCHEMA", b"1")
        for _ in range(2):
            publish(link, zeros(3_000))
    process = linker()
    caught_up(process)
    process._save()
    assert (process.counts["events"], process.counts["blocks_unreadable"]) == (0, 4)
    assert (link.call("XLEN", linking.EVENTS), waiting(link)) == (0, 0)


def test_a_count_that_was_never_made_good_is_at_the_start(settings, link, linker):
    link.call("SET", linking.ADDED, linking.MOST_EVENTS)
    linker().turn()
    assert waiting(link) == 0


def test_a_linker_that_was_relieved_begins_from_what_the_other_one_kept(settings, link, linker, crowd, monkeypatch):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    events = crowd(at=time.time() - 60)
    publish(link, events[events["client"] >= 1_000])
    first = linker()
    assert caught_up(first) == 30
    link.call("DEL", linking.LEASE)  # it stood still for longer than the lease
    second = linker()
    publish(link, events[events["client"] < 1_000])
    assert caught_up(second) == 42
    stop(second)
    lead(first)
    publish(link, newcomer(crowd))
    assert caught_up(first) == 43
    assert waiting(link) == 1
    first._save()
    assert waiting(link) == 0
    stop(first)
    assert caught_up(linker()) == 43


def test_who_wakes_up_in_the_middle_of_a_pass_writes_trims_keeps_and_tells_nothing(
    settings, link, linker, crowd, monkeypatch
):
    monkeypatch.setattr(run, "PASS_SECONDS", 0.0)
    publish(link, crowd(at=time.time() - 60))
    first = linker()
    linked = []

    def stands_still(now, scores):
        """The pass takes its time; meanwhile the lease runs out, and another linker takes it."""
        link.call("SET", linking.LEASE, "another")
        linked.append(now)
        return was(now, scores)

    first._begin(first.keeper.tenure())
    was = first._core.link
    first._core.link = stands_still
    with pytest.raises(LeaseLost):
        work(first, lambda: False)
    assert linked
    assert campaigns(settings) == []
    assert first.keeper.tenure()  # by its own clock it is still the linker
    before = link.pipeline([("XLEN", linking.EVENTS), ("GET", linking.TAKEN), ("GET", linking.WANTED)])
    for late in (first._save, first._listen, lambda: first._forget(first._read, first._added)):
        with pytest.raises(LeaseLost):
            late()
    assert link.pipeline([("XLEN", linking.EVENTS), ("GET", linking.TAKEN), ("GET", linking.WANTED)]) == before
    assert not (settings.data / run.FILE).exists()


def test_a_lease_that_nobody_else_used_costs_nothing_that_is_known(settings, link, linker, crowd):
    publish(link, crowd(at=time.time() - 60))
    process = linker()
    assert caught_up(process) == 42
    link.call("FLUSHALL")  # a server that came back empty: the stream cannot be read again
    with pytest.raises(LeaseLost):
        process._save()
    process.keeper.leave(process._tenure)
    lead(process)
    publish(link, newcomer(crowd))
    assert caught_up(process) == 43


def test_a_linker_that_stands_by_holds_no_graph(settings, link, linker):
    first = linker()
    first.turn()
    assert first._core is not None
    link.call("SET", linking.LEASE, "another")
    eventually(lambda: first.keeper.renew() or first.keeper.stands_by)
    assert not first.turn()
    assert first._core is None


def test_it_goes_on_by_itself_once_the_lease_is_free_again(settings, link, crowd):
    """As it runs: the lease is lost to somebody who never returns it in person."""
    process = Process(settings, lease_seconds=2.0)
    thread = threading.Thread(target=process.run)
    thread.start()
    try:
        publish(link, crowd(at=time.time() - 60))
        eventually(lambda: process.counts["events"] > 0)
        link.call("SET", linking.LEASE, "another", "PX", 3_000)
        eventually(lambda: process._core is None)
        eventually(lambda: process._core is not None)
    finally:
        process.stopping = True
        thread.join()
    assert process.counts["events"] >= 2 * len(crowd())  # nothing was kept, so nothing was forgotten
