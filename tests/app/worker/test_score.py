"""Scoring: counted once, recorded before it is acknowledged, and no block stops the rest."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import numpy as np
import pytest
import redis
import sqlalchemy as sa

from app.errors import Unavailable
from app.models.alert import Alert
from app.models.alert_event import AlertEvent
from app.store.db import make_engine, migrate
from app.store.heartbeat import Heartbeat
from app.store.packed import unpack
from app.store.redis import Link
from app.store.rows import Rows
from app.store.stream import keys, partition_of, row_key
from app.worker import record, score
from app.worker.partitions import Identity, Leases
from app.worker.quality import Quality
from app.worker.record import Recorder
from app.worker.score import FULL_BATCH_BLOCKS, MOST_BLOCKS, MOST_EVENTS, Pace, Scorer
from detectors import parts
from detectors.engine import WINDOW, Engine
from detectors.event import Flag
from detectors.reasoning import Reasoning

PARTITIONS = 4
BAD_STATUS = 599


class Fragile(Reasoning):
    """An outside detector that cannot stand one kind of event."""

    name = "fragile"

    def update(self, rows, batch):
        if (batch["status"] == BAD_STATUS).any():
            raise ZeroDivisionError("fragile")
        super().update(rows, batch)


class Bench:
    """A scorer with everything around it, driven round by round."""

    def __init__(self, redis_url, database_url, engine):
        self.counts = Counter()
        self.link = Link(redis_url, 5.0)
        self.leases = Leases(self.link, Identity("w", "", 1), PARTITIONS, 30.0)
        self.recorder = Recorder(make_engine(database_url), engine.reference.group_name, self.counts)
        rows = Rows(self.link, engine.row, engine.schema, engine.empty, 1.0)
        self.quality = Quality(0.0)
        self.scorer = Scorer(self.link, rows, engine, self.recorder, self.quality, PARTITIONS, self.counts)
        self.clock = 0.0

    def round(self, seconds=1.0):
        """One round, so long after the last one; by default beyond the pace of a visit."""
        self.clock += seconds
        self.leases.tick()
        return self.scorer.round(self.leases, time.time(), lambda: self.clock, lambda: True)

    def drain(self, seconds=20.0):
        deadline = time.monotonic() + seconds
        self.round()
        while self.scorer.backlog:
            assert time.monotonic() < deadline, self.counts
            self.round()

    def close(self):
        self.recorder.close()
        self.link.close()


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def scorers(redis_url, sqlite_url, migrated):
    made = []

    def make(engine, *, tables=True):
        if tables:
            migrated(sqlite_url)
        made.append(Bench(redis_url, sqlite_url, engine))
        return made[-1]

    yield make
    for one in made:
        one.close()


def stored(url, query):
    async def read():
        engine = make_engine(url)
        async with engine.connect() as connection:
            found = (await connection.execute(query)).all()
        await engine.dispose()
        return found

    return asyncio.run(read())


def alerts(url):
    return stored(url, sa.select(Alert.client_id, Alert.evidence))


def spread(count):
    return np.arange(1, count + 1, dtype=np.uint64)


def robbed(one, client, home):
    """Another owner takes the partition just between the two commits; call the result to give it back."""
    one.leases.tick()
    record = one.recorder.findings

    def steal(*arguments):
        made = record(*arguments)
        client.incr(keys(home).fence)
        return made

    def give_back():
        one.recorder.findings = record
        client.delete(keys(home).lease)

    one.recorder.findings = steal
    return give_back


def test_every_event_is_counted_once_for_its_client(scorers, engine, client, publish, counted, ordinary):
    ids = np.repeat(spread(500), 4)
    blocks = publish(client, ordinary(ids))
    one = scorers(engine)
    one.drain()
    assert counted(client) == dict.fromkeys(range(1, 501), 4)
    assert (one.counts["events"], one.counts["blocks"], one.counts["rows_fresh"]) == (2000, blocks, 500)
    assert one.recorder.pending == 500
    assert not one.round()  # nothing is left to do


def test_garbage_between_blocks_is_counted_and_passed(scorers, engine, client, publish, counted, ordinary):
    client.xadd(keys(1).events, {"hello": "world"})
    publish(client, ordinary(spread(100)))
    client.xadd(keys(1).events, {"b": b"x" * 217, "s": "1"})
    one = scorers(engine)
    one.drain()
    assert sum(counted(client).values()) == 100
    assert one.counts["blocks_rejected"] == 2
    assert client.xlen(keys(1).events) == 0


def test_findings_are_recorded_with_their_evidence(scorers, engine, client, publish, harvest, sqlite_url):
    publish(client, harvest(np.full(600, 77)))
    one = scorers(engine)
    one.drain()
    found = alerts(sqlite_url)
    assert [ref for ref, _ in found] == [f"cl_{77:016x}"]
    evidence = found[0][1]
    assert evidence["traffic"]["requests"] > 0
    assert evidence["data_quality"]["dropped_events"] is None  # nobody told any counters
    assert evidence["contributions"]
    assert one.counts["findings"] >= 1
    assert client.xlen("decisions") == one.counts["decisions"] >= 1
    later = time.time() + 3600
    told = [Heartbeat(role, "a", later, 1.0, counters={"dropped": 4.0}) for role in ("gateway", "extractor")]
    one.quality.observe(told, later, 1.0)
    assert list(one.quality.settled()) == [77]  # what it said of losses is looked at again once they were counted


def test_findings_wait_for_the_database_and_other_partitions_go_on(
    scorers, engine, client, publish, harvest, ordinary, counted, sqlite_url
):
    harvester = 77
    home = int(partition_of(np.array([harvester], np.uint64), PARTITIONS)[0])
    publish(client, harvest(np.full(600, harvester)))
    publish(client, ordinary(spread(70)))
    one = scorers(engine, tables=False)  # a database without tables takes nothing
    for _ in range(3):
        one.round()
    others = {c for c in range(1, 71) if int(partition_of(np.array([c], np.uint64), PARTITIONS)[0]) != home}
    assert {c for c, n in counted(client).items() if n} == others
    assert client.xlen(keys(home).events) > 0
    assert client.get(keys(home).attempts) is None
    assert one.counts["batches_waiting"] >= 1
    assert one.recorder.away_seconds() > 0
    assert one.scorer.lag_seconds(time.time() + 60) > 50
    migrate(sqlite_url)
    one.drain()
    assert counted(client) == {harvester: 601 if harvester <= 70 else 600, **dict.fromkeys(range(1, 71), 1)}
    assert len(alerts(sqlite_url)) == 1


def harvesters(harvest, count, each=60):
    return harvest(np.tile(spread(count), each))


def test_a_batch_with_more_findings_than_fit_into_a_transaction_is_recorded_piece_by_piece(
    scorers, engine, client, publish, harvest, counted, sqlite_url, monkeypatch
):
    publish(client, harvesters(harvest, 40))
    one = scorers(engine)
    one.recorder.at_once = 3
    monkeypatch.setattr(record, "CALL_SECONDS", 60.0)
    monkeypatch.setattr(record, "FINDINGS", 3)
    sizes = []
    findings = one.recorder.findings
    one.recorder.findings = lambda some, found, now: sizes.append((len(some), len(found))) or findings(some, found, now)
    one.drain()
    assert len(alerts(sqlite_url)) == 40
    assert counted(client) == dict.fromkeys(range(1, 41), 60)
    assert max(sizes) == (3, 3)
    assert all(some == found for some, found in sizes)
    assert client.xlen("decisions") == one.counts["decisions"] == 40


def test_a_batch_whose_findings_take_too_long_comes_again_smaller_until_it_is_done(
    scorers, engine, client, publish, harvest, counted, sqlite_url, monkeypatch
):
    publish(client, harvesters(harvest, 12))
    one = scorers(engine)
    one.recorder.at_once = 1
    monkeypatch.setattr(record, "FINDINGS", 1)
    monkeypatch.setattr(record, "CALL_SECONDS", 60.0)
    monkeypatch.setattr(score, "RECORD_SECONDS", 0.0)  # one transaction a visit
    one.round()
    assert one.counts["batches_waiting"] >= 1
    assert min(pace.events for pace in one.scorer._paces.values()) < MOST_EVENTS
    assert 0 < len(alerts(sqlite_url)) < 12
    assert one.counts["decisions"] == client.xlen("decisions") == len(alerts(sqlite_url))  # what is recorded is told
    one.drain(120.0)
    assert len(alerts(sqlite_url)) == client.xlen("decisions") == 12
    assert counted(client) == dict.fromkeys(range(1, 13), 60)
    assert one.counts["database_errors"] == 0


def test_the_same_batch_scored_again_after_a_lost_commit_opens_no_second_alert(
    scorers, engine, client, publish, harvest, counted, sqlite_url
):
    publish(client, harvest(np.full(600, 77)))
    home = int(partition_of(np.array([77], np.uint64), PARTITIONS)[0])
    one = scorers(engine)
    give_back = robbed(one, client, home)
    one.round()
    assert one.counts["leases_lost"] == 1
    assert home not in one.leases.owned
    assert counted(client) == {}
    give_back()
    one.drain()
    assert counted(client) == {77: 600}
    assert len(alerts(sqlite_url)) == 1


def answered(events, *statuses):
    events["status"] = statuses
    return events


def test_keys_that_the_model_api_does_not_know_leave_nothing(
    scorers, engine, client, publish, counted, ordinary, sqlite_url
):
    ids = spread(300)
    one = scorers(engine)
    publish(client, answered(ordinary(ids), *[401] * 300))
    one.drain()
    assert counted(client) == {}
    assert (one.counts["events_unauthenticated"], one.counts["rows_fresh"], one.recorder.pending) == (300, 0, 0)
    assert one.counts["events"] == 300
    assert client.xlen(keys(1).events) == 0


@pytest.mark.parametrize("status", [200, 403, 429, 500])
def test_a_key_that_had_any_other_answer_is_a_client(scorers, engine, client, publish, counted, ordinary, status):
    one = scorers(engine)
    publish(client, answered(ordinary([1, 2, 2, 3, 3]), 401, 401, status, status, 401))
    one.drain()
    assert counted(client) == {2: 2, 3: 2}
    assert one.counts["events_unauthenticated"] == 1
    publish(client, answered(ordinary([1, 2, 3, 4]), 401, 401, 401, 401))
    one.drain()
    assert counted(client) == {2: 3, 3: 3}  # a key that was taken away is still looked at
    assert (one.counts["events_unauthenticated"], one.counts["rows_fresh"]) == (3, 2)


def test_a_row_of_another_version_makes_a_client(scorers, engine, client, publish, counted, ordinary):
    home = int(partition_of(np.array([7], np.uint64), PARTITIONS)[0])
    client.set(row_key(home, 7), b"of another version")
    one = scorers(engine)
    publish(client, answered(ordinary([7]), 401))
    one.drain()
    assert counted(client) == {7: 1}
    assert (one.counts["events_unauthenticated"], one.counts["rows_reset"]) == (0, 1)


def hidden(harvest, number=77, count=400):
    """A client of whose requests one in eight harvests, in a manner of its own."""
    events = harvest(np.full(count, number))
    chosen = np.arange(count) % 8 == 0
    for name, value in (("elicitation", 0), ("top_logprobs", -1), ("reasoning_chars", 0)):
        events[name] = value
    events["flags"], events["choices"] = 0, 2
    asks = ~chosen  # a product's questions, of which many come again
    events["flags"][asks] = Flag.SYSTEM | Flag.STREAM | Flag.USER_ID
    events["payload"][asks] = events["body"][asks] = np.arange(count)[asks] % 12 + 1
    events["head4"][asks] = events["tail6"][asks] = events["answer"][asks]
    events["choices"][asks], events["temperature"][asks] = 1, 0.3
    events["out_chars"][asks], events["user"][asks] = 300, 9
    return events


def parts_of(client, engine):
    rows = [
        unpack([client.get(key)], engine.row)[0]
        for partition in range(PARTITIONS)
        for key in client.keys(keys(partition).row + b"*")
    ]
    return [row for row in rows if row["part"]]


def test_a_part_of_a_client_s_traffic_is_kept_and_told_of(
    scorers, engine, client, publish, harvest, counted, sqlite_url
):
    events = hidden(harvest)
    one = scorers(engine)
    for some in np.array_split(events, 4):
        publish(client, some)
        one.drain()
    assert counted(client) == {77: 400}
    (part,) = parts_of(client, engine)
    assert int(part["counted"]) == 50 - parts.BEGUN
    home = int(partition_of(np.array([77], np.uint64), PARTITIONS)[0])
    assert client.exists(row_key(home, int(part["client"])))  # where its client's row is
    assert one.counts["parts"] >= 3
    assert one.counts["parts_left_out"] == 0
    ((ref, evidence),) = alerts(sqlite_url)
    assert ref == f"cl_{77:016x}"
    assert evidence["sentence"].startswith("In a part of its traffic, ")
    assert 25 <= evidence["part_requests"] <= 50
    assert evidence["traffic"]["requests"] > 200
    assert one.recorder.pending == 4  # summaries of the client alone


def test_what_rose_and_fell_within_one_batch_is_told(scorers, engine, client, publish, harvest, sqlite_url):
    calm = hidden(harvest, count=80)[np.arange(80) % 8 != 0]
    calm["at"] += WINDOW
    publish(client, np.concatenate([harvest(np.full(60, 77)), calm]))
    one = scorers(engine)
    one.round()
    assert one.counts["batches"] == 1
    ((_, evidence),) = alerts(sqlite_url)
    assert evidence["requests"] == evidence["traffic"]["requests"] <= 50  # as it stood when it was found
    assert one.counts["findings"] >= 2
    kinds = [kind for (kind,) in stored(sqlite_url, sa.select(AlertEvent.kind).order_by(AlertEvent.sequence))]
    assert (kinds[0], kinds[-1]) == ("opened", "cleared")


def test_parts_are_counted_once_though_the_commit_is_lost(scorers, engine, client, publish, harvest):
    publish(client, hidden(harvest))
    home = int(partition_of(np.array([77], np.uint64), PARTITIONS)[0])
    one = scorers(engine)
    give_back = robbed(one, client, home)
    one.round()
    assert parts_of(client, engine) == []
    give_back()
    one.drain()
    assert [int(part["counted"]) for part in parts_of(client, engine)] == [50 - parts.BEGUN]


def test_redis_that_goes_while_parts_are_loaded_poisons_nothing(
    scorers, engine, client, publish, harvest, counted, monkeypatch
):
    publish(client, hidden(harvest))
    one = scorers(engine)
    load = Rows.load

    def failing(self, claim, clients, what="clients"):
        if what == "parts":
            raise Unavailable("Redis does not answer")
        return load(self, claim, clients, what)

    monkeypatch.setattr(Rows, "load", failing)
    with pytest.raises(Unavailable):
        one.round()
    assert one.counts["engine_errors"] == one.counts["poison_blocks"] == 0
    monkeypatch.setattr(Rows, "load", load)
    one.drain()
    assert counted(client) == {77: 400}


def test_a_block_that_breaks_the_engine_is_moved_aside_alone(scorers, engine, client, publish, ordinary, counted):
    ids = spread(400)
    home = keys(int(partition_of(ids[:1], PARTITIONS)[0]))
    publish(client, ordinary(ids))
    bad = ordinary(ids[:1])
    bad["status"], bad["operation"] = BAD_STATUS, 1
    publish(client, bad)
    publish(client, ordinary(ids))
    fragile = Engine([*engine.detectors[1:], Fragile()], engine.reference)  # one less: a row has its limit
    one = scorers(fragile)
    one.drain()
    rows = [
        unpack([client.get(key)], fragile.row)[0]
        for partition in range(PARTITIONS)
        for key in client.keys(keys(partition).row + b"*")
    ]
    assert {int(row["client"]): int(row["events"]) for row in rows} == dict.fromkeys(range(1, 401), 2)
    assert (one.counts["poison_blocks"], one.counts["poison_events"]) == (1, 1)
    assert client.xlen(home.poison) == 1


@pytest.mark.parametrize(("attempts", "read_whole", "moved"), [(2, True, 0), (3, False, 0), (6, False, 1)])
def test_a_batch_that_killed_its_workers_is_read_carefully_then_moved_aside(
    scorers, engine, client, publish, ordinary, attempts, read_whole, moved
):
    ids = spread(2000)
    mine = ids[partition_of(ids, PARTITIONS) == 2]
    blocks = publish(client, ordinary(mine))
    client.set(keys(2).attempts, attempts)
    one = scorers(engine)
    one.round()
    assert client.xlen(keys(2).events) == (0 if read_whole else blocks - 1)
    assert one.counts["poison_blocks"] == client.xlen(keys(2).poison) == moved
    assert client.get(keys(2).attempts) is None
    one.drain()
    assert one.counts["events"] + one.counts["poison_events"] == len(mine)


def test_an_unfinished_first_batch_leaves_its_mark(scorers, engine, client, publish, ordinary, monkeypatch):
    ids = spread(100)
    publish(client, ordinary(ids[partition_of(ids, PARTITIONS) == 2]))
    one = scorers(engine)
    one.leases.tick()
    claim = one.leases.owned[2]
    one.scorer._begin(claim, Pace())
    assert client.get(keys(2).attempts) == b"1"
    one.drain()
    assert client.get(keys(2).attempts) is None


def test_a_connection_lost_in_a_batch_halves_the_next_one_and_loses_nothing(
    scorers, engine, client, publish, ordinary, counted
):
    publish(client, ordinary(spread(200)))
    one = scorers(engine)
    one.round()
    publish(client, ordinary(spread(200)))
    fetch = one.scorer._rows.fetch

    def cut(*arguments):
        blocks = fetch(*arguments)
        client.client_kill_filter(_type="normal", skipme=True)
        return blocks

    one.scorer._rows.fetch = cut
    with pytest.raises(Unavailable):
        one.round()
    one.scorer._rows.fetch = fetch
    assert min(pace.events for pace in one.scorer._paces.values()) == MOST_EVENTS // 2
    one.drain()
    assert counted(client) == dict.fromkeys(range(1, 201), 2)


class Sized:
    """What a pace looks at."""

    def __init__(self, entries, events):
        self.entries, self.events = entries, [None] * events


def test_reads_grow_where_blocks_are_small_and_shrink_back():
    pace = Pace()
    for _ in range(10):
        pace.went_well(Sized(pace.blocks, 5 * pace.blocks))
    assert pace.blocks == MOST_BLOCKS
    pace.went_well(Sized(pace.blocks, 256 * pace.blocks))
    assert pace.blocks == FULL_BATCH_BLOCKS
    pace.went_wrong()
    assert (pace.events, pace.blocks) == (1, FULL_BATCH_BLOCKS)
    for _ in range(10):
        pace.went_well(Sized(1, 10))
    assert pace.events == MOST_EVENTS


def test_little_is_visited_at_a_pace_and_much_at_once(scorers, engine, client, publish, ordinary):
    one = scorers(engine)
    publish(client, ordinary(spread(40)))
    one.round()
    publish(client, ordinary(spread(40)))
    assert not one.round(0.1)
    assert one.round(0.15)
    publish(client, ordinary(np.full(FULL_BATCH_BLOCKS, 5)), per_block=1)
    assert one.round(0.05)


def test_a_client_is_scored_behind_an_event_of_next_year(scorers, engine, client, publish, harvest, sqlite_url):
    now = time.time()
    one = scorers(engine)
    publish(client, harvest([77], at=now + 365 * 86_400.0))
    one.drain()
    publish(client, harvest([77] * 600, seed=1, at=now - 900.0))
    one.drain()
    assert one.counts["events_ahead"] == 1
    assert len(alerts(sqlite_url)) == 1


def test_a_row_that_the_host_s_own_clock_carried_away_comes_back(
    scorers, engine, client, publish, harvest, sqlite_url, monkeypatch
):
    now = time.time()
    one = scorers(engine)
    with monkeypatch.context() as jumped:
        jumped.setattr(time, "time", lambda: now + 365 * 86_400.0)
        publish(client, harvest([77], at=now + 365 * 86_400.0))
        one.drain()
    assert one.counts["events_ahead"] == 0
    publish(client, harvest([77] * 600, seed=1, at=now - 900.0))
    one.drain()
    assert one.counts["rows_ahead"] == 1
    assert len(alerts(sqlite_url)) == 1
