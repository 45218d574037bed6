"""Rows: what is loaded is what was committed, and only the newest claim commits."""

from __future__ import annotations

import numpy as np
import pytest
import redis

from app.errors import LeaseLost, Unavailable
from app.store.packed import pack as packed
from app.store.packed import unpack
from app.store.redis import Link
from app.store.rows import Claim, Rows, stored
from app.store.stream import keys, partition_of, publish_command, row_key
from detectors.event import pack, zeros

ROW = np.dtype([("client", "<u8"), ("schema", "<u4"), ("events", "<u8"), ("note", "V44")])
PARTITIONS = 4
PARTITION = 2
SCHEMA = 7


def empty(clients):
    rows = np.zeros(len(clients), ROW)
    rows["client"] = clients
    rows["schema"] = SCHEMA
    return rows


def clients_of(partition, count):
    ids = np.arange(1, 40 * count, dtype=np.uint64)
    return ids[partition_of(ids, PARTITIONS) == partition][:count]


def block(clients):
    events = zeros(len(clients))
    events["client"] = clients
    events["at"] = 1e9
    return pack(events)


@pytest.fixture
def link(redis_url):
    link = Link(redis_url, 5.0)
    yield link
    link.close()


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.set(keys(PARTITION).fence, 1)
        yield client


@pytest.fixture
def rows(link):
    return Rows(link, ROW, SCHEMA, empty, row_days=1.0)


def publish(client, clients, per_block=10):
    for start in range(0, len(clients), per_block):
        part = clients[start : start + per_block]
        client.execute_command(*publish_command(PARTITION, block(part), len(part)))


def apply(rows, claim, most_events=10_000):
    blocks = rows.fetch(claim, PARTITIONS, 100, most_events)
    assert blocks is not None
    unique, counts = np.unique(blocks.events["client"], return_counts=True)
    loaded = rows.load(claim, unique)
    loaded.rows["events"] += counts.astype(np.uint64)
    return blocks, loaded


def test_a_commit_writes_rows_offset_and_acknowledgement(client, rows):
    clients = clients_of(PARTITION, 300)
    publish(client, clients)
    claim = Claim(PARTITION, token=1)
    blocks, loaded = apply(rows, claim)
    assert (loaded.fresh, loaded.reset) == (300, 0)
    rows.commit(claim, blocks, loaded.rows)

    assert client.xlen(keys(PARTITION).events) == 0
    assert client.get(keys(PARTITION).offset) == blocks.last
    stored = unpack([client.get(row_key(PARTITION, int(clients[5])))], ROW)[0]
    assert (stored["client"], stored["events"]) == (clients[5], 1)
    assert 86_000 < client.ttl(row_key(PARTITION, int(clients[5]))) <= 86_400
    assert rows.fetch(claim, PARTITIONS, 100, 10_000) is None


@pytest.mark.parametrize("known", ["none", "all", "odd", "first", "last"])
def test_rows_come_back_in_order_whichever_are_missing(client, rows, known):
    clients = clients_of(PARTITION, 500)
    keep = {
        "none": np.zeros(500, bool),
        "all": np.ones(500, bool),
        "odd": np.arange(500) % 2 == 1,
        "first": np.arange(500) == 0,
        "last": np.arange(500) == 499,
    }[known]
    for number in clients[keep]:
        stored = empty(np.array([number]))
        stored["events"] = number * np.uint64(3)
        stored["note"] = np.void(b"\r\n$-1\r\n*7\r\n" + b"x" * 33)
        client.set(row_key(PARTITION, int(number)), stored.tobytes())
    loaded = rows.load(Claim(PARTITION, 1), clients)
    assert (loaded.rows["client"] == clients).all()
    assert (loaded.rows["events"] == np.where(keep, clients * np.uint64(3), 0)).all()
    assert (loaded.fresh, loaded.reset) == (500 - int(keep.sum()), 0)


def test_a_row_of_another_size_schema_or_client_is_reset_and_counted(client, rows):
    clients = clients_of(PARTITION, 5)
    other_schema, other_client = empty(clients[1:2]), empty(clients[2:3] + np.uint64(1))
    other_schema["schema"] = SCHEMA + 1
    client.set(row_key(PARTITION, int(clients[0])), b"short")
    client.set(row_key(PARTITION, int(clients[1])), other_schema.tobytes())
    client.set(row_key(PARTITION, int(clients[2])), other_client.tobytes())
    client.set(row_key(PARTITION, int(clients[3])), b"y" * 100_000)
    loaded = rows.load(Claim(PARTITION, 1), clients)
    assert (loaded.rows == empty(clients)).all()
    assert (loaded.fresh, loaded.reset) == (1, 4)


def test_a_batch_stops_at_its_limit_and_the_next_one_goes_on(client, rows):
    clients = clients_of(PARTITION, 100)
    publish(client, clients)
    claim = Claim(PARTITION, 1)
    sizes = []
    for _ in range(4):
        blocks, loaded = apply(rows, claim, most_events=25)
        rows.commit(claim, blocks, loaded.rows)
        sizes.append((len(blocks.events), blocks.more))
    assert sizes == [(30, True), (30, True), (30, True), (10, False)]


def test_an_older_token_commits_nothing(client, rows):
    publish(client, clients_of(PARTITION, 20))
    claim = Claim(PARTITION, 1)
    blocks, loaded = apply(rows, claim)
    client.incr(keys(PARTITION).fence)  # somebody else takes the partition while we compute
    with pytest.raises(LeaseLost):
        rows.commit(claim, blocks, loaded.rows)
    assert client.get(keys(PARTITION).offset) is None
    assert client.xlen(keys(PARTITION).events) == 2
    assert client.keys(keys(PARTITION).row + b"*") == []
    with pytest.raises(LeaseLost):
        rows.fetch(claim, PARTITIONS, 100, 10_000)


def test_a_commit_that_was_given_up_for_lost_changes_nothing_when_it_arrives(client, rows, redis_url):
    publish(client, clients_of(PARTITION, 20))
    claim, again = Claim(PARTITION, 1), Claim(PARTITION, 1)
    blocks, loaded = apply(rows, claim)
    link = Link(redis_url, 5.0)
    second = Rows(link, ROW, SCHEMA, empty, 1.0)
    blocks_again, loaded_again = apply(second, again)
    second.commit(again, blocks_again, loaded_again.rows)
    link.close()
    with pytest.raises(LeaseLost):
        rows.commit(claim, blocks, loaded.rows)
    stored = client.mget(client.keys(keys(PARTITION).row + b"*"))
    assert set(unpack(stored, ROW)["events"].tolist()) == {1}
    assert len(stored) == 20


def test_a_commit_whose_reply_never_came_is_not_applied_twice(client, rows):
    publish(client, clients_of(PARTITION, 20))
    claim = Claim(PARTITION, 1)
    before = claim.offset
    blocks, loaded = apply(rows, claim)
    rows.commit(claim, blocks, loaded.rows)
    claim.offset = before  # as if the connection had broken before the reply
    assert rows.fetch(claim, PARTITIONS, 100, 10_000) is None
    assert claim.offset == blocks.last


def test_quarantine_moves_the_blocks_aside(client, rows):
    publish(client, clients_of(PARTITION, 30))
    claim = Claim(PARTITION, 1)
    blocks, _ = apply(rows, claim, most_events=20)
    waiting = client.xrange(keys(PARTITION).events)
    rows.quarantine(claim, blocks)
    assert client.xrange(keys(PARTITION).events) == waiting[2:]
    moved = client.xrange(keys(PARTITION).poison)
    assert [fields for _, fields in moved] == [{b"id": entry} | fields for entry, fields in waiting[:2]]
    blocks, _ = apply(rows, claim)
    assert blocks.first == waiting[2][0]


def test_an_error_in_the_transaction_is_told_and_the_connection_heals(client, rows, link):
    publish(client, clients_of(PARTITION, 20))
    claim = Claim(PARTITION, 1)
    blocks, loaded = apply(rows, claim)
    client.delete(keys(PARTITION).events)
    client.set(keys(PARTITION).events, "not a stream")
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        rows.commit(claim, blocks, loaded.rows)
    assert not link.connected
    assert link.call("PING") == b"PONG"


def test_the_longest_partition_name_and_a_second_partition_use_their_own_keys(client, rows):
    for partition in (PARTITION, 4095, 3):
        client.set(keys(partition).fence, 1)
        one = empty(np.array([9], np.uint64))
        clients = np.array([9], np.uint64)
        event = zeros(1)
        client.execute_command(*publish_command(partition, pack(event), 1))
        claim = Claim(partition, 1)
        blocks = rows.fetch(claim, PARTITIONS, 1, 10)
        assert blocks is not None
        assert blocks.misplaced == 1
        rows.commit(claim, blocks, one)
        assert (rows.load(claim, clients).rows == one).all()
        assert client.exists(row_key(partition, 9)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_rows_come_back_whatever_stands_between_them(client, rows, seed):
    rng = np.random.default_rng(seed)
    clients = clients_of(PARTITION, 12_000)
    kind = np.repeat(rng.choice(4, 1_500, p=[0.85, 0.05, 0.05, 0.05]), rng.integers(1, 400, 1_500))[: len(clients)]
    if seed == 3:
        kind = rng.integers(0, 4, len(clients))
    with client.pipeline(transaction=False) as pipe:
        for number, what in zip(clients.tolist(), kind.tolist(), strict=True):
            stored = empty(np.array([number], np.uint64))
            stored["events"] = number + 7
            row = packed(stored)[0] if number % 2 else stored.tobytes()  # as it is now, and as it once was
            value = {0: row, 1: b"", 2: b"z" * (number % 9_000)}.get(what)
            if value is not None:
                pipe.set(row_key(PARTITION, number), value)
        pipe.execute()
    loaded = rows.load(Claim(PARTITION, 1), clients)
    assert (loaded.rows["client"] == clients).all()
    assert (loaded.rows["events"] == np.where(kind == 0, clients + np.uint64(7), 0)).all()
    assert loaded.fresh == (kind == 3).sum()
    assert loaded.reset == len(clients) - loaded.fresh - (kind == 0).sum()


def test_stored_rows_that_are_there_and_ours_come_some_at_a_time(link, client, monkeypatch):
    monkeypatch.setattr("app.store.rows.LOOKED_UP", 2)
    held = empty(np.array([1, 2, 3], np.uint64))
    held["schema"][2] += 1
    places = partition_of(np.arange(6, dtype=np.uint64), PARTITIONS).tolist()
    for row, value in zip(held, packed(held), strict=True):
        client.set(row_key(places[int(row["client"])], int(row["client"])), value)
    client.set(row_key(places[4], 4), b"short")
    found = list(stored(link, ROW, SCHEMA, [1, 2, 3, 4, 5], PARTITIONS))
    assert [rows["client"].tolist() for rows, _ in found] == [[1, 2], [], []]
    assert [others for _, others in found] == [0, 2, 0]
