"""Leases: a fair share for each worker, a quick hand-over, and a new fencing token with every claim."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import redis

from app.store.redis import Link
from app.store.stream import keys
from app.worker.partitions import Identity, Leases, identify

PARTITIONS = 16


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def hire(redis_url):
    """A function that makes a worker's leases; `seconds` is how long a lease lives."""
    links = []

    def make(name, seconds=30.0, **identity):
        link = Link(redis_url, 5.0)
        links.append(link)
        return Leases(link, Identity(name, **{"place": "", "pid": 1, **identity}), PARTITIONS, seconds)

    yield make
    for link in links:
        link.close()


def tick(*workers, times=3):
    for _ in range(times):
        for worker in workers:
            worker.tick()


def shares(*workers):
    owned = [set(worker.owned) for worker in workers]
    assert sum(len(part) for part in owned) == len(set().union(*owned)), "two workers own one partition"
    return sorted(len(part) for part in owned)


def test_one_worker_owns_everything(hire, client):
    worker = hire("a")
    worker.tick()
    assert sorted(worker.owned) == list(range(PARTITIONS))
    assert {worker.owned[p].token for p in worker.owned} == {1}
    assert client.get(keys(3).lease).startswith(b"a ")


def test_newcomers_get_their_share_and_everything_stays_owned(hire):
    a, b, c = hire("a"), hire("b"), hire("c")
    tick(a)
    tick(b, a, b)
    assert shares(a, b) == [8, 8]
    tick(c, a, b, c)
    assert shares(a, b, c) == [4, 6, 6]
    assert (a.workers, b.workers, c.workers) == (3, 3, 3)


def test_more_workers_than_partitions_leave_some_idle(hire):
    workers = [hire(f"w{i}") for i in range(PARTITIONS + 3)]
    tick(*workers)
    tick(*workers)
    assert shares(*workers) == [0, 0, 0] + [1] * PARTITIONS


def test_a_worker_that_stops_leaves_everything_at_once(hire, client):
    a, b = hire("a"), hire("b")
    tick(a, b, a, b)
    a.stop()
    assert not a.owned
    b.tick()
    assert shares(b) == [PARTITIONS]
    assert client.smembers("workers") == {b"b"}


def test_a_silent_workers_partitions_are_taken_when_its_lease_ends(hire, eventually):
    a, b = hire("a", seconds=0.3), hire("b")
    tick(a)
    tick(b, times=1)
    assert shares(a, b) == [0, PARTITIONS]

    def taken():
        b.tick()
        return len(b.owned) == PARTITIONS

    eventually(taken)
    assert {claim.token for claim in b.owned.values()} == {2}
    a.tick()  # it wakes up again: what it thought it owned is gone
    assert not a.owned
    tick(b, a)
    assert shares(a, b) == [8, 8]


def test_renewing_keeps_the_lease_and_the_token(hire, client):
    a = hire("a", seconds=1.0)
    tick(a, times=1)
    before = {p: claim.token for p, claim in a.owned.items()}
    client.pexpire(keys(5).lease, 50_000)
    a.tick()
    assert 0 < client.pttl(keys(5).lease) <= 1000
    assert {p: claim.token for p, claim in a.owned.items()} == before


def test_a_lease_that_is_not_ours_is_neither_renewed_nor_released(hire, client):
    a = hire("a")
    tick(a, times=1)
    client.set(keys(5).lease, b"somebody else", px=40_000)
    a.tick()
    assert 5 not in a.owned
    a.stop()
    assert client.get(keys(5).lease) == b"somebody else"


def test_a_lost_lease_can_be_claimed_again_with_a_newer_token(hire, client):
    a = hire("a")
    tick(a, times=1)
    client.delete(keys(5).lease)
    a.tick()
    assert a.owned[5].token == 2
    assert client.get(keys(5).fence) == b"2"


def test_the_leases_of_a_dead_process_of_this_place_are_taken_at_once(hire):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    place = identify().place
    assert place
    a, b = hire("a", place=place, pid=dead.pid), hire("b", place=place)
    tick(a, times=1)
    tick(b, times=1)
    assert shares(b) == [PARTITIONS]


def test_a_lease_is_respected_while_its_owner_lives_or_lives_elsewhere(hire):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    me = identify()
    assert not me.outlived(me.text)
    assert me.outlived(replace(me, pid=dead.pid).text)
    assert not me.outlived(replace(me, pid=dead.pid, place="elsewhere/pid").text)
    assert not replace(me, place="").outlived(replace(me, place="", pid=dead.pid).text)
    for odd in (b"", b"text", b"a b", b"\xff \xff \xff", f"a {me.place} 99999999999999999999".encode()):
        assert not me.outlived(odd)


def test_attempts_of_others_are_told_and_ones_own_forgotten(hire, client):
    client.set(keys(2).attempts, 4)
    a = hire("a")
    tick(a, times=1)
    assert (a.owned[2].attempts, a.owned[3].attempts) == (4, 0)
    client.delete(keys(2).lease)
    a.tick()  # this process lived on, so that nothing of it died
    assert a.owned[2].attempts == 0
