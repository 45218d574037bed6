"""Indicators over HTTP: out of one campaign, in again, and refused without a key."""

import json
from dataclasses import replace

import pytest

from app.campaigns import indicators
from app.store import linking
from detectors.indicators import key_id

SHARED = "head:" + "ab" * 16


@pytest.fixture
def keyed(api):
    api.state.settings = replace(api.state.settings, sharing_key="k" * 32)


async def test_without_a_key_nothing_is_shared(call, campaign):
    answer = await call.post(f"/api/v1/campaigns/{campaign['id']}/indicators", json={})
    assert answer.status_code == 409
    assert "STILLWATCH_SHARING_KEY" in answer.json()["detail"]


@pytest.mark.usefixtures("keyed")
async def test_exported_imported_listed_and_withdrawn(api, call, campaign):
    path = f"/api/v1/campaigns/{campaign['id']}/indicators"
    assert (await call.post(path, json={"days": 7})).status_code == 409
    await api.state.redis.hset(linking.KNOWN, "00000000000000ab", SHARED)
    document = (await call.post(path, json={"days": 7})).json()
    assert document["indicators"] == [{"kind": "head", "hash": "ab" * 16, "clients": 3}]
    made = await call.post("/api/v1/indicators/import", json={"document": document, "note": "ours again"})
    assert (made.status_code, made.json()["count"], made.json()["source"]) == (200, 1, campaign["id"])
    wrong = await call.post("/api/v1/indicators/import", json={"document": document | {"size": 99}})
    assert wrong.status_code == 422
    (listed,) = (await call.get("/api/v1/indicators")).json()["data"]
    assert (listed["id"], listed["matches"], listed["withdrawn_at"]) == (made.json()["id"], 0, None)
    gone = await call.post(f"/api/v1/indicators/{listed['id']}/withdraw")
    assert gone.json()["withdrawn_at"]
    again = await call.post("/api/v1/indicators/import", json={"document": document})
    assert (again.json()["id"], again.json()["withdrawn_at"], again.json()["note"]) == (
        listed["id"],
        None,
        "ours again",
    )
    matches = await call.get("/api/v1/indicators/matches", params={"client": "cl_0000000000000001"})
    assert matches.json() == []
    assert (await call.get("/api/v1/indicators/matches")).status_code == 422


@pytest.mark.usefixtures("keyed")
async def test_half_a_surrogate_pair_is_a_mistake_of_the_caller(call):
    document = {"format": indicators.FORMAT, "key_id": key_id(b"k" * 32), "size": "\ud800"}
    text, headers = json.dumps({"document": document}), {"content-type": "application/json"}
    answer = await call.post("/api/v1/indicators/import", content=text, headers=headers)
    assert answer.status_code == 422
    assert "/document" in answer.json()["detail"]
