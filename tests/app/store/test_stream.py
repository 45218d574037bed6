"""The stream: even partitions, one slot a partition, garbage never fatal."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
import redis
from redis.crc import key_slot

from app.store.redis import Link
from app.store.redis import pack as command_bytes
from app.store.reply import RECEIVE_BYTES, Reply
from app.store.stream import Blocks, keys, lag_command, partition_of, publish_command, read, read_command, row_key
from detectors.event import EVENT, SCHEMA, pack, zeros
from tests.app.store.test_reply import arriving, encoded

EVERYTHING = 10**6


def splitmix64(value):
    mask = (1 << 64) - 1
    value = (value + 0x9E3779B97F4A7C15) & mask
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
    return value ^ (value >> 31)


def events_of(clients):
    events = zeros(len(clients))
    events["client"] = clients
    events["at"] = 1.7e9
    return events


def mine(partition, partitions, count):
    ids = np.arange(1, 20 * count * partitions, dtype=np.uint64)
    return ids[partition_of(ids, partitions) == partition][:count]


@pytest.mark.parametrize("partitions", [1, 2, 16, 100, 4096])
def test_partition_is_splitmix64(partitions):
    clients = np.array([0, 1, 2, 1 << 63, (1 << 64) - 1, 12345678901234567890], np.uint64)
    expected = [splitmix64(int(c)) % partitions for c in clients]
    assert partition_of(clients, partitions).tolist() == expected
    assert partition_of(clients, partitions).dtype == np.uint16


def test_consecutive_ids_spread_evenly():
    counts = np.bincount(partition_of(np.arange(160_000, dtype=np.uint64), 16), minlength=16)
    assert counts.min() > 9_500
    assert counts.max() < 10_500


@pytest.mark.parametrize("partition", [0, 17, 4095])
def test_a_partitions_keys_share_a_cluster_slot(partition):
    names = [*astuple(keys(partition)), row_key(partition, 2**64 - 1)]
    assert len({key_slot(name) for name in names}) == 1
    assert len(set(names)) == len(names)


def test_what_is_published_is_read_back_as_one_array(redis_url):
    clients = mine(1, 4, 50)
    events = events_of(clients)
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        for part in (events[:20], events[20:45], events[45:]):
            client.execute_command(*publish_command(1, pack(part), len(part)))
        assert client.execute_command(*lag_command(1)) == 3
        link = Link(redis_url, 5.0)
        blocks = ask(link, read_command(1, b"0-0", 2))
        assert blocks is not None
        assert pack(blocks.events) == pack(events[:45])
        assert blocks.more
        rest = ask(link, read_command(1, blocks.last, 2))
        assert isinstance(rest, Blocks)
        assert pack(rest.events) == pack(events[45:])
        assert not rest.more
        assert ask(link, read_command(1, rest.last, 2)) is None
        link.close()


def ask(link, command):
    link.send(command_bytes(*command))
    return read(Reply(link, bytearray(RECEIVE_BYTES)), 1, 4, 2, EVERYTHING)


def parse(data, *limits):
    return read(arriving(data), *limits)


def reply(*entries):
    return encoded([[b"{p0}:events", [[b"%d-0" % (i + 1), fields] for i, fields in enumerate(entries)]]])


GOOD = pack(events_of([5]))
NOW = str(SCHEMA).encode()
GARBAGE = {
    "another schema": [b"b", GOOD, b"s", b"999", b"n", b"1"],
    "no schema": [b"b", GOOD, b"n", b"1"],
    "no block": [b"s", NOW],
    "empty block": [b"b", b"", b"s", NOW],
    "torn block": [b"b", GOOD[:-1], b"s", NOW],
    "odd fields": [b"b"],
    "foreign": [b"hello", b"world"],
    "deleted": None,
}


@pytest.mark.parametrize("fields", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_counted_and_skipped_and_the_rest_is_read(fields):
    good = [b"n", b"1", b"s", NOW, b"b", GOOD]
    blocks = parse(reply(good, fields, good), 0, 1, 10, EVERYTHING)
    assert blocks is not None
    assert (len(blocks.events), blocks.rejected, blocks.last) == (2, 1, b"3-0")


def test_only_garbage_is_still_a_batch_to_acknowledge():
    blocks = parse(reply(GARBAGE["foreign"]), 0, 1, 10, EVERYTHING)
    assert blocks is not None
    assert (len(blocks.events), blocks.rejected, blocks.last) == (0, 1, b"1-0")
    assert blocks.events.dtype == EVENT


@pytest.mark.parametrize("at", [0.0, -1.0, np.nan, np.inf, 1e30])
def test_events_of_no_time_or_another_partition_are_left_out(at):
    events = events_of(mine(3, 8, 4))
    events["at"][0] = at
    events["client"][1] = mine(2, 8, 1)[0]
    blocks = parse(reply([b"b", pack(events), b"s", NOW]), 3, 8, 10, EVERYTHING)
    assert blocks is not None
    assert pack(blocks.events) == pack(events[2:])
    assert blocks.misplaced == 2
    assert blocks.clients.tolist() == sorted(blocks.events["client"].tolist())


def test_at_least_one_block_is_taken_whatever_the_limit():
    good = [b"b", GOOD * 5, b"s", NOW]
    blocks = parse(reply(good, good), 0, 1, 10, 1)
    assert blocks is not None
    assert (blocks.entries, blocks.more) == (1, True)


@pytest.mark.parametrize(("most", "used"), [(1, 1), (4, 1), (5, 2), (6, 2), (7, 3), (8, 3), (9, 4), (99, 4)])
def test_a_batch_ends_before_the_block_that_brings_too_many_clients(most, used):
    made = [[1, 2, 3, 4], [4, 5, 1], [6, 7, 7], [8, 9]]
    blocks = [[b"b", pack(events_of(clients)), b"s", NOW] for clients in made]
    read = parse(reply(*blocks), 0, 1, 10, EVERYTHING, most)
    assert read is not None
    assert read.events["client"].tolist() == [client for clients in made[:used] for client in clients]
    assert read.clients.tolist() == sorted({client for clients in made[:used] for client in clients})
    assert (read.last, read.rejected, read.more) == (b"%d-0" % used, 0, used < 4)


def test_garbage_counts_as_rejected_only_up_to_where_the_batch_ends():
    good = [[b"b", pack(events_of(clients)), b"s", NOW] for clients in ([1, 2], [3, 4], [5, 6])]
    read = parse(reply(GARBAGE["foreign"], good[0], good[1], GARBAGE["no block"], good[2]), 0, 1, 10, EVERYTHING, 4)
    assert read is not None
    assert (len(read.events), read.last, read.rejected) == (4, b"4-0", 2)
