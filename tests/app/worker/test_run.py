"""The worker process: starts before Redis or after it, stops cleanly, and says how it does."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
import weakref
from dataclasses import replace

import numpy as np
import pytest
import redis
import sqlalchemy as sa

from app.alerts import lifecycle
from app.clients import idle
from app.errors import SettingError
from app.models import Alert
from app.store import accounts, heartbeat, linking
from app.store.db import make_engine, session_scope
from app.store.stream import keys
from app.worker.partitions import Identity
from app.worker.run import Worker
from bench.crash import ROOT
from detectors.engine import SUMMARY, Engine
from detectors.event import zeros

PARTITIONS = 4


@pytest.fixture
def launch(settings):
    """A function that starts a real worker process with the settings of this test."""
    started = []

    def start(redis_url=settings.redis_url):
        env = {
            **os.environ,
            "REDIS_URL": redis_url,
            "DATABASE_URL": settings.database_url,
            "STILLWATCH_DATA": str(settings.data),
            "STILLWATCH_PARTITIONS": str(PARTITIONS),
            "STILLWATCH_LOG_LEVEL": "warning",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "worker"], cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_everything_committed_and_released(
    launch, client, publish, ordinary, counted, eventually, number
):
    worker = launch()
    ids = np.arange(1, 500, dtype=np.uint64)
    eventually(lambda: client.exists(keys(0).lease))
    for _ in range(20):
        publish(client, ordinary(ids))
    worker.send_signal(number)
    assert worker.wait(90) == 0
    left = sum(client.xlen(keys(p).events) for p in range(PARTITIONS))
    assert not [key for p in range(PARTITIONS) for key in (keys(p).lease, keys(p).attempts) if client.exists(key)]
    assert client.smembers("workers") == set()
    total = sum(counted(client).values())
    assert total + left * 64 >= 20 * 499  # what is not counted still waits
    successor = launch()
    eventually(lambda: sum(counted(client).values()) == 20 * 499)
    assert successor.poll() is None


def test_its_heartbeat_says_how_it_does(launch, client, publish, ordinary, eventually):
    worker = launch()
    publish(client, ordinary(np.arange(1, 100, dtype=np.uint64)))
    beats = []

    def told():
        beats[:] = [beat for beat in heartbeat.read_all(client) if beat.counters.get("events") == 99]
        return bool(beats)

    eventually(told)
    beat = beats[0]
    assert (beat.role, beat.pid) == ("worker", worker.pid)
    assert (beat.gauges["partitions"], beat.gauges["lag_seconds"], beat.info["database"]) == (PARTITIONS, 0, "ok")


def test_its_heartbeat_says_when_events_are_left_out_of_linking(settings, engine, monkeypatch):
    monkeypatch.setattr(linking, "MOST_EVENTS", 0)
    worker = Worker(settings, engine, Identity("w-1", "", 1), 4.0)
    try:
        worker._handover.give(zeros(3))
        beat = worker._heartbeat(1.0)
    finally:
        worker.close()
    assert (beat.counters["linking_left_out"], beat.gauges["linking_waiting_events"]) == (3, 0)
    assert beat.info["linking"] == "leaves events out"


def test_it_tells_alerts_what_was_counted_since(settings, engine, redis_url, make_finding):
    now = time.time()

    async def opened_and_read(act):
        database = make_engine(settings.database_url)
        async with session_scope(database) as session:
            found = await act(session)
        await database.dispose()
        return found

    asyncio.run(opened_and_read(lambda session: lifecycle.record(session, [make_finding()], now)))
    worker = Worker(settings, engine, Identity("w-1", "", 1), 4.0)
    try:
        worker._quality.owe(0xC0FFEE, now, now)
        with redis.Redis.from_url(redis_url) as server:
            for role in ("gateway", "extractor"):
                beat = heartbeat.Heartbeat(role, "a", now + 5, now + 5, counters={"dropped": 3.0})
                heartbeat.publish(server, beat)
        worker._beat()
        assert worker._quality.settled() == {}
    finally:
        worker.close()
    alert = asyncio.run(opened_and_read(lambda session: session.scalar(sa.select(Alert))))
    assert alert.latest["data_quality"]["dropped_events"] == 6.0
    assert alert.evidence["data_quality"]["dropped_events"] == 0


def test_it_waits_for_a_server_that_is_not_there_yet(launch, private_valkey, publish, ordinary, counted, eventually):
    worker = launch(private_valkey.url)
    assert "Redis failed" in worker.stderr.readline()
    private_valkey.start()
    with private_valkey.client() as client:
        publish(client, ordinary(np.arange(1, 100, dtype=np.uint64)))
        eventually(lambda: sum(counted(client).values()) == 99)
    worker.terminate()
    assert worker.wait(90) == 0


def test_a_stop_while_redis_is_away_is_clean_too(launch, free_port):
    worker = launch(f"redis://127.0.0.1:{free_port()}")
    assert "Redis failed" in worker.stderr.readline()
    worker.terminate()
    assert worker.wait(90) == 0


def test_a_wrong_url_is_one_clear_line(settings, engine):
    with pytest.raises(SettingError, match="REDIS_URL"):
        Worker(replace(settings, redis_url="http://x"), engine, Identity("w", "", 1), 1.0)


def test_it_takes_up_a_new_reference_and_tells_what_clients_are_like(settings, engine, tmp_path):
    path = tmp_path / "own.npz"
    engine.reference.save(path)
    own = Engine(engine.detectors, engine.reference)
    worker = Worker(replace(settings, reference=str(path)), own, Identity("w-1", "", 1), 4.0)
    try:
        beat = worker._heartbeat(1.0)
        assert beat.gauges["drift_clients"] == 0
        assert "drift" not in beat.info
        assert "linking" not in beat.info
        path.write_bytes(b"torn")
        worker._beat()
        assert worker._heartbeat(1.0).info["reference"]
        replace(engine.reference, review=engine.reference.review + np.float32(1.0)).save(path)
        worker._beat()
        assert worker.counts["references_taken_up"] == 1
        assert own.reference.review[0] == engine.reference.review[0] + 1.0
        assert "reference" not in worker._heartbeat(1.0).info
        own.tally.groups[-1] = own.tally.scores[0, -1] = 5_000.0  # all of one kind, all beyond the reference
        moved = worker._heartbeat(1.0)
        assert moved.gauges["drift_psi"] > 0.25
        assert "stillwatch fit" in moved.info["drift"]
    finally:
        worker.close()


def test_clients_go_as_long_after_they_were_seen_as_their_rows_in_redis(settings, engine, monkeypatch):
    monkeypatch.setattr(idle, "PRUNED", 2)
    old = np.zeros(5, SUMMARY)
    old["client"], old["last"] = np.arange(1, 6), time.time() - np.array([1, 2, 4, 5, 6]) * 86_400
    worker = Worker(replace(settings, row_days=3.0), engine, Identity("w-1", "", 1), 4.0)
    try:
        worker._recorder.touch(old)
        worker._recorder.flush_all(10.0)
        names = {f"{client:016x}": "ACME GmbH" for client in range(1, 6)}
        worker._link.call(*accounts.name_command(names))
        worker._prune(1.0)  # it owns nothing yet
        assert worker.counts["clients_deleted"] == 0
        worker._leases.tick()
        worker._prune(1.0)
        assert worker.counts["clients_deleted"] == 2
        assert len(worker._link.call("HKEYS", accounts.KEY)) == 3
        worker._prune(2.0)  # there was more: at the next turn, not in ten minutes
        assert worker.counts["clients_deleted"] == 3
        assert sorted(worker._link.call("HKEYS", accounts.KEY)) == [b"%016x" % client for client in (1, 2)]
        assert worker._next_prune > 100.0
    finally:
        worker.close()


class Ring:
    """Refers to itself, as a batch and what was measured of it do to each other."""

    def __init__(self):
        self.ring = self


def test_what_only_the_collector_can_free_is_freed_with_each_heartbeat(settings, engine):
    worker = Worker(settings, engine, Identity("w-1", "", 1), 4.0)
    gc.disable()
    try:
        left = weakref.ref(Ring())
        assert left() is not None
        worker._beat()
        assert left() is None
    finally:
        gc.enable()
        worker.close()
