"""What chance would bring beside what came: the adjustment by the textbook, and the batch on both databases."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.alerts import chance, lifecycle
from app.alerts.chance import LEVEL, Odds, Opened
from app.clients.queries import ClientSummary, upsert
from app.models.base import moment
from app.store.db import read_scope, session_scope
from detectors.fuse import AT_ONCE, agreed_score
from detectors.reference import empty
from detectors.registry import load

NOW = 1_800_000_000.0
DAY = 86400.0
ODDS = Odds(0.002, 0.0005, 9.2)
REFERENCE = dataclasses.replace(empty(), about={"clients": 1999, "ever_reviewed": 3, "review_rate_asked": 0.001})

levels = st.floats(0.0001, 1.0)
below_all = st.floats(0.0001, 1.0, exclude_max=True)  # at a level of 1 every test is called, whoever asks
some = st.lists(levels, max_size=12)


def called(p: list[float], tests: int, level: float) -> list[bool]:
    """Benjamini and Hochberg's step-up procedure as they wrote it: up to the last p at or under its line."""
    line = max((rank for rank, one in enumerate(sorted(p), 1) if one <= level * rank / tests * (1 + 1e-12)), default=0)
    return [one <= sorted(p)[line - 1] if line else False for one in p]


@given(some, st.integers(0, 40))
def test_q_are_shares_in_the_order_of_p(p, more):
    q = chance.adjusted(p, len(p) + more)
    assert all(0 < one <= 1 for one in q)
    pairs = sorted(zip(p, q, strict=True))
    assert [one for _, one in pairs] == sorted(q)
    assert all(adjusted >= one or adjusted == 1 for one, adjusted in pairs)


@given(some, st.integers(0, 40), below_all)
def test_a_q_is_the_least_level_at_which_its_test_is_called(p, more, level):
    tests = len(p) + more
    assert [one <= level * (1 + 1e-12) for one in chance.adjusted(p, tests)] == called(p, tests, level)


def test_the_adjustment_by_hand():
    # 0.01, 0.02, 0.03 of ten: 10 * 0.01 / 1, 10 * 0.02 / 2, 10 * 0.03 / 3; then 0.2 at rank 4 is 0.5
    assert chance.adjusted([0.2, 0.03, 0.01, 0.02], 10) == pytest.approx([0.5, 0.1, 0.1, 0.1])
    assert chance.adjusted([0.02, 0.001], 10) == pytest.approx([0.1, 0.01])
    assert chance.adjusted([], 10) == []


def test_a_p_falls_by_the_nat_to_what_the_reference_resolves():
    assert ODDS.p(0.0) == 0.002
    assert ODDS.p(-1.0) == 0.002
    assert ODDS.p(1.0) == pytest.approx(0.002 / math.e)
    assert ODDS.p(9.0) == 0.0005


def test_the_odds_are_counted_of_the_reference_and_no_better_than_asked():
    odds = chance.odds_of(REFERENCE)
    assert odds == Odds(pytest.approx(4 / 2000), pytest.approx(1 / 2000), agreed_score(REFERENCE))
    about = REFERENCE.about | {"ever_reviewed": 0}
    assert chance.odds_of(dataclasses.replace(REFERENCE, about=about)).share == 0.001
    few = {"clients": 300, "ever_reviewed": 0, "review_rate_asked": 0.001}
    assert chance.odds_of(dataclasses.replace(REFERENCE, about=few)).share == pytest.approx(1 / 301)
    assert chance.odds_of(empty()) is None
    assert chance.odds_of(None) is None
    shipped = load().reference
    told = (1 + shipped.about["ever_reviewed"]) / (1 + shipped.about["clients"])
    assert chance.odds_of(shipped).share == pytest.approx(max(told, shipped.about["review_rate_asked"]))


def opened(client, nats, wire=False, score=7.0, number=0):
    return Opened(f"al_{client}_{number}", client, score, score - nats, wire)


def test_a_client_counts_once_by_its_rarest_alert():
    found = chance.batch(moment(NOW), 50, [opened("a", 0.5), opened("a", 1.0, number=1), opened("b", 0.0)], ODDS)
    assert (found.clients, found.reviewed, found.expected) == (50, 2, pytest.approx(0.1))
    assert found.q["al_a_0"] == found.q["al_a_1"] == pytest.approx(50 * 0.002 / math.e)
    assert found.q["al_b_0"] == pytest.approx(50 * 0.002 / 2)
    assert found.beyond == 2


def test_a_tripwire_is_no_matter_of_scores():
    found = chance.batch(moment(NOW), 50, [opened("a", 3.0, wire=True), opened("b", 0.0)], ODDS)
    assert (found.reviewed, found.tripwires, set(found.q)) == (1, 1, {"al_b_0"})
    assert found.q["al_b_0"] == pytest.approx(50 * 0.002)
    both = chance.batch(moment(NOW), 50, [opened("a", 3.0, wire=True), opened("a", 0.0, number=1)], ODDS)
    assert (both.reviewed, both.tripwires) == (1, 0)


def test_a_score_that_agreement_gave_is_no_measure():
    found = chance.batch(moment(NOW), 50, [opened("a", 4.0, score=9.2)], ODDS)
    assert found.q["al_a_0"] == pytest.approx(50 * 0.002)


def test_what_so_few_alerts_of_so_many_cannot_resolve_is_said():
    found = chance.batch(moment(NOW), 10_000, [opened(str(n), 20.0) for n in range(10)], ODDS)
    assert found.resolvable == pytest.approx(0.5)
    assert min(found.q.values()) == pytest.approx(0.5)
    assert found.beyond == 0
    assert chance.batch(moment(NOW), 10_000, [], ODDS).resolvable is None
    many = chance.batch(moment(NOW), 10_000, [opened(str(n), 20.0) for n in range(60)], ODDS)
    assert many.resolvable < LEVEL
    assert many.beyond == 60


def test_without_a_reference_that_says_nothing_is_made_up():
    found = chance.batch(moment(NOW), 50, [opened("a", 1.0)], None)
    assert (found.reviewed, found.expected, found.resolvable, found.q, found.beyond) == (1, None, None, {}, 0)


def seen(client, at=NOW - DAY, requests=500):
    return ClientSummary(client, at - 60, at, requests, 0, 0, 0, 1.0)


async def raise_alerts(engine, *findings, at=NOW - DAY):
    async with session_scope(engine) as session:
        await lifecycle.record(session, findings, at)


async def week(engine, reference=REFERENCE, now=NOW):
    async with read_scope(engine) as session:
        return await chance.of_week(session, reference, now)


async def test_the_week_counts_who_was_compared_and_who_came(database, make_finding):
    async with session_scope(database) as session:
        others = [seen(n) for n in range(10, 30)]
        left_out = [seen(30, requests=24), seen(31, at=NOW - 8 * DAY)]
        await upsert(session, [seen(1), seen(2), seen(3, at=NOW - 8 * DAY), seen(4, requests=24), *others, *left_out])
    await raise_alerts(database, make_finding(1, score=9.7), make_finding(2, score=12.2))
    await raise_alerts(database, make_finding(10, score=20.0), at=NOW - 8 * DAY)  # opened in another week
    await raise_alerts(database, make_finding(3, score=20.0), make_finding(4, score=20.0))  # not among the compared
    found = await week(database)
    assert (found.clients, found.reviewed, found.tripwires, found.complete) == (22, 2, 0, True)
    assert found.expected == pytest.approx(22 * 0.002)
    assert sorted(found.q.values()) == pytest.approx([22 * 0.0005, 22 * 0.002 * math.exp(-0.5) / 2])


async def test_an_alert_counts_by_the_score_that_it_opened_with_whatever_became_of_it(database, make_finding):
    async with session_scope(database) as session:
        await upsert(session, [seen(1)])
    await raise_alerts(database, make_finding(1, score=9.7, requests=50))
    before = await week(database)
    await raise_alerts(database, make_finding(1, score=22.0, requests=900, at=NOW + 60.0), at=NOW - DAY / 2)
    (alert_id,) = before.q
    async with session_scope(database) as session:
        alert = await session.get(chance.Alert, alert_id)
        assert alert.score == 22.0
        await lifecycle.close(session, alert_id, "benign_expected", "", "ada", alert.version, NOW)
    assert (await week(database)).q == before.q


async def test_a_tripwire_is_told_by_its_sentence(database, make_finding):
    async with session_scope(database) as session:
        await upsert(session, [seen(1), seen(2)])
    wired = make_finding(1, score=12.2)
    told = dataclasses.replace(wired.explanation, sentence=f"It presented reasoning of others: {AT_ONCE}")
    await raise_alerts(database, dataclasses.replace(wired, explanation=told), make_finding(2, score=9.7))
    found = await week(database)
    assert (found.reviewed, found.tripwires, len(found.q)) == (1, 1, 1)


async def test_more_alerts_than_a_batch_takes_make_it_careful(database, make_finding, monkeypatch):
    async with session_scope(database) as session:
        await upsert(session, [seen(n) for n in range(1, 6)])
    await raise_alerts(database, *(make_finding(n, score=20.0) for n in range(1, 6)))
    whole = await week(database)
    monkeypatch.setattr(chance, "ALERTS", 3)
    part = await week(database)
    assert (whole.complete, part.complete, len(part.q)) == (True, False, 3)
    assert all(q >= whole.q[alert] for alert, q in part.q.items())


async def test_a_batch_is_kept_for_a_while_and_not_beyond_another_reference(sqlite_database, monkeypatch):
    kept = chance.Kept()

    async def read(reference=REFERENCE):
        async with read_scope(sqlite_database) as session:
            return await kept.read(session, reference, NOW)

    monkeypatch.setattr(chance, "EFFORT", 1e-9)
    first = await read()
    async with session_scope(sqlite_database) as session:
        await upsert(session, [seen(1)])
    assert await read() is first
    assert (await read(empty())).clients == 1
    monkeypatch.setattr(chance, "KEPT_SECONDS", 0.0)
    assert (await read()).clients == 1  # the reference is another one again
    async with session_scope(sqlite_database) as session:
        await upsert(session, [seen(2)])
    assert (await read()).clients == 2
