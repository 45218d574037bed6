"""A worker's surroundings: the shipped engine, events that it counts, settings, and a migrated database."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from app.settings import read_settings
from app.store.packed import unpack
from app.store.stream import keys, partition_of, publish_command
from detectors.event import pack, zeros
from detectors.exchange import Dialect, Operation
from detectors.registry import load

PARTITIONS = 4


@pytest.fixture(scope="session")
def engine():
    """The engine that ships, by the families alone: made-up events look like nothing that its forest was shown."""
    made = load()
    made.use(replace(made.reference, forest=None))
    return made


@pytest.fixture
def eventually():
    """Wait until a condition holds, or fail."""

    def wait(condition, seconds=120.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.01)

    return wait


def _harvest(clients, seed=0, at=1.7e9):
    """Events of clients that harvest: one template, ever new content, many samples, elicited reasoning."""
    clients = np.asarray(clients, np.uint64)
    rng = np.random.default_rng(seed)
    events = zeros(len(clients))
    events["client"] = clients
    events["at"] = at + np.arange(len(clients))
    events["dialect"], events["operation"], events["status"] = Dialect.OPENAI, Operation.CHAT, 200
    for name in ("payload", "body", "answer"):
        events[name] = rng.integers(1, 2**63, len(clients))
    events["head4"], events["head12"], events["tail6"], events["system"] = 11, 12, 13, 14
    events["out_chars"], events["out_tokens"], events["in_tokens"] = 12_000, 3_000, 200
    events["reasoning_chars"] = 8_000
    events["elicitation"] = 3
    events["flags"] = (1 << 12) | (1 << 13) | (1 << 4) | (1 << 3)
    events["choices"], events["temperature"], events["top_logprobs"] = 8, 1.0, 5
    events["messages"] = 2
    return events


@pytest.fixture
def harvest():
    """A function that makes harvesters' events of client ids."""
    return _harvest


@pytest.fixture
def ordinary():
    """A function that makes events of client ids in which nothing is to be found."""

    def make(clients, at=1.7e9):
        events = zeros(len(clients))
        events["client"] = clients
        events["at"] = at
        return events

    return make


@pytest.fixture
def publish():
    """A function that publishes events to their partitions, in blocks; returns how many blocks."""

    def send(client, events, partitions=PARTITIONS, per_block=64):
        blocks = 0
        placed = partition_of(events["client"], partitions)
        for partition in range(partitions):
            mine = events[placed == partition]
            for start in range(0, len(mine), per_block):
                part = mine[start : start + per_block]
                client.execute_command(*publish_command(partition, pack(part), len(part)))
                blocks += 1
        return blocks

    return send


@pytest.fixture
def counted(engine):
    """A function that reads how many events each client's row has counted."""

    def read(client, partitions=PARTITIONS):
        found = {}
        for partition in range(partitions):
            for key in client.scan_iter(match=keys(partition).row + b"*", count=1000):
                row = unpack([client.get(key)], engine.row)[0]
                if row["part"]:
                    continue
                found[int(row["client"])] = found.get(int(row["client"]), 0) + int(row["events"])
        return found

    return read


@pytest.fixture
def settings(tmp_path, redis_url, sqlite_url, migrated):
    """Settings of a worker on the shared server and a migrated SQLite database."""
    migrated(sqlite_url)
    return read_settings(
        {
            "REDIS_URL": redis_url,
            "DATABASE_URL": sqlite_url,
            "STILLWATCH_DATA": str(tmp_path),
            "STILLWATCH_PARTITIONS": str(PARTITIONS),
        }
    )
