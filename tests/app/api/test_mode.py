"""The mode over REST: read, switched, repeated without effect, kept with who and why."""

from __future__ import annotations

import time

from app.api.mode import gateway_modes
from app.store import mode
from app.store.heartbeat import Heartbeat, publish_async
from app.store.mode import Told
from app.store.redis import connect_async

PATH = "/api/v1/mode"


async def test_it_starts_as_set_and_is_switched(api, call):
    before = await call.get(PATH)
    assert before.json() == {"mode": "observe", "version": 0, "changes": [], "gateways": {}}
    assert before.headers["etag"] == '"0"'
    answer = await call.put(PATH, json={"mode": "enforce", "reason": "ready"})
    assert (answer.status_code, answer.headers["etag"], answer.json()["mode"]) == (200, '"1"', "enforce")
    (change,) = answer.json()["changes"]
    assert (change["actor"], change["reason"], change["version"]) == ("admin", "ready", 1)
    assert mode.parse(await api.state.redis.get(mode.KEY)) == Told("enforce", 1)
    assert (await call.put(PATH, json={"mode": "enforce"})).headers["etag"] == '"1"'  # said twice is said once
    await call.put(PATH, json={"mode": "bypass"})
    after = (await call.get(PATH)).json()
    assert [item["mode"] for item in after["changes"]] == ["bypass", "enforce"]
    assert mode.parse(await api.state.redis.get(mode.KEY)) == Told("bypass", 2)


async def test_if_match_is_heeded_where_it_is_sent(call):
    assert (await call.put(PATH, json={"mode": "enforce"}, headers={"If-Match": '"0"'})).status_code == 200
    late = await call.put(PATH, json={"mode": "bypass"}, headers={"If-Match": '"0"'})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert (await call.get(PATH)).json()["mode"] == "enforce"


async def test_what_is_no_mode_is_refused(call):
    for body in ({"mode": "off"}, {}, {"mode": "observe", "force": True}, {"mode": "observe", "reason": "a\0"}):
        assert (await call.put(PATH, json=body)).status_code == 422


async def test_only_its_scope_switches_it(caller, token_of):
    async with caller(await token_of("metrics:read")) as reader:
        assert (await reader.get(PATH)).status_code == 200
        assert (await reader.put(PATH, json={"mode": "bypass"})).status_code == 403


async def test_without_redis_the_change_is_kept(api, call, free_port):
    kept, api.state.redis = api.state.redis, connect_async(f"redis://127.0.0.1:{free_port()}")
    try:
        answer = await call.put(PATH, json={"mode": "bypass"})
        assert (answer.status_code, answer.json()["version"]) == (200, 1)
    finally:
        await api.state.redis.aclose()
        api.state.redis = kept
    assert (await call.get(PATH)).json()["mode"] == "bypass"


async def test_status_says_the_mode_and_who_has_not_taken_it_up(api, call):
    gateway = Heartbeat("gateway", "g-1", time.time(), time.time(), counters={"mode": 1.0, "mode_version": 0.0})
    await publish_async(api.state.redis, gateway)
    await call.put(PATH, json={"mode": "bypass"})
    assert (await call.get(PATH)).json()["gateways"] == {"g-1": "observe"}
    status = (await call.get("/api/v1/status")).json()
    assert (status["gateway_mode"], status["gateway_mode_version"], status["mode"]) == ("bypass", 1, "fail_open")
    assert not any("taken up" in reason for reason in status["reasons"])  # it may still be on its way


def test_gateways_of_another_version_are_named_as_unknown():
    beats = [
        Heartbeat("gateway", "a", 0, 0, counters={"mode": 2.0}),
        Heartbeat("gateway", "b", 0, 0, counters={"mode": 7.0}),
        Heartbeat("gateway", "c", 0, 0),
        Heartbeat("worker", "d", 0, 0, counters={"mode": 1.0}),
    ]
    assert gateway_modes(beats) == {"a": "enforce", "b": "unknown"}
