"""The recorder: findings and summaries in the database, nothing lost and nothing awaited while it is away."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sqlite3
import time
from collections import Counter

import numpy as np
import pytest
import sqlalchemy as sa

from app.alerts.lifecycle import FindingInput
from app.errors import Unavailable
from app.models.alert import Alert
from app.models.client import Client, client_ref
from app.models.vocabulary import Action
from app.store.db import make_engine, migrate
from app.worker import record
from app.worker.record import Recorder
from detectors.base import Evidence, Explanation, Level, Term
from detectors.engine import SUMMARY

NOW = 1.7e9


def summaries(clients, requests=1, at=NOW):
    rows = np.zeros(len(clients), SUMMARY)
    rows["client"] = clients
    rows["first"], rows["last"], rows["requests"] = NOW, at, requests
    return rows


def finding(client, score=20.0):
    term = Term("share", 1.0, "share", 0.1, 0.5, 99.9, score, "It does.")
    evidence = (Evidence("template", 1, "content", 1.0, 1e-9, score, (term,)),)
    told = Explanation(client, NOW, Level.REVIEW, score, 12.0, "all", 100, 64, "Why.", evidence, (), "")
    return FindingInput(client, 2, 0, score, 100, NOW, told, {}, None, {})


def rows_of(url, query):
    async def read():
        engine = make_engine(url)
        async with engine.connect() as connection:
            found = (await connection.execute(query)).all()
        await engine.dispose()
        return found

    return asyncio.run(read())


@pytest.fixture
def counts():
    return Counter()


@pytest.fixture
def recorder(counts):
    made = []

    def make(url):
        made.append(Recorder(make_engine(url), lambda group: f"group {group}", counts))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_findings_open_one_alert_and_a_decision_however_often_they_are_told(recorder, database_url, migrated):
    migrated(database_url)
    one = recorder(database_url)
    made = one.findings([finding(7)], summaries([7], requests=100), NOW)
    assert [decision.client for decision in made] == [7]
    assert one.findings([finding(7)], summaries([7], requests=100), NOW) == []
    assert rows_of(database_url, sa.select(Alert.client_id)) == [(client_ref(7),)]
    assert rows_of(database_url, sa.select(Client.requests)) == [(100,)]
    said = one.truth(NOW, (), "observe")
    assert ([decision.id for decision in said.unsaid], said.standing, said.mode) == ([made[0].id], {made[0].id}, None)
    again = one.truth(NOW, {made[0].id, "dc_of_yesterday"}, "observe")
    assert (again.unsaid, again.standing) == ([], {made[0].id})
    assert one.truth(NOW + 10 * 365 * 86400, (), "observe").standing == set()


def test_only_actions_that_the_operator_allows_are_decided_for_real(sqlite_url, counts, migrated):
    migrated(sqlite_url)
    one = Recorder(make_engine(sqlite_url), str, counts, {Action.TAG})
    try:
        made = one.findings([finding(7, 12.1), finding(8, 40.0)], summaries([7, 8]), NOW)
        assert {decision.action: decision.simulated for decision in made} == {"tag": False, "throttle": True}
    finally:
        one.close()


def test_the_newest_summary_of_each_client_is_written(recorder, database_url, counts, migrated):
    migrated(database_url)
    one = recorder(database_url)
    one.touch(summaries([1, 2, 3], requests=1))
    one.touch(summaries([2, 3], requests=5, at=NOW + 1))
    assert one.pending == 5
    one.flush()
    assert one.pending == 0
    assert counts["summaries"] == 3
    stored = dict(tuple(row) for row in rows_of(database_url, sa.select(Client.id, Client.requests)))
    assert stored == {client_ref(1): 1, client_ref(2): 5, client_ref(3): 5}
    assert rows_of(database_url, sa.select(Client.peer_group).distinct()) == [("group 0",)]


def test_a_flush_is_bounded_and_the_longest_waiting_go_first(recorder, sqlite_url, monkeypatch, migrated):
    migrated(sqlite_url)
    monkeypatch.setattr(record, "FLUSH_CLIENTS", 3)
    one = recorder(sqlite_url)
    one.touch(summaries([9, 8, 7]))
    one.touch(summaries([9, 1]))
    one.flush()
    assert {ref for (ref,) in rows_of(sqlite_url, sa.select(Client.id))} == {client_ref(c) for c in (8, 7, 9)}
    one.flush()  # at once: not due
    assert one.pending == 1
    one.flush_all(5.0)
    assert one.pending == 0
    assert len(rows_of(sqlite_url, sa.select(Client.id))) == 4


def test_flushes_keep_to_their_share_of_the_time_but_never_wait_for_long(recorder, sqlite_url, monkeypatch, migrated):
    migrated(sqlite_url)
    monkeypatch.setattr(record, "FLUSH_SECONDS", (0.0, 0.3))
    monkeypatch.setattr(record, "FLUSH_SHARE", 1e-6)  # of CPU time that does not come
    one = recorder(sqlite_url)
    one.touch(summaries([1]))
    one.flush()
    begun = time.monotonic()
    one.touch(summaries([2]))
    one.flush()
    assert one.pending == 1
    while one.pending:
        assert time.monotonic() - begun < 60
        one.flush()
    assert time.monotonic() - begun >= 0.25


def test_more_than_can_wait_is_left_out_and_counted(recorder, sqlite_url, counts, monkeypatch, migrated):
    migrated(sqlite_url)
    monkeypatch.setattr(record, "PENDING_CLIENTS", 10)
    one = recorder(sqlite_url)
    for start in range(0, 40, 10):
        one.touch(summaries(np.arange(start, start + 10, dtype=np.uint64)))
    one.flush()
    assert counts["summaries_left_out"] == 30
    assert {ref for (ref,) in rows_of(sqlite_url, sa.select(Client.id))} == {client_ref(c) for c in range(30, 40)}


def test_while_the_database_is_away_calls_fail_at_once_and_nothing_is_forgotten(recorder, sqlite_url, counts):
    one = recorder(sqlite_url)  # no tables yet
    one.touch(summaries([1]))
    with pytest.raises(Unavailable):
        one.flush()
    errors = counts["database_errors"]
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        one.findings([finding(7)], summaries([7]), NOW)
    assert time.monotonic() - begun < 2.0
    assert (errors, counts["database_errors"], one.pending) == (1, 1, 1)
    assert one.away_seconds() > 0
    migrate(sqlite_url)
    deadline = time.monotonic() + 60
    while one.pending:
        assert time.monotonic() < deadline
        try:
            one.flush_all(5.0)
        except Unavailable:
            time.sleep(0.02)
    assert one.away_seconds() == 0
    assert len(rows_of(sqlite_url, sa.select(Client.id))) == 1


def test_a_database_that_hangs_is_given_up_in_time(recorder, free_port, monkeypatch):
    import socket

    monkeypatch.setattr(record, "CALL_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", free_port())) as listener:  # takes the call and says nothing
        host, port = listener.getsockname()
        one = recorder(f"postgresql+psycopg://u:p@{host}:{port}/x")
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            one.findings([finding(7)], summaries([7]), NOW)
        assert time.monotonic() - begun < 20.0


def slow(engine, seconds):
    """The database takes so long for each alert that it is to open."""

    @sa.event.listens_for(engine.sync_engine, "before_cursor_execute")
    def wait(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith("INSERT INTO alert "):
            time.sleep(seconds * statement.split("VALUES", 1)[1].count("("))

    return engine


def test_a_database_that_is_only_slow_is_asked_for_less_and_not_called_away(sqlite_url, counts, monkeypatch, migrated):
    migrated(sqlite_url)
    monkeypatch.setattr(record, "CALL_SECONDS", 2.0)
    one = Recorder(slow(make_engine(sqlite_url), 0.1), str, counts)
    try:
        with pytest.raises(Unavailable):
            one.findings([finding(client) for client in range(1, 41)], summaries(range(1, 41)), NOW)
        assert (one.at_once, counts["database_slow"], counts["database_errors"]) == (20, 1, 0)
        assert one.away_seconds() == 0
        one.all_recorded()
        assert one.at_once == 40
    finally:
        one.close()


def test_a_database_too_slow_for_a_single_finding_is_away(sqlite_url, counts, monkeypatch, migrated):
    migrated(sqlite_url)
    monkeypatch.setattr(record, "CALL_SECONDS", 2.0)
    one = Recorder(slow(make_engine(sqlite_url), 4.0), str, counts)
    try:
        with pytest.raises(Unavailable):
            one.findings([finding(1)], summaries([1]), NOW)
        assert (one.at_once, counts["database_slow"], counts["database_errors"]) == (1, 0, 1)
        assert one.away_seconds() > 0
    finally:
        one.close()


def napping(url, naps):
    """Its statements that open an alert take as many seconds as `naps` has next, in SQLite's own thread."""
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))) as other:
        other.execute("CREATE TRIGGER nap AFTER INSERT ON alert BEGIN SELECT nap(); END")
        other.commit()
    engine = make_engine(url)

    @sa.event.listens_for(engine.sync_engine, "connect")
    def connect(connection, _record):
        connection.create_function("nap", 0, lambda: time.sleep(naps.pop(0)) if naps else None)

    return engine


def first_and_second_try(url, counts, naps, enough):
    """Findings are cut off at work; what the second try comes to, how long it takes and what is told of it."""
    one = Recorder(napping(url, naps), str, counts)
    some = [finding(client) for client in range(1, 5)], summaries(range(1, 5)), NOW
    try:
        with pytest.raises(Unavailable):
            one.findings(*some)
        assert (counts["database_slow"], counts["database_errors"], one.away_seconds()) == (1, 0, 0)
        begun = time.monotonic()
        while True:
            try:
                made = one.findings(*some)
                break
            except Unavailable:
                assert time.monotonic() - begun < 60
                time.sleep(0.02)
            finally:
                assert one.away_seconds() == 0
        assert counts["database_errors"] == 0
        assert len(made) == enough
        return time.monotonic() - begun
    finally:
        one.close()


def test_a_transaction_that_was_cut_off_gives_its_lock_back(sqlite_url, counts, monkeypatch, migrated):
    """Its cursors are garbage that nobody has collected yet."""
    migrated(sqlite_url)
    monkeypatch.setattr(record, "CALL_SECONDS", 2.0)
    gc.disable()
    try:
        first_and_second_try(sqlite_url, counts, [1.1, 1.1], 4)  # never told as away
    finally:
        gc.enable()


def test_a_lock_of_our_own_is_not_told_as_the_database_being_away(sqlite_url, counts, monkeypatch, migrated):
    """A statement works on in its thread for longer than the second try would wait."""
    migrated(sqlite_url)
    monkeypatch.setattr(record, "CALL_SECONDS", 2.0)
    assert first_and_second_try(sqlite_url, counts, [6.0], 4) > 2.0


def test_a_lock_of_our_own_that_never_ends_is_a_database_that_is_away(sqlite_url, counts, monkeypatch, migrated):
    migrated(sqlite_url)
    monkeypatch.setattr(record, "CALL_SECONDS", 1.0)
    monkeypatch.setattr(record, "ENDING_SECONDS", 0.5)
    one = Recorder(napping(sqlite_url, [6.0]), str, counts)
    try:
        with pytest.raises(Unavailable):
            one.findings([finding(1), finding(2)], summaries([1, 2]), NOW)
        assert one.away_seconds() == 0
        time.sleep(0.6)
        with pytest.raises(Unavailable):
            one.findings([finding(1), finding(2)], summaries([1, 2]), NOW)
        assert (counts["database_errors"], one.away_seconds() > 0) == (1, True)
    finally:
        one.close()


def test_closing_does_not_wait_for_ever_for_a_transaction_that_was_cut_off(sqlite_url, counts, monkeypatch, migrated):
    """Another process writes for longer than a call waits, and the worker is told to stop."""
    migrated(sqlite_url)
    monkeypatch.setattr(record, "CALL_SECONDS", 1.0)
    one = Recorder(make_engine(sqlite_url), str, counts)
    one.truth(NOW, (), "observe")
    path = sqlite_url.removeprefix("sqlite+aiosqlite:///")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            one.findings([finding(1)], summaries([1]), NOW)
        begun = time.monotonic()
        one.close()
        assert time.monotonic() - begun < 9.0
        other.execute("ROLLBACK")


def test_a_flush_writes_the_accounts_that_are_known(sqlite_url, counts, migrated):
    migrated(sqlite_url)
    asked = []

    def known(clients):
        asked.extend(clients)
        return ["acme" if client == 7 else "" for client in clients]

    one = Recorder(make_engine(sqlite_url), str, counts, (), known)
    try:
        one.touch(summaries([7, 8]))
        one.flush()
    finally:
        one.close()
    assert sorted(asked) == [7, 8]
    assert dict(map(tuple, rows_of(sqlite_url, sa.select(Client.id, Client.account)))) == {
        client_ref(7): "acme",
        client_ref(8): "",
    }
