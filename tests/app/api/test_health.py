"""Probes and metrics, also while a dependency is away."""

import pytest
import redis

from app.store import heartbeat
from app.store.heartbeat import Heartbeat


async def test_alive_and_ready(caller):
    async with caller() as nobody:
        for prefix in ("", "/api/v1"):
            assert (await nobody.get(f"{prefix}/livez")).json() == {"status": "ok", "checks": {}}
            assert (await nobody.get(f"{prefix}/readyz")).json() == {
                "status": "ok",
                "checks": {"db": "ok", "redis": "ok"},
            }


async def test_probes_may_ask_by_head(caller):
    async with caller() as nobody:
        for path in ("/livez", "/readyz", "/api/v1/livez", "/api/v1/readyz"):
            answer = await nobody.head(path)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["content-length"] == (await nobody.get(path)).headers["content-length"]


async def test_not_ready_before_the_tables_are_there(app_on, database_url, redis_url, admin_of):
    app = await app_on(database_url, redis_url)
    async with admin_of(app) as nobody:
        answer = await nobody.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["detail"] == "the database is not migrated"
        assert (await nobody.head("/readyz")).status_code == 503
        assert (await nobody.get("/livez")).status_code == 200


@pytest.fixture
async def lonely(app_on, free_port, tmp_path):
    """An application whose database and Redis are both away."""
    return await app_on(f"postgresql://u:p@127.0.0.1:{free_port()}/x", f"redis://127.0.0.1:{free_port()}/0")


async def test_alone_it_lives_is_not_ready_and_says_503(lonely, admin_of):
    async with admin_of(lonely) as somebody:
        assert (await somebody.get("/livez")).status_code == 200
        assert (await somebody.get("/readyz")).json()["detail"] == "the database is away"
        for path in ("/api/v1/alerts", "/api/v1/clients", "/api/v1/status", "/metrics"):
            answer = await somebody.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
            assert (answer.json()["code"], answer.headers["retry-after"]) == ("unavailable", "5")


async def test_ready_while_redis_is_away(app_on, sqlite_url, api, free_port, admin_of):
    app = await app_on(sqlite_url, f"redis://127.0.0.1:{free_port()}/0")
    async with admin_of(app) as somebody:
        assert (await somebody.get("/readyz")).json()["checks"] == {"db": "ok", "redis": "away"}
        assert 'stillwatch_dependency_up{dependency="redis"} 0.0' in (await somebody.get("/metrics")).text


async def test_metrics_hold_this_process_and_every_other(call, record, redis_url):
    await record()
    with redis.Redis.from_url(redis_url) as server:
        import time

        now = time.time()
        beat = Heartbeat("worker", "w1", now, now - 60, counters={"events": 12}, gauges={"partitions": 16})
        heartbeat.publish(server, beat)
    await call.get("/api/v1/alerts")
    answer = await call.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'stillwatch_console_requests_total{method="GET",route="/api/v1/alerts",status="200"} 1.0',
        'stillwatch_dependency_up{dependency="redis"} 1.0',
        'stillwatch_alerts{status="new"} 1.0',
        'stillwatch_process_count_total{instance="w1",name="events",role="worker"} 12.0',
        'stillwatch_process_gauge{instance="w1",name="partitions",role="worker"} 16.0',
    ):
        assert line in answer.text, line
