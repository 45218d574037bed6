"""Annotating: signatures in others' hands, bodies taken over, the same marks on every reading, and no ledger at all."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections import Counter

import numpy as np
import pytest
import redis
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.clients import accounts
from app.clients.accounts import Given
from app.models.alert import Alert
from app.models.client import Client, client_ref
from app.store import accounts as stored
from app.store.db import make_engine, session_scope
from app.store.ledger import Ledger, issued_key
from app.store.redis import Link
from app.worker import annotate
from app.worker.annotate import KEEP_SECONDS, RETRY_SECONDS, Annotator
from app.worker.partitions import identify
from app.worker.run import Worker
from detectors.event import zeros
from detectors.exchange import Operation

NOW = 1_764_000_000.0
SIGNED = 99
ALICE, BOB, CAROL = 1, 2, 3


class Bench:
    """An annotator on a ledger, with accounts by name and a clock set by hand."""

    def __init__(self, url, accounts=None):
        self.counts = Counter()
        self.link = Link(url, 0.5)
        self.ticks = 0.0
        self.accounts = accounts or {}
        named = lambda clients: [self.accounts.get(client, "") for client in clients]  # noqa: E731
        self.annotate = Annotator(Ledger(self.link, 1 << 20, 7.0), named, self.counts, lambda: self.ticks)

    def __call__(self, *events):
        return self.annotate(np.concatenate(events), NOW)


@pytest.fixture
def bench(redis_url):
    made = []

    def make(accounts=None, url=redis_url):
        made.append(Bench(url, accounts))
        return made[-1]

    yield make
    for one in made:
        one.link.close()


def event(client, at=0.0, **fields):
    """One request of a client, an answered chat of some length."""
    one = zeros(1)
    one["client"], one["at"], one["status"], one["in_chars"], one["duration"] = client, NOW + at, 200, 500, 2.0
    one["body"] = one["opening"] = one["payload"] = 1_000_003 * client + int(10 * at) + 7
    for name, value in fields.items():
        one[name] = value
    return one


def issued(client=ALICE, opening=50, **fields):
    return event(client, opening=opening, body=500, issued=SIGNED, **fields)


def presented(client, at=10.0, opening=50, context=500, **fields):
    return event(client, at, opening=opening, context=context, presented=SIGNED, **fields)


def test_a_large_batch_is_asked_about_in_parts_and_marked_as_one(bench, monkeypatch) -> None:
    monkeypatch.setattr(annotate, "ASKED_EVENTS", 3)
    one = bench({ALICE: "a", BOB: "b"})
    others = [event(CAROL, 0.1 * number) for number in range(7)]
    marked = one(issued(), *others, presented(BOB), event(CAROL, 20.0), presented(ALICE))
    assert marked["foreign"].tolist() == [0] * 8 + [1, 0, 0]
    plain = np.concatenate(others)
    assert one.annotate(plain, NOW) is plain
    assert one.counts["ledger_events_unmarked"] == 0


def test_a_clients_own_conversation_is_never_foreign(bench) -> None:
    one = bench()
    batch = np.concatenate([issued(), *(presented(ALICE, 10.0 * turn) for turn in range(1, 9))])
    for _ in range(3):
        assert one.annotate(batch, NOW) is batch
    assert one.counts["signatures_foreign"] == 0


def test_another_accounts_signature_in_another_conversation_is_level_one(bench) -> None:
    one = bench({ALICE: "a", BOB: "b"})
    one(issued())
    assert one(presented(BOB, opening=60, context=600))["foreign"].tolist() == [1]
    assert one(presented(BOB))["foreign"].tolist() == [1]  # the same conversation, under an account known to be another


def test_keys_of_one_account_share_signatures(bench) -> None:
    one = bench({ALICE: "a", BOB: "a"})
    one(issued())
    assert one(presented(BOB, opening=60, context=600))["foreign"].tolist() == [0]


def test_where_accounts_are_unknown_a_conversation_may_go_on_under_another_key(bench) -> None:
    one = bench()
    one(issued())
    assert one(presented(BOB))["foreign"].tolist() == [0]
    assert one(presented(BOB, opening=60, context=600))["foreign"].tolist() == [1]


def test_a_signature_in_three_conversations_is_fanned_out_and_asking_for_it_is_worse(bench) -> None:
    one = bench()
    one(issued())
    places = [presented(ALICE, 10.0 * k, opening=60 + k, context=600 + k) for k in range(1, 4)]
    assert one(*places)["foreign"].tolist() == [0, 0, 2]
    asking = presented(ALICE, 50.0, opening=90, context=900, elicitation=4)
    assert one(asking)["foreign"].tolist() == [3]


def test_trimmed_and_branched_histories_are_not_fanned_out(bench) -> None:
    one = bench()
    one(issued())
    branches = [presented(ALICE, 10.0 * k, context=600 + k) for k in range(1, 9)]  # the opening stays
    assert one(*branches)["foreign"].sum() == 0
    cut = [presented(ALICE, 100.0 + k, opening=70 + k, context=0) for k in range(9)]  # what was before is not known
    assert one(*cut)["foreign"].sum() == 0


def test_a_signature_that_was_issued_twice_belongs_to_both(bench) -> None:
    one = bench()
    one(issued(ALICE))
    one(issued(BOB, opening=80))
    assert one(presented(BOB, opening=80))["foreign"].tolist() == [0]
    assert one(presented(CAROL, opening=81, context=1))["foreign"].tolist() == [1]


def test_unknown_signatures_mean_nothing(bench) -> None:
    one = bench()
    assert one(presented(BOB))["foreign"].tolist() == [0]


random_events = st.lists(
    st.tuples(
        st.integers(1, 4),  # client
        st.sampled_from(["issue", "present", "refuse", "ask"]),
        st.integers(1, 3),  # signature or body
        st.integers(1, 4),  # conversation
        st.integers(0, 30),  # time
    ),
    min_size=1,
    max_size=25,
)


def made(some):
    kinds = {
        "issue": lambda c, s, o, t: event(c, t, issued=s, opening=o, body=o),
        "present": lambda c, s, o, t: event(c, t, presented=s, opening=o, context=o),
        "refuse": lambda c, s, o, t: event(c, t, body=s, status=429),
        "ask": lambda c, s, o, t: event(c, t, body=s),
    }
    return np.concatenate([kinds[kind](c, s, o, t) for c, kind, s, o, t in some])


@examples(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some=random_events)
def test_reading_the_same_block_again_gives_the_same_marks(valkey, some) -> None:
    valkey.flush()
    one = Bench(valkey.url)
    batch = made(some)
    first = one.annotate(batch, NOW)
    again = one.annotate(batch, NOW + 5)
    other = Bench(valkey.url)  # its successor, after a crash before the commit
    third = other.annotate(batch, NOW + 9)
    assert first.tobytes() == again.tobytes() == third.tobytes()
    one.link.close()
    other.link.close()


def refused(client, at=0.0, **fields):
    return event(client, at, **{"body": 700, "status": 429, "duration": 0.5} | fields)


def asked(client, at, **fields):
    return event(client, at, **{"body": 700} | fields)


@pytest.mark.parametrize("status", [429, 403])
def test_a_body_refused_to_another_client_a_moment_ago_has_moved(bench, status) -> None:
    one = bench()
    one(refused(ALICE, status=status))
    assert one(asked(BOB, 3.0))["moved"].tolist() == [1]
    assert one.counts["bodies_moved"] == 1


def test_what_is_no_move(bench) -> None:
    one = bench({ALICE: "a", CAROL: "a"})
    one(refused(ALICE))
    for innocent in (
        asked(ALICE, 3.0),  # its own retry
        asked(CAROL, 3.0),  # another key of the same account
        asked(BOB, 0.3),  # sent before the refusal came: hedged
        asked(BOB, 30.0),  # long after
        asked(BOB, 3.0, body=701),
        asked(BOB, 3.0, in_chars=20),  # so short that it coincides
        refused(BOB, 3.0),  # refused too
    ):
        assert one(innocent)["moved"].tolist() == [0]


def test_refusal_and_move_may_be_in_one_block_or_over_a_minutes_end(bench) -> None:
    one = bench()
    assert one(refused(ALICE), asked(BOB, 3.0))["moved"].tolist() == [0, 1]
    late = 60.0 - NOW % 60.0 - 1.0
    one(refused(ALICE, late, body=800))
    assert one(asked(BOB, late + 5.0, body=800))["moved"].tolist() == [1]


def test_answers_are_noted_for_look_up(bench) -> None:
    one = bench()
    batch = event(ALICE, answer=5, answer_gist=np.arange(1, 9))
    one(batch, event(BOB, answer=6, answer_gist=[1, 2, 3, 0, 0, 0, 0, 0]))  # too short to tell
    one.ticks += KEEP_SECONDS
    one(event(CAROL))
    assert one.annotate.size == 48


def test_without_the_ledger_events_go_unmarked_until_it_is_back(bench, private_valkey) -> None:
    private_valkey.start()
    one = bench(url=private_valkey.url)
    one(issued())
    private_valkey.kill()
    batch = presented(BOB, opening=60, context=600)
    assert one(batch)["foreign"].tolist() == [0]
    assert one(batch)["foreign"].tolist() == [0]
    assert one.counts["ledger_errors"] == 1  # the second was not even tried
    assert one.counts["ledger_events_unmarked"] == 2
    private_valkey.start()
    one.ticks += RETRY_SECONDS[0]
    one(issued())
    assert one(batch)["foreign"].tolist() == [1]


def test_a_hung_server_costs_one_timeout_not_one_a_batch(bench, private_valkey) -> None:
    private_valkey.start()
    one = bench(url=private_valkey.url)
    one(issued())
    private_valkey.pause()
    for _ in range(50):
        one(event(ALICE))
    assert one.counts["ledger_errors"] == 1
    assert one.counts["ledger_events_unmarked"] == 50
    private_valkey.resume()


def test_a_key_of_another_type_is_a_failure_of_the_ledger_alone(bench, valkey) -> None:
    one = bench()
    with valkey.client() as client:
        client.set("{ledger}:shown:" + (SIGNED).to_bytes(8, "little").decode("latin1"), b"x")
        for minute in range(int(NOW // 60) - 2, int(NOW // 60) + 2):
            client.lpush(f"{{ledger}}:refused:{minute}", b"x")
    batch = event(ALICE)
    assert one.annotate(batch, NOW) is batch
    assert one.counts["ledger_errors"] == 1


@pytest.fixture
def worker(settings, engine):
    one = Worker(settings, engine, identify(), 30.0)
    yield one
    one.close()


def drain(worker, count):
    deadline = time.monotonic() + 20.0
    while worker.counts["events"] < count:
        assert time.monotonic() < deadline, worker.counts
        worker.turn()


def alerts(url):
    async def read():
        database = make_engine(url)
        async with database.connect() as connection:
            found = (await connection.execute(sa.select(Alert.client_id, Alert.sentence))).all()
        await database.dispose()
        return found

    return asyncio.run(read())


def test_a_replayed_signature_opens_an_alert_and_ordinary_conversations_do_not(worker, settings, publish, redis_url):
    now = time.time()
    ordinary = [issued(ALICE), *(presented(ALICE, 10.0 * turn) for turn in range(1, 6))]
    theft = [
        presented(BOB, 100.0 + k, opening=60 + k, context=600 + k, elicitation=4, operation=Operation.CHAT)
        for k in range(4)
    ]
    with redis.Redis.from_url(redis_url) as client:
        for some in (ordinary, theft):
            events = np.concatenate(some)
            events["at"] += now - NOW
            publish(client, events)
            drain(worker, worker.counts["events"] + len(events))
    found = alerts(settings.database_url)
    assert [ref for ref, _ in found] == [f"cl_{BOB:016x}"]
    assert worker.counts["signatures_foreign"] == 4


def test_a_ledger_that_fails_in_the_middle_stops_no_batch(worker, publish, counted, redis_url) -> None:
    with redis.Redis.from_url(redis_url) as client:
        publish(client, issued(ALICE))
        drain(worker, 1)
        for key in client.scan_iter("{ledger}:*"):
            client.delete(key)
        client.set(issued_key(time.time(), 7.0), "no hash")
        publish(client, np.concatenate([event(ALICE, issued=5), presented(BOB, opening=60, context=600)]))
        drain(worker, 3)
        assert counted(client) == {ALICE: 2, BOB: 1}
    assert worker.counts["ledger_errors"] >= 1
    assert worker.counts["ledger_events_unmarked"] >= 1
    assert worker.counts["leases_lost"] == worker.counts["redis_errors"] == 0


def test_zero_bytes_switch_it_off(settings, engine, publish, redis_url) -> None:
    off = Worker(dataclasses.replace(settings, ledger_bytes=0), engine, identify(), 30.0)
    with redis.Redis.from_url(redis_url) as client:
        publish(client, np.concatenate([issued(), event(BOB, answer_gist=np.arange(1, 9))]))
        drain(off, 2)
        assert list(client.scan_iter("{ledger}:*")) == []
    off.close()


@pytest.fixture
def give(settings):
    """A function that says whose clients are, as `stillwatch accounts import` does."""

    def run(account, *clients):
        async def work():
            database = make_engine(settings.database_url)
            async with session_scope(database) as session:
                await accounts.give(session, [Given(client_ref(one), account) for one in clients], time.time())
                found = await session.execute(sa.select(Client.id, Client.account).order_by(Client.id))
            await database.dispose()
            return [tuple(row) for row in found]

        return asyncio.run(work())

    return run


def compare(worker):
    """The look that comes every ten seconds, and the turns that write what it finds."""
    worker._next_tell = 0.0
    worker.turn()
    worker.turn()


def test_keys_that_an_operator_declared_to_be_one_account_share_signatures(worker, give, redis_url) -> None:
    theirs = np.concatenate([issued(), *(presented(BOB, 10.0 + k, opening=60, context=600 + k) for k in range(3))])

    def foreign():
        return worker._annotate(theirs, NOW)["foreign"].tolist()

    with redis.Redis.from_url(redis_url) as client:
        client.execute_command(*stored.name_command({f"{ALICE:016x}": "reseller", f"{BOB:016x}": "theirs"}))
        compare(worker)
        assert foreign() == [0, 1, 1, 1]
        give("reseller", BOB)
        compare(worker)
        assert foreign() == [0, 0, 0, 0]
        client.flushall()
        give("reseller", ALICE)
        compare(worker)
        assert foreign() == [0, 0, 0, 0]
        give("", ALICE, BOB)
        client.execute_command(*stored.name_command({f"{ALICE:016x}": "reseller", f"{BOB:016x}": "theirs"}))
        compare(worker)
        assert foreign() == [0, 1, 1, 1]


def test_what_was_taken_back_does_not_come_back_with_a_summary(worker, give, publish, redis_url) -> None:
    """Redis has the copy for some seconds longer than the database."""
    with redis.Redis.from_url(redis_url) as client:
        give("acme", ALICE)
        compare(worker)
        assert client.hget(stored.GIVEN, f"{ALICE:016x}") == b"acme"
        assert give("", ALICE) == [(client_ref(ALICE), "")]
        publish(client, event(ALICE))
        drain(worker, 1)
        worker._recorder.flush_all(10.0)
        assert worker.counts["summaries"] == 1
        assert give("", BOB) == [(client_ref(ALICE), ""), (client_ref(BOB), "")]
