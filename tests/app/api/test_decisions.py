"""Decisions over REST: made with a reason and an end, looked at first, listed, and taken back."""

from __future__ import annotations

import time

import pytest

from app.store.decisions import STANDING, parse
from app.store.redis import connect_async

BASE = "/api/v1/decisions"
CLIENT = "cl_0000000000c0ffee"


@pytest.fixture
async def known(record):
    """One client with an alert and the policy's simulated tag."""
    await record()


def body(action="block", **changes):
    return {"client": CLIENT, "action": action, "duration_seconds": 3600, "reason": "why"} | changes


async def standing(api):
    return {entry.id: entry for entry in map(parse, (await api.state.redis.hgetall(STANDING)).values())}


async def test_a_decision_is_made_and_told(api, call, known):
    answer = await call.post(BASE, json=body(simulated=False))
    made = answer.json()
    assert answer.status_code == 201, answer.text
    assert (made["action"], made["simulated"], made["made_by"], made["policy"]) == ("block", False, "admin", "manual")
    assert (made["alert_id"], made["revoked_at"], made["reason"]) == (None, None, "why")
    told = (await standing(api))[made["id"]]
    assert (told.client, told.action, told.simulated, told.revoked) == (0xC0FFEE, "block", False, False)
    assert told.expires_at == pytest.approx(time.time() + 3600, abs=60)
    assert (await call.get(f"{BASE}/{made['id']}")).json() == made
    client = (await call.get(f"/api/v1/clients/{CLIENT}")).json()
    assert {item["action"] for item in client["decisions"]} == {"block", "tag"}


async def test_it_is_simulated_unless_said_otherwise_and_ends_what_stood(api, call, known):
    first = (await call.post(BASE, json=body("throttle", parameters={"rate_per_minute": 6, "burst": 2}))).json()
    second = (await call.post(BASE, json=body("throttle", parameters={"rate_per_minute": 3, "burst": 1}))).json()
    assert first["simulated"] is second["simulated"] is True
    assert second["parameters"] == {"rate_per_minute": 3, "burst": 1}
    ended = (await call.get(f"{BASE}/{first['id']}")).json()
    assert (ended["revoked_reason"], ended["revoked_by"]) == ("superseded", "admin")
    told = await standing(api)
    assert (told[first["id"]].revoked, told[second["id"]].revoked) == (True, False)


async def test_a_block_needs_a_scope_of_its_own(caller, token_of, known):
    async with caller(await token_of("decisions:write")) as limited:
        for path in (BASE, f"{BASE}/preview"):
            answer = await limited.post(path, json=body())
            assert (answer.status_code, answer.json()["detail"]) == (403, "the token lacks the scope decisions:block")
        assert (await limited.post(BASE, json=body("tag"))).status_code == 201
        assert (await limited.get(BASE)).status_code == 403
    async with caller(await token_of("decisions:write", "decisions:block")) as trusted:
        assert (await trusted.post(BASE, json=body())).status_code == 201


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"action": "vanish"}, "/action"),
        ({"duration_seconds": 7_776_001}, "/duration_seconds"),
        ({"duration_seconds": None}, "/duration_seconds"),
        ({"duration_seconds": "60"}, "/duration_seconds"),
        ({"duration_seconds": True}, "/duration_seconds"),
        ({"simulated": "no"}, "/simulated"),
        ({"simulated": 0}, "/simulated"),
        ({"start_within_seconds": "1"}, "/start_within_seconds"),
        ({"reason": " "}, "/reason"),
        ({"client": "c0ffee"}, "/client"),
        ({"action": "throttle"}, "/parameters/rate_per_minute"),
        ({"action": "degrade"}, "/parameters"),
        ({"action": "degrade", "parameters": {"max_n": "1"}}, "/parameters/max_n"),
        ({"alert_id": "al_1"}, "/alert_id"),
        ({"start_within_seconds": 3601}, "/start_within_seconds"),
        ({"forever": True}, None),
    ],
)
async def test_what_is_wrong_is_named(call, known, changes, pointer):
    for path in (BASE, f"{BASE}/preview"):
        answer = await call.post(path, json=body(**changes))
        assert answer.status_code == 422
        if pointer is not None:
            assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("missing", ["client", "action", "duration_seconds", "reason"])
async def test_what_is_mandatory(call, known, missing):
    sent = body()
    del sent[missing]
    assert (await call.post(BASE, json=sent)).status_code == 422


async def test_an_unknown_client_is_not_found(call, known):
    for path in (BASE, f"{BASE}/preview"):
        assert (await call.post(path, json=body(client="cl_00000000000000ff"))).status_code == 404


async def test_a_preview_says_who_is_hit_and_keeps_nothing(call, known):
    await call.post(BASE, json=body("throttle", parameters={"rate_per_minute": 6, "burst": 2}))
    answer = await call.post(f"{BASE}/preview", json=body("tag", simulated=False, start_within_seconds=60))
    seen = answer.json()
    assert answer.status_code == 200, answer.text
    assert (seen["client"]["id"], seen["action"], seen["acts_now"]) == (CLIENT, "tag", False)
    assert (seen["live_status"], seen["requests_last_hour"]) == ("expired", None)  # no row in Redis
    assert [item["action"] for item in seen["replaces"]] == ["tag"]
    assert [item["action"] for item in seen["stands_beside"]] == ["throttle"]
    await call.put("/api/v1/mode", json={"mode": "enforce"})
    assert (await call.post(f"{BASE}/preview", json=body("tag", simulated=False))).json()["acts_now"] is True
    assert (await call.post(f"{BASE}/preview", json=body("tag"))).json()["acts_now"] is False
    assert len((await call.get(BASE)).json()["data"]) == 2


async def test_a_simulated_order_would_end_nothing_real(call, known):
    slow = {"rate_per_minute": 6, "burst": 2}
    real = (await call.post(BASE, json=body("throttle", parameters=slow, simulated=False))).json()
    seen = (await call.post(f"{BASE}/preview", json=body("throttle", parameters=slow, simulated=True))).json()
    assert seen["replaces"] == []
    assert real["id"] in [item["id"] for item in seen["stands_beside"]]
    await call.post(BASE, json=body("throttle", parameters=slow, simulated=True))
    assert (await call.get(f"{BASE}/{real['id']}")).json()["revoked_at"] is None


async def test_revoking_is_told_at_once_and_done_once(api, call, known):
    made = (await call.post(BASE, json=body())).json()
    path = f"{BASE}/{made['id']}/revoke"
    assert (await call.post(path, json={"reason": ""})).status_code == 422
    answer = await call.post(path, json={"reason": "a mistake"})
    ended = answer.json()
    assert (answer.status_code, ended["revoked_reason"], ended["revoked_note"]) == (200, "revoked", "a mistake")
    assert (await standing(api))[made["id"]].revoked
    assert (await call.post(path, json={"reason": "again"})).json()["code"] == "conflict"
    for name in ("dc_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f", "x", "al_1"):
        assert (await call.post(f"{BASE}/{name}/revoke", json={"reason": "why"})).status_code == 404
        assert (await call.get(f"{BASE}/{name}")).status_code == 404


async def test_filters_and_cursors(call, record):
    for client in range(1, 5):
        await record(client)
    block = body(client="cl_0000000000000001", simulated=False)
    made = (await call.post(BASE, json=block)).json()

    async def ids(**params):
        answer = await call.get(BASE, params=params)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["data"]]

    assert (await ids())[0] == made["id"] or len(await ids()) == 5
    assert await ids(simulated="false") == await ids(action="block") == [made["id"]]
    assert len(await ids(client="cl_0000000000000001")) == 2
    await call.post(f"{BASE}/{made['id']}/revoke", json={"reason": "why"})
    assert made["id"] not in await ids(active="true")
    assert made["id"] in await ids(active="false")
    found, address = [], f"{BASE}?limit=2"
    while address:
        answer = await call.get(address)
        found += [item["id"] for item in answer.json()["data"]]
        address = answer.links.get("next", {}).get("url")
    assert len(found) == len(set(found)) == 5
    for params in ({"action": "vanish"}, {"client": "x"}, {"active": "perhaps"}, {"colour": "red"}):
        assert (await call.get(BASE, params=params)).status_code == 422


async def test_without_redis_it_is_committed_all_the_same(api, call, known, free_port):
    kept, api.state.redis = api.state.redis, connect_async(f"redis://127.0.0.1:{free_port()}")
    try:
        made = await call.post(BASE, json=body())
        assert made.status_code == 201
        assert (await call.post(f"{BASE}/{made.json()['id']}/revoke", json={"reason": "why"})).status_code == 200
    finally:
        await api.state.redis.aclose()
        api.state.redis = kept
    assert await standing(api) == {}


async def test_closing_an_alert_as_benign_tells_the_gateways(api, call, known):
    (alert,) = (await call.get("/api/v1/alerts")).json()["data"]
    verdict = {"disposition": "false_positive"}
    await call.post(f"/api/v1/alerts/{alert['id']}/close", json=verdict, headers={"If-Match": '"1"'})
    assert [entry.revoked for entry in (await standing(api)).values()] == [True]
