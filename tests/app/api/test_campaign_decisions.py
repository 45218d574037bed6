"""Orders about a whole campaign over HTTP."""


async def test_decisions_are_looked_at_made_once_and_taken_back(call, campaign):
    path = f"/api/v1/campaigns/{campaign['id']}/decisions"
    table = "client,organisation\ncl_0000000000000003,Acme Ltd\n"
    done = (await call.post("/api/v1/organisations/import", json={"csv": table})).json()
    assert done == {"organisations": 1, "entries": 1, "removed": 0}
    order = {"action": "tag", "duration_seconds": 3600, "reason": "one operator", "simulated": False}
    look = (await call.post(f"{path}/preview", json=order)).json()
    assert look["counts"] == {"decide": 2, "replace": 0, "stands": 0, "exempt": 1}
    assert (look["clients"], look["acts_now"], look["items"][2]["organisation"]) == (3, False, "Acme Ltd")
    wrong = await call.post(path, json=order | {"expected_clients": 2}, headers={"If-Match": '"1"'})
    assert wrong.status_code == 409
    made = await call.post(path, json=order | {"expected_clients": 3}, headers={"If-Match": '"1"'})
    assert (len(made.json()["decisions"]), made.json()["remaining"], made.headers["etag"]) == (2, 0, '"2"')
    detail = (await call.get(f"/api/v1/campaigns/{campaign['id']}")).json()
    assert detail["decisions"] == [{"action": "tag", "simulated": False, "clients": 2}]
    back = await call.post(f"{path}/revoke", json={"reason": "their own run"}, headers={"If-Match": '"2"'})
    assert back.json() == {"ended": 2, "version": 3}
