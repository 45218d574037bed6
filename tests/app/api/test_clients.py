"""Clients over REST, with the live row where there is one and Redis answers."""

import time

import numpy as np
import pytest
import redis

from app.clients.queries import ClientSummary, upsert
from app.store.db import session_scope
from app.store.stream import partition_of, row_key
from detectors.event import zeros

BASE = "/api/v1/clients"
NOW = 1_800_000_000.0


def summary(number, **fields):
    values = {"first": NOW - 60, "last": NOW, "requests": 10, "in_tokens": 100, "out_tokens": 1000, "level": 0}
    return ClientSummary(number, **(values | {"score": float(number)} | fields))


async def known(api, *summaries):
    async with session_scope(api.state.engine) as session:
        await upsert(session, summaries)


def put_row(api, redis_url, number, requests=30):
    """What the worker would have written: the row of a client that sent some requests just now."""
    engine, now = api.state.scoring, time.time()
    events = zeros(requests)
    events["client"] = number
    events["at"] = now - np.arange(requests)[::-1]
    events["status"] = 200
    rows = engine.empty(np.array([number], np.uint64))
    engine.step(rows, events, now)
    partition = int(partition_of(np.array([number], np.uint64), api.state.settings.partitions)[0])
    with redis.Redis.from_url(redis_url) as server:
        server.set(row_key(partition, number), rows.tobytes())
    return partition


async def test_the_list_is_sorted_filtered_and_paged(api, call):
    await known(api, *(summary(number, level=number % 3) for number in range(1, 31)))
    page = (await call.get(BASE, params={"limit": 10})).json()
    assert [client["score"] for client in page["data"]] == [float(n) for n in range(30, 20, -1)]
    second = await call.get(BASE, params={"limit": 10, "cursor": page["page"]["next_cursor"]})
    assert second.json()["data"][0]["score"] == 20.0
    watched = (await call.get(BASE, params={"level_gte": 2, "sort": "first_seen", "limit": 200})).json()
    assert len(watched["data"]) == 10
    assert (await call.get(BASE, params={"q": "0000001E"})).json()["data"][0]["id"] == "cl_000000000000001e"
    assert (await call.get(BASE, params={"account": "acme"})).json()["data"] == []
    assert (await call.get(BASE, params={"seen_gte": "2027-01-15T08:00:01Z"})).json()["data"] == []


async def test_those_that_wait_for_a_verdict_are_listed_alone_or_in_a_campaign(api, call, pass_linker, record):
    await known(api, *(summary(number) for number in range(1, 6)))
    await pass_linker()  # of 1, 2 and 3
    await record(4)
    found = (await call.get(BASE, params={"flagged": True, "sort": "score"})).json()["data"]
    assert [client["id"][-1] for client in found] == ["1", "2", "3", "4"]
    (campaign,) = (await call.get("/api/v1/campaigns")).json()["data"]
    assert campaign["reached"] == 2
    assert (await call.get(f"{BASE}/cl_0000000000000002")).json()["campaign_ids"] == [campaign["id"]]
    assert (await call.get(f"{BASE}/cl_0000000000000005")).json()["campaign_ids"] == []
    answer = await call.get(BASE, params={"flagged": "perhaps"})
    assert answer.status_code == 422
    assert "flagged" in answer.text


async def test_one_client_with_its_live_row(api, call, redis_url):
    await known(api, summary(7))
    put_row(api, redis_url, 7)
    body = (await call.get(f"{BASE}/cl_0000000000000007")).json()
    assert body["live_status"] == "ok"
    live = body["live"]
    assert live["requests"] == 30
    assert live["threshold"] > 0
    assert set(live["explanation"]) >= {"sentence", "detectors", "contributions", "counter_evidence", "cannot_tell"}
    assert sum(bucket["requests"] for bucket in live["activity"]["hours"]) == 30
    activity = (await call.get(f"{BASE}/cl_0000000000000007/activity")).json()
    assert activity["hours"] == live["activity"]["hours"]


async def test_one_client_with_its_alerts_decisions_and_labels(call, record):
    await record(score=13.0)
    (alert,) = (await call.get("/api/v1/alerts")).json()["data"]
    await call.post(
        f"/api/v1/alerts/{alert['id']}/close",
        json={"disposition": "distillation_confirmed"},
        headers={"If-Match": '"1"'},
    )
    body = (await call.get(f"{BASE}/{alert['client_id']}")).json()
    assert [found["id"] for found in body["alerts"]] == [alert["id"]]
    assert [label["verdict"] for label in body["labels"]] == ["harvesting"]
    assert len(body["decisions"]) == 1


async def test_an_expired_row_is_said_to_be_so(api, call):
    await known(api, summary(7))
    body = (await call.get(f"{BASE}/cl_0000000000000007")).json()
    assert (body["live"], body["live_status"], body["requests"]) == (None, "expired", 10)
    assert (await call.get(f"{BASE}/cl_0000000000000007/activity")).status_code == 404


@pytest.mark.parametrize("name", ["cl_00000000000000ff", "cl_XYZ", "7", "%00", "cl_" + "f" * 300])
async def test_what_is_not_there_is_not_found(call, name):
    assert (await call.get(f"{BASE}/{name}")).status_code == 404
    assert (await call.get(f"{BASE}/{name}/activity")).status_code == 404


async def test_the_client_is_shown_while_redis_is_away(api, call, app_on, admin_of, sqlite_url, free_port):
    await known(api, summary(7))
    lonely = await app_on(sqlite_url, f"redis://127.0.0.1:{free_port()}/0")
    async with admin_of(lonely) as somebody:
        body = (await somebody.get(f"{BASE}/cl_0000000000000007")).json()
        assert (body["live"], body["live_status"], body["requests"]) == (None, "unavailable", 10)
        answer = await somebody.get(f"{BASE}/cl_0000000000000007/activity")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
