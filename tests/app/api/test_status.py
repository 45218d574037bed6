"""The mode says whether traffic is watched, and why not."""

import time

import pytest
import redis

from app.api.status import assess, drifted, late_gateways, unlinked
from app.clients.queries import ClientSummary, upsert
from app.models.base import moment
from app.models.vocabulary import Mode
from app.policies.mode import Present
from app.store import heartbeat
from app.store import mode as store_mode
from app.store.db import session_scope
from app.store.heartbeat import Heartbeat
from app.store.mode import Told

NOW = 1_800_000_000.0


def beat(role, *, at=NOW, **fields):
    return Heartbeat(role, f"{role}-1", at, NOW - 100, **fields)


ALL = (beat("gateway"), beat("extractor"), beat("worker"))


@pytest.mark.parametrize(
    ("beats", "mode", "word", "reason"),
    [
        (ALL, "observe", "ok", None),
        (None, "observe", "degraded", "Redis does not answer"),
        ((), "observe", "degraded", "no gateway reports"),
        (ALL[:2], "observe", "degraded", "no worker reports"),
        ((ALL[2],), "observe", "fail_open", "no extractor reports"),
        (ALL[1:], "observe", "degraded", "no gateway reports"),
        ((*ALL[:2], beat("worker", at=NOW - 3600)), "observe", "ok", None),
        (ALL, "bypass", "fail_open", "bypass"),
        ((*ALL[:2], beat("worker", gauges={"lag_seconds": 90.0})), "observe", "degraded", "90 s behind"),
        ((*ALL[:2], beat("worker", gauges={"lag_seconds": 2.0})), "observe", "ok", None),
    ],
)
def test_the_mode(beats, mode, word, reason):
    found = assess(beats, mode)
    assert found.mode == word
    assert any(reason in said for said in found.reasons) if reason else found.reasons == []


def test_the_mode_tells_of_the_database():
    for beats in (ALL, None):
        found = assess(beats, "observe", database=False)
        assert found.mode == "degraded"
        assert found.reasons[-1].startswith("the database does not answer")
    locked = assess((*ALL[:2], beat("worker", info={"database": "away"})), "observe")
    assert (locked.mode, len(locked.reasons)) == ("degraded", 1)
    assert "cannot write" in locked.reasons[0]


def test_what_was_dropped_anywhere_is_added_up():
    beats = (
        beat("gateway", counters={"copies_dropped": 3}),
        beat("extractor", counters={"events_dropped": 4, "events": 9}),
        beat("worker"),
    )
    assert assess(beats, "observe").dropped == 7
    assert assess(ALL, "observe").dropped == 0
    assert assess(ALL[1:], "observe").dropped is None  # no gateway says
    assert assess(None, "observe").dropped is None


async def test_status_over_rest(api, call, record, redis_url):
    async with session_scope(api.state.engine) as session:  # the worker writes the summary first
        await upsert(session, [ClientSummary(0xC0FFEE, NOW, NOW, 500, 1, 1, 2, 12.0)])
    await record()
    now = time.time()
    with redis.Redis.from_url(redis_url) as server:
        for role in ("gateway", "extractor", "worker"):
            minute = {"minute_asked": 40, "minute_failed": 40, "minute_unreached": 41} if role == "gateway" else {}
            beat = Heartbeat(role, "a", now, now - 5, counters={"events_dropped": 2}, gauges=minute)
            heartbeat.publish(server, beat)
    body = (await call.get("/api/v1/status")).json()
    assert (body["mode"], body["redis"], body["db"]) == ("ok", "ok", "ok")
    assert body["reasons"] == [
        "no linker reports: no new campaign is found",
        "the model API does not answer: 40 of 40 requests failed in a minute",
    ]
    assert body["dropped_events"] == 6
    assert body["alerts"] == {"new": 1, "in_review": 0, "closed": 0}
    assert body["clients"] == 1
    assert {process["role"] for process in body["processes"]} == {"gateway", "extractor", "worker"}


async def test_without_the_database_the_mode_is_what_gateways_were_told_or_say(
    app_on, api, free_port, redis_url, admin_of
):
    gone = await app_on(f"postgresql://u:p@127.0.0.1:{free_port()}/x", redis_url)
    async with admin_of(api) as admin:
        assert (await admin.get("/api/v1/status")).json()["gateway_mode"] == "observe"
        api.state.engine, kept = gone.state.engine, api.state.engine

        async def said():
            body = (await admin.get("/api/v1/status")).json()
            return body["gateway_mode"], body["gateway_mode_version"], body["mode"]

        assert await said() == ("unknown", None, "degraded")
        now = time.time()
        with redis.Redis.from_url(redis_url) as server:
            for instance, number, version in (("a", 2, 1), ("b", 0, 2), ("c", 7, 9)):
                counters = {"mode": number, "mode_version": version}
                heartbeat.publish(server, Heartbeat("gateway", instance, now, now, counters=counters))
            heartbeat.publish(server, Heartbeat("extractor", "a", now, now))
            assert await said() == ("bypass", 2, "fail_open")
            store_mode.publish(server, Told("enforce", 3))
            assert await said() == ("enforce", 3, "degraded")
        api.state.engine = kept


async def test_status_answers_while_redis_hangs(app_on, api, sqlite_url, private_valkey, admin_of):
    private_valkey.start()
    app = await app_on(sqlite_url, private_valkey.url)
    async with admin_of(app) as somebody:
        assert (await somebody.get("/api/v1/status")).json()["redis"] == "ok"
        private_valkey.pause()
        started = time.monotonic()
        body = (await somebody.get("/api/v1/status")).json()
        assert (body["mode"], body["redis"]) == ("degraded", "away")
        assert time.monotonic() - started < 20
        private_valkey.resume()
        assert (await somebody.get("/api/v1/status")).json()["redis"] == "ok"


async def test_status_and_metrics_answer_while_the_database_is_away(
    app_on, api, free_port, redis_url, admin_of, token_of
):
    """Who was let in lately is still told how the service is, and gets nothing else."""
    reader = await token_of("metrics:read")
    async with admin_of(api) as admin:
        headers = {"Authorization": f"Bearer {reader}"}
        for each in ({}, {"headers": headers}):
            assert (await admin.get("/api/v1/status", **each)).json()["db"] == "ok"
        gone = await app_on(f"postgresql://u:p@127.0.0.1:{free_port()}/x", redis_url)
        api.state.engine, kept = gone.state.engine, api.state.engine
        for each in ({}, {"headers": headers}):
            body = (await admin.get("/api/v1/status", **each)).json()
            assert (body["db"], body["clients"], body["alerts"]) == ("away", None, {})
            metrics = (await admin.get("/metrics", **each)).text
            assert 'stillwatch_dependency_up{dependency="db"} 0.0' in metrics
            assert "stillwatch_alerts{" not in metrics
        assert (await admin.get("/api/v1/alerts")).status_code == 503
        strangers = {"headers": {"Authorization": "Bearer nobody-knows-this-one"}}
        assert (await admin.get("/api/v1/status", **strangers)).status_code == 503
        api.state.engine = kept
        assert (await admin.get("/api/v1/alerts")).status_code == 200


def test_a_gateway_that_does_not_follow_the_mode_is_named():
    present = Present(Mode.ENFORCE, 3, "", "ana", moment(NOW - 60))
    beats = [
        Heartbeat("gateway", "a", NOW, NOW, counters={"mode_version": 3.0}),
        Heartbeat("gateway", "b", NOW, NOW, counters={"mode_version": 2.0}),
    ]
    assert late_gateways(beats, present, NOW) == ["the gateway b has not taken up the mode enforce"]
    assert late_gateways(beats, present, NOW - 55) == []
    assert late_gateways(beats, Present(Mode.OBSERVE, 0), NOW) == []


def test_a_linker_that_is_gone_or_behind_is_told_beside_the_mode():
    assert assess(ALL, "observe").mode == "ok"
    assert unlinked(ALL) == ["no linker reports: no new campaign is found"]
    linked = (*ALL, beat("linker"))
    assert unlinked(linked) == []
    (told,) = unlinked((*linked, beat("worker", info={"linking": "leaves events out"})))
    assert "left out of linking" in told
    assert unlinked(None) == []


def test_drift_is_told_once_beside_the_mode():
    moved = beat("worker", info={"drift": "the kinds of use have shifted: fit a reference"})
    assert drifted((moved, moved)) == ["drift: the kinds of use have shifted: fit a reference"]
    assert assess((*ALL[:2], moved), "observe").mode == "ok"
    assert drifted(ALL) == []
