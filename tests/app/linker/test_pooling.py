"""The members' rows are read from where workers put them."""

import contextlib
from collections import Counter

import numpy as np

from app.linker import pooling
from app.linker.core import Core
from app.linker.pooling import AGAIN_SECONDS, Pooling
from app.store.redis import Link
from app.store.stream import partition_of, row_key
from detectors.campaign import Linker
from detectors.campaign.pooled import fit
from detectors.registry import load

PARTITIONS = 4


def test_members_are_scored_as_one_client_when_they_are_due(redis_url, crowd):
    engine, events = load(), crowd()
    clients = np.unique(events["client"])
    rows = engine.empty(clients)
    engine.step(rows, events, 1_800_000_100.0)
    linker = Linker()
    linker.observe(events)
    campaigns = linker.link(1_800_000_100.0)
    pool = Pooling(engine, fit(engine, rows[clients >= 1000], 3, sets=40), PARTITIONS)
    with contextlib.closing(Link(redis_url, 2.0)) as link:
        pool.look(link, campaigns, 10.0)
        assert pool.scores == {}  # no rows yet
        _stored(link, rows, clients)
        pool.look(link, campaigns, 20.0)
        first = pool.scores[campaigns[0].id]
        assert first.told.nats > 0
        assert first.document()["detectors"]
        pool.look(link, campaigns, 30.0)
        assert pool.scores[campaigns[0].id].at == 20.0
        pool.look(link, campaigns, 21.0 + AGAIN_SECONDS)
        assert pool.scores[campaigns[0].id].at == 21.0 + AGAIN_SECONDS
        pool.look(link, (), 99.0)
        assert pool.scores == {}


def _stored(link: Link, rows: np.ndarray, clients: np.ndarray) -> None:
    for row, place in zip(rows, partition_of(clients, PARTITIONS).tolist(), strict=True):
        link.call("SET", row_key(place, int(row["client"])), row.tobytes())


def test_groups_hear_what_the_rows_of_their_clients_say(redis_url, crowd):
    engine, events = load(), crowd()
    clients = np.unique(events["client"])
    rows = engine.empty(clients)
    engine.step(rows, events, 1_800_000_100.0)
    core = Core()
    core.observe(events)
    core.link(1_800_000_100.0)
    asked = set(core.linker.asked)
    assert set(range(1, 13)) <= asked
    pool = Pooling(engine, None, PARTITIONS)
    with contextlib.closing(Link(redis_url, 2.0)) as link:
        _stored(link, rows, clients)
        ranks = pool.hear(link, asked, 10.0)
        assert ranks.keys() == asked
        assert pool.hear(link, asked, 11.0) == {}  # only just read
        assert pool.hear(link, asked, 11.0 + AGAIN_SECONDS).keys() == asked
    core.hear(ranks)
    assert core.fresh
    assert core.linker.ranks.keys() == asked
    assert [one for one in core.link(1_800_000_101.0) if 1 in one.members]
    assert not core.linker.asked


def test_without_a_calibration_campaigns_are_found_all_the_same(settings, monkeypatch, redis_url):
    counts = Counter()
    monkeypatch.setattr(pooling, "load", lambda: (_ for _ in ()).throw(OSError("gone")))
    pool = pooling.pooling(settings, counts)
    assert counts["pooling_uncalibrated"] == 1
    with contextlib.closing(Link(redis_url, 2.0)) as link:
        pool.look(link, (), 1.0)
    assert pool.scores == {}
