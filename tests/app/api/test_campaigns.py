"""Campaigns over HTTP: lists, versions, verbs, and what a token may do."""

import pytest


async def test_campaigns_are_listed_filtered_and_paged(call, pass_linker, found_campaign):
    weak = found_campaign(7, 8, key="b", score=11.0, level=1)
    await pass_linker(found_campaign(1, 2, 3), weak, found_campaign(20, 21, 22, 23, key="c"))
    page = (await call.get("/api/v1/campaigns", params={"sort": "-size", "limit": 2})).json()
    assert [item["size"] for item in page["data"]] == [4, 3]
    rest = await call.get(
        "/api/v1/campaigns", params={"sort": "-size", "limit": 2, "cursor": page["page"]["next_cursor"]}
    )
    assert [item["size"] for item in rest.json()["data"]] == [2]

    async def sizes(**filters):
        return [item["size"] for item in (await call.get("/api/v1/campaigns", params=filters)).json()["data"]]

    assert await sizes(level_gte=2, sort="size") == [3, 4]
    assert await sizes(client="cl_0000000000000007") == [2]
    assert await sizes(size_gte=4) == [4]
    assert await sizes(q="4 clients") == [4]
    assert await sizes(status="closed") == []
    assert (await call.get("/api/v1/campaigns", params={"stat": "new"})).status_code == 422


async def test_one_campaign_with_its_members_edges_and_history(call, campaign):
    answer = await call.get(f"/api/v1/campaigns/{campaign['id']}")
    assert answer.headers["etag"] == '"1"'
    body = answer.json()
    assert body["evidence"]["id"] == campaign["id"]
    assert not {"told_size", "edges_mark", "score_threshold"} & set(body["latest"])
    assert (body["score"], body["score_threshold"], body["threshold"]) == (14.0, 9.2, 9.2)
    assert (body["next_id"], body["decisions"]) == (None, [])
    members = (await call.get(f"/api/v1/campaigns/{campaign['id']}/members", params={"limit": 2})).json()
    assert [item["client_id"] for item in members["data"]] == ["cl_0000000000000001", "cl_0000000000000002"]
    assert members["page"]["has_more"]
    (edge,) = (await call.get(f"/api/v1/campaigns/{campaign['id']}/edges")).json()["data"]
    assert (edge["kind"], edge["members"], edge["token"]) == ("wording", 3, "00000000000000ab")
    (step,) = (await call.get(f"/api/v1/campaigns/{campaign['id']}/history")).json()["data"]
    assert step["kind"] == "opened"
    for path in ("", "/members", "/edges", "/history"):
        assert (await call.get(f"/api/v1/campaigns/cp_missing{path}")).status_code == 404


async def test_every_verb_needs_the_version_that_was_read(call, campaign):
    bodies = {
        "claim": {},
        "close": {"disposition": "test"},
        "reopen": {"reason": "x"},
        "split": {"clients": ["cl_0000000000000001"], "reason": "x"},
        "merge": {"other": "cp_other", "other_version": 1, "reason": "x"},
        "decisions": {"action": "tag", "duration_seconds": 60, "reason": "x", "expected_clients": 3},
        "decisions/revoke": {"reason": "x"},
    }
    for verb, body in bodies.items():
        path = f"/api/v1/campaigns/{campaign['id']}/{verb}"
        assert (await call.post(path, json=body)).status_code == 428, verb
        stale = await call.post(path, json=body, headers={"If-Match": '"9"'})
        assert stale.status_code == 412, verb
        assert stale.headers["link"] == f'</api/v1/campaigns/{campaign["id"]}>; rel="latest-version"', verb


async def test_split_merge_close_and_reopen(call, campaign):
    path = f"/api/v1/campaigns/{campaign['id']}"
    body = {"clients": ["cl_0000000000000003"], "reason": "their own second key"}
    made = (await call.post(f"{path}/split", json=body, headers={"If-Match": '"1"'})).json()
    assert (made["rest"]["size"], made["part"]["size"], made["rest"]["version"]) == (2, 1, 2)
    body = {"other": made["part"]["id"], "other_version": made["part"]["version"], "reason": "no, it is theirs"}
    merged = await call.post(f"{path}/merge", json=body, headers={"If-Match": '"2"'})
    assert (merged.json()["size"], merged.headers["etag"]) == (3, '"3"')
    part = (await call.get(f"/api/v1/campaigns/{made['part']['id']}")).json()
    assert (part["status"], part["merged_into"]) == ("closed", campaign["id"])
    body = {"disposition": "distillation_confirmed", "note": "sure", "close_alerts": True}
    closed = await call.post(f"{path}/close", json=body, headers={"If-Match": '"3"'})
    assert (closed.json()["status"], closed.json()["note"]) == ("closed", "sure")
    back = await call.post(f"{path}/reopen", json={"reason": "new facts"}, headers={"If-Match": '"4"'})
    assert back.json()["status"] == "new"
    assert (await call.post(f"{path}/close", json={}, headers={"If-Match": '"5"'})).status_code == 422


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (("clients:read",), set()),
        (("alerts:read",), {"read"}),
        (("alerts:write",), {"write"}),
        (("alerts:read", "decisions:write"), {"read", "decide"}),
        (("alerts:read", "decisions:write", "decisions:block"), {"read", "decide", "block"}),
    ],
)
async def test_scopes_hold(caller, token_of, campaign, scopes, allowed):
    secret = await token_of(*scopes)
    path = f"/api/v1/campaigns/{campaign['id']}"
    order = {"action": "tag", "duration_seconds": 60, "reason": "x"}
    async with caller(secret) as call:
        tries = {
            "read": await call.get(path),
            "write": await call.post(f"{path}/claim", headers={"If-Match": '"1"'}),
            "decide": await call.post(f"{path}/decisions/preview", json=order),
            "block": await call.post(f"{path}/decisions/preview", json=order | {"action": "block"}),
        }
        refused = await call.post("/api/v1/organisations/import", json={"csv": "client,organisation"})
    assert {name for name, answer in tries.items() if answer.status_code != 403} == allowed
    assert refused.status_code == 403
