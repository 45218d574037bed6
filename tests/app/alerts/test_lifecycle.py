"""Alerts open once, keep their evidence, and leave the queue only through a verdict."""

import asyncio
import math

import pytest
import sqlalchemy as sa

from app.alerts import lifecycle
from app.clients import queries as clients
from app.errors import Conflict, InvalidInput, NotFound, PreconditionFailed, PreconditionRequired
from app.models import Alert, AlertEvent, Decision, Label
from app.models.base import moment
from app.models.client import client_ref
from app.models.vocabulary import Disposition, Severity, State, Verdict
from app.store.db import make_engine, session_scope
from detectors.base import Level

NOW = 1_800_000_100.0


async def record(engine, *findings, now=NOW):
    async with session_scope(engine) as session:
        return await lifecycle.record(session, findings, now)


async def alerts(engine):
    async with session_scope(engine) as session:
        return list(await session.scalars(sa.select(Alert).order_by(Alert.fingerprint, Alert.episode)))


async def the_alert(engine):
    found = await alerts(engine)
    assert len(found) == 1
    return found[0]


async def rows(engine, table):
    async with session_scope(engine) as session:
        return list(await session.scalars(sa.select(table).order_by(table.id)))


async def kinds(engine, alert_id):
    async with session_scope(engine) as session:
        query = sa.select(AlertEvent.kind).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.sequence)
        return list(await session.scalars(query))


async def close(engine, alert, disposition, *, version=None, note="", now=NOW + 10):
    async with session_scope(engine) as session:
        version = alert.version if version is None else version
        return await lifecycle.close(session, alert.id, disposition, note, "ada", version, now)


async def test_a_finding_opens_an_alert_with_evidence_decision_and_notification(database, make_finding):
    decisions = await record(database, make_finding())
    alert = await the_alert(database)
    assert (alert.state, alert.episode, alert.version, alert.severity) == (State.NEW, 1, 1, Severity.MEDIUM)
    assert alert.client_id == "cl_0000000000c0ffee"
    assert alert.opened_at == moment(NOW)
    evidence = alert.evidence
    assert evidence["id"] == alert.id
    assert evidence["thresholds"] == {"review": 9.2}
    assert evidence["detector_versions"] == {"template": 1, "surface": 1}
    assert evidence["traffic"]["out_tokens"] == 20000
    assert evidence["window"] == {"start": "2027-01-15T07:00:00.000Z", "end": "2027-01-15T08:00:00.000Z"}
    assert evidence["contributions"][0]["population_p50"] == 0.02
    assert evidence["contributions"][0]["population_p99"] is None
    assert evidence["counter_evidence"][0]["feature"] == "repeats"
    assert [d.action for d in decisions] == ["tag"]
    assert decisions[0].simulated
    assert decisions[0].client == 0xC0FFEE
    assert decisions[0].expires_at - decisions[0].starts_at == pytest.approx(86400)


async def test_the_same_finding_twice_changes_nothing(database, make_finding):
    await record(database, make_finding())
    before = [(len(await rows(database, t))) for t in (Alert, AlertEvent, Decision)]
    assert await record(database, make_finding(), now=NOW + 5) == []
    assert [(len(await rows(database, t))) for t in (Alert, AlertEvent, Decision)] == before
    assert (await the_alert(database)).updated_at == moment(NOW)


async def test_a_later_finding_refreshes_the_reading_and_never_the_evidence(database, make_finding):
    await record(database, make_finding())
    first = await the_alert(database)
    await record(database, make_finding(score=12.1, requests=900, at=1_800_000_500.0), now=NOW + 400)
    second = await the_alert(database)
    assert second.evidence == first.evidence
    assert second.latest["requests"] == 900
    assert second.score == 12.1
    assert second.version == first.version


async def test_later_counts_of_losses_join_the_reading_and_never_the_evidence(database, make_finding):
    await record(database, make_finding())
    first = await the_alert(database)
    async with session_scope(database) as session:
        await lifecycle.note_quality(session, {0xC0FFEE: {"dropped_events": 969.0}, 0xF00: {}}, NOW + 60)
    second = await the_alert(database)
    assert second.latest == {**first.latest, "data_quality": {"dropped_events": 969.0}}
    assert (second.evidence, second.version) == (first.evidence, first.version)
    assert second.updated_at == moment(NOW + 60)


async def test_an_older_finding_is_ignored(database, make_finding):
    await record(database, make_finding(requests=900))
    await record(database, make_finding(requests=100, at=1_799_999_000.0, score=30.0))
    assert (await the_alert(database)).score == 12.0


async def test_a_rise_escalates_severity_and_decision(database, make_finding):
    await record(database, make_finding(score=9.5))
    low = await the_alert(database)
    assert low.severity is Severity.LOW
    changed = await record(database, make_finding(score=16.0, requests=900, at=1_800_000_500.0), now=NOW + 400)
    high = await the_alert(database)
    assert high.severity is Severity.CRITICAL
    assert await kinds(database, high.id) == ["opened", "escalated"]
    assert [(d.action, d.revoked) for d in changed] == [("tag", True), ("throttle", False)]
    await record(database, make_finding(score=10.0, requests=990, at=1_800_000_600.0), now=NOW + 500)
    assert (await the_alert(database)).severity is Severity.CRITICAL


async def test_watch_opens_nothing(database, make_finding):
    assert await record(database, make_finding(level=Level.WATCH, previous=Level.NONE)) == []
    assert await alerts(database) == []


async def test_falling_below_the_threshold_never_closes(database, make_finding):
    await record(database, make_finding())
    await record(database, make_finding(level=Level.WATCH, previous=Level.REVIEW, score=5.0, at=1_800_009_000.0))
    alert = await the_alert(database)
    assert alert.state is State.NEW or alert.state == State.NEW
    assert alert.latest["level"] == Level.WATCH
    await record(database, make_finding(at=1_800_010_000.0))
    assert await kinds(database, alert.id) == ["opened", "cleared", "returned"]


@pytest.mark.parametrize("disposition", list(Disposition))
async def test_every_disposition_closes_and_labels(sqlite_database, make_finding, disposition):
    await record(sqlite_database, make_finding())
    alert = await close(sqlite_database, await the_alert(sqlite_database), disposition.value, note="seen")
    assert (alert.state, alert.disposition, alert.closed_by, alert.note) == (State.CLOSED, disposition, "ada", "seen")
    (label,) = await rows(sqlite_database, Label)
    assert label.verdict == lifecycle.VERDICTS[disposition]
    assert (label.given_by, label.given_at) == ("ada", moment(NOW + 10))


@pytest.mark.parametrize("disposition", [None, "", "open", "benign"])
async def test_a_close_without_a_known_disposition_names_the_choices(sqlite_database, make_finding, disposition):
    await record(sqlite_database, make_finding())
    with pytest.raises(InvalidInput, match=r"distillation_confirmed, .*insufficient_data, test") as refusal:
        await close(sqlite_database, await the_alert(sqlite_database), disposition)
    assert refusal.value.pointer == "/disposition"
    assert await rows(sqlite_database, Label) == []


async def test_a_benign_close_ends_the_decisions(database, make_finding):
    await record(database, make_finding())
    await close(database, await the_alert(database), "benign_expected")
    (decision,) = await rows(database, Decision)
    assert (decision.revoked_reason, decision.revoked_at) == ("closed_benign", moment(NOW + 10))


async def test_a_confirmed_close_leaves_the_decision_to_its_end(database, make_finding):
    await record(database, make_finding())
    await close(database, await the_alert(database), "distillation_confirmed")
    (decision,) = await rows(database, Decision)
    assert decision.revoked_at is None


async def test_concurrent_reviewers_see_each_other(database, make_finding):
    await record(database, make_finding())
    alert = await the_alert(database)
    with pytest.raises(PreconditionRequired):
        async with session_scope(database) as session:
            await lifecycle.close(session, alert.id, "test", "", "ada", None, NOW)
    await close(database, alert, "test")
    with pytest.raises(PreconditionFailed, match="version 2"):
        await close(database, alert, "false_positive")
    with pytest.raises(Conflict):
        await close(database, alert, "false_positive", version=2)
    with pytest.raises(NotFound):
        async with session_scope(database) as session:
            await lifecycle.claim(session, "al_nothing", "ada", 1, NOW)


async def test_claim_is_exclusive(database, make_finding):
    await record(database, make_finding())
    alert = await the_alert(database)
    async with session_scope(database) as session:
        await lifecycle.claim(session, alert.id, "ada", 1, NOW)
    async with session_scope(database) as session:
        again = await lifecycle.claim(session, alert.id, "ada", 2, NOW)
        assert (again.state, again.assignee, again.version) == (State.IN_REVIEW, "ada", 2)
    with pytest.raises(Conflict, match="another reviewer"):
        async with session_scope(database) as session:
            await lifecycle.claim(session, alert.id, "bob", 2, NOW)


async def test_reopen_needs_a_reason_and_a_closed_alert(database, make_finding):
    await record(database, make_finding())
    alert = await the_alert(database)
    async with session_scope(database) as session:
        with pytest.raises(Conflict):
            await lifecycle.reopen(session, alert.id, "why not", "ada", 1, NOW)
    alert = await close(database, alert, "false_positive")
    async with session_scope(database) as session:
        with pytest.raises(InvalidInput, match="/reason"):
            await lifecycle.reopen(session, alert.id, "  ", "ada", 2, NOW)
        alert = await lifecycle.reopen(session, alert.id, "new facts", "bob", 2, NOW + 20)
    assert (alert.state, alert.disposition, alert.closed_at, alert.version) == (State.NEW, None, None, 3)
    assert await kinds(database, alert.id) == ["opened", "closed", "reopened"]


async def test_a_closed_alert_stays_closed_while_nothing_new_is_seen(database, make_finding):
    await record(database, make_finding())
    await close(database, await the_alert(database), "distillation_confirmed")
    later = make_finding(score=12.5, requests=900, at=1_800_000_500.0, previous=Level.REVIEW)
    assert await record(database, later) == []
    alert = await the_alert(database)
    assert (alert.state, alert.version) == (State.CLOSED, 2)
    assert alert.latest["score"] == 12.5


async def test_escalation_reopens_by_itself(database, make_finding):
    await record(database, make_finding())
    await close(database, await the_alert(database), "benign_expected")
    decisions = await record(database, make_finding(score=14.0, at=1_800_000_500.0, previous=Level.REVIEW))
    alert = await the_alert(database)
    assert (alert.state, alert.score, alert.severity) == (State.NEW, 14.0, Severity.HIGH)
    assert [d.action for d in decisions] == ["throttle"]
    (event,) = [e for e in await rows(database, AlertEvent) if e.kind == "reopened"]
    assert (event.data["reason"], event.data["closed_score"], event.actor) == ("escalated", 12.0, "stillwatch")


async def test_a_detector_that_joins_reopens_by_itself(database, make_finding):
    await record(database, make_finding(nats={"template": 6.0, "surface": 1.0}))
    await close(database, await the_alert(database), "false_positive")
    finding = make_finding(
        score=12.2, at=1_800_000_500.0, previous=Level.REVIEW, nats={"template": 6.0, "surface": 5.0}
    )
    await record(database, finding)
    assert (await the_alert(database)).state == State.NEW
    (event,) = [e for e in await rows(database, AlertEvent) if e.kind == "reopened"]
    assert event.data["joined"] == ["surface"]


@pytest.mark.parametrize("disposition", ["distillation_confirmed", "other_abuse", "insufficient_data"])
async def test_abuse_that_stops_and_comes_back_is_a_new_episode(database, make_finding, disposition):
    await record(database, make_finding())
    first = await close(database, await the_alert(database), disposition)
    await record(database, make_finding(level=Level.NONE, previous=Level.REVIEW, score=0.0, at=1_800_050_000.0))
    await record(database, make_finding(score=11.0, requests=2000, at=1_800_090_000.0), now=NOW + 90_000)
    old, new = await alerts(database)
    assert (old.state, old.evidence) == (State.CLOSED, first.evidence)
    assert (new.state, new.episode, new.evidence["episode_no"]) == (State.NEW, 2, 2)
    async with session_scope(database) as session:
        with pytest.raises(Conflict, match="newer alert"):
            await lifecycle.reopen(session, old.id, "again", "ada", old.version, NOW)


@pytest.mark.parametrize("disposition", ["benign_expected", "false_positive"])
async def test_a_benign_verdict_covers_a_return_at_the_same_score(database, make_finding, disposition):
    await record(database, make_finding())
    await close(database, await the_alert(database), disposition)
    await record(database, make_finding(level=Level.NONE, previous=Level.REVIEW, score=0.0, at=1_800_050_000.0))
    await record(database, make_finding(score=12.0, at=1_800_090_000.0))
    assert (await the_alert(database)).state == State.CLOSED


async def test_many_findings_in_one_call(database, make_finding):
    findings = [make_finding(client) for client in range(1, 452)]
    decisions = await record(database, *findings)
    assert len(decisions) == len(await alerts(database)) == 451
    assert await record(database, *findings) == []


async def test_two_workers_with_the_same_finding_make_one_alert(postgres_database, make_finding, migrated):
    """Two transactions at once on a real PostgreSQL, many times: the second waits, then finds it done."""
    migrated(postgres_database)
    engines = [make_engine(postgres_database) for _ in range(2)]
    try:
        for client in range(1, 26):
            finding = make_finding(client)
            both = await asyncio.gather(*(record(engine, finding) for engine in engines))
            assert sorted(len(decisions) for decisions in both) == [0, 1]
        assert len(await alerts(engines[0])) == 25
        assert len(await rows(engines[0], AlertEvent)) == 25
        assert len(await rows(engines[0], Decision)) == 25
    finally:
        for engine in engines:
            await engine.dispose()


async def test_a_reviewer_and_a_worker_at_once_lose_nothing(database, make_finding):
    await record(database, make_finding())
    alert = await the_alert(database)

    async def review() -> None:
        try:
            await close(database, alert, "false_positive")
        except PreconditionFailed:  # the worker came first: the reviewer reads again, and decides on what is there now
            seen = await the_alert(database)
            assert (seen.state, seen.latest["requests"]) == (State.NEW, 700)
            await close(database, seen, "false_positive")

    more = make_finding(score=12.3, requests=700, at=1_800_000_300.0, previous=Level.REVIEW)
    await asyncio.gather(review(), record(database, more))
    alert = await the_alert(database)
    assert (alert.state, alert.latest["requests"], alert.disposition) == (State.CLOSED, 700, "false_positive")


async def test_an_expired_decision_makes_room_for_the_next(database, make_finding):
    await record(database, make_finding())
    late = NOW + 100_000
    changed = await record(database, make_finding(requests=9000, at=late), now=late)
    assert [(d.action, d.revoked) for d in changed] == [("tag", True), ("tag", False)]
    old, new = await rows(database, Decision)
    assert (old.revoked_reason, new.revoked_at) == ("expired", None)


async def test_the_client_is_known_before_its_first_summary(database, make_finding):
    await record(database, make_finding())
    async with session_scope(database) as session:
        client = await clients.get_client(session, client_ref(0xC0FFEE))
        assert client.requests == 0
        assert [a.client_id for a in await clients.alerts_of(session, client.id)] == [client.id]
        assert len(await clients.decisions_of(session, client.id)) == 1


async def test_odd_numbers_do_not_break_the_evidence(database, make_finding):
    await record(database, make_finding(requests=2**64 - 1, nats={"template": math.inf, "surface": math.nan}))
    alert = await the_alert(database)
    assert alert.seen_requests == 2**63 - 1
    assert alert.evidence["detectors"][0]["nats"] is None
    await close(database, alert, "false_positive")


def test_every_disposition_has_a_verdict():
    assert set(lifecycle.VERDICTS) == set(Disposition)
    assert set(lifecycle.VERDICTS.values()) == set(Verdict)
