"""Alerts over REST: found, read, claimed, closed with a verdict and brought back."""

import json
import time

import pytest

from app.alerts import chance
from app.api.alerts import expected_version
from app.clients.queries import ClientSummary, upsert
from app.errors import PreconditionFailed
from app.models.vocabulary import Disposition
from app.store.db import session_scope

BASE = "/api/v1/alerts"


@pytest.fixture
async def alert(call, record):
    await record()
    (found,) = (await call.get(BASE)).json()["data"]
    return found


async def close(call, alert, version=1, **body):
    return await call.post(f"{BASE}/{alert['id']}/close", json=body, headers={"If-Match": f'"{version}"'})


async def test_the_list_shows_what_triage_needs(alert):
    assert alert["status"] == "new"
    assert alert["client_id"] == "cl_0000000000c0ffee"
    assert (alert["severity"], alert["severity_id"], alert["version"], alert["episode"]) == ("medium", 3, 1, 1)
    assert alert["created_at"] == "2027-01-15T08:01:40Z"
    assert "evidence" not in alert


async def test_one_alert_brings_evidence_reading_decisions_and_etag(call, alert):
    answer = await call.get(f"{BASE}/{alert['id']}")
    body = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert body["evidence"]["id"] == alert["id"]
    assert body["evidence"]["contributions"][0]["population_p99"] is None
    assert body["latest"]["requests"] == 500
    (decision,) = body["decisions"]
    assert (decision["action"], decision["simulated"], decision["alert_id"]) == ("tag", True, alert["id"])
    assert {name: body[name] for name in alert} == alert


async def test_claim_close_and_reopen(call, alert):
    path = f"{BASE}/{alert['id']}"
    claimed = await call.post(f"{path}/claim", headers={"If-Match": '"1"'})
    assert (claimed.status_code, claimed.json()["status"], claimed.json()["assignee"]) == (200, "in_review", "admin")
    assert claimed.headers["etag"] == '"2"'
    closed = await close(call, alert, 2, disposition="benign_expected", note="their nightly evaluation")
    body = closed.json()
    assert (body["status"], body["disposition"], body["closed_by"]) == ("closed", "benign_expected", "admin")
    assert body["note"] == "their nightly evaluation"
    assert body["decisions"][0]["revoked_reason"] == "closed_benign"
    again = await call.post(f"{path}/reopen", json={"reason": "it is not theirs"}, headers={"If-Match": '"3"'})
    assert (again.json()["status"], again.json()["disposition"], again.headers["etag"]) == ("new", None, '"4"')
    history = (await call.get(f"{path}/history")).json()["data"]
    assert [(step["sequence"], step["kind"], step["actor"]) for step in history] == [
        (1, "opened", "stillwatch"),
        (2, "claimed", "admin"),
        (3, "closed", "admin"),
        (4, "reopened", "admin"),
    ]
    assert history[2]["data"]["label"] == "benign"
    assert history[3]["data"] == {"reason": "it is not theirs"}


@pytest.mark.parametrize("body", [{}, {"disposition": "solved"}, {"disposition": None}, {"note": "x"}])
async def test_a_close_without_a_verdict_names_the_field_and_the_choices(call, alert, body):
    answer = await close(call, alert, **body)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["errors"][0]["pointer"] == "/disposition"
    assert all(choice in problem["errors"][0]["message"] for choice in Disposition)


async def test_a_change_needs_the_version_that_was_read(call, alert):
    path = f"{BASE}/{alert['id']}"
    without = await call.post(f"{path}/close", json={"disposition": "test"})
    assert (without.status_code, without.json()["code"]) == (428, "precondition_required")
    for stale in ('"7"', "1", 'W/"1"', "*", '"1", "2"', '""', '"one"', '"\u00b2"'.encode("latin-1", "replace")):
        answer = await call.post(f"{path}/close", json={"disposition": "test"}, headers={"If-Match": stale})
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed"), stale
        assert answer.headers["link"] == f'<{path}>; rel="latest-version"'
    assert (await call.get(path)).json()["status"] == "new"


async def test_what_the_state_forbids_is_a_conflict(call, alert):
    path = f"{BASE}/{alert['id']}"
    answer = await call.post(f"{path}/reopen", json={"reason": "why"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await close(call, alert, disposition="duplicate")).status_code == 200
    assert (await close(call, alert, 2, disposition="duplicate")).status_code == 409
    assert (await call.post(f"{path}/claim", headers={"If-Match": '"2"'})).status_code == 409


@pytest.mark.parametrize(
    "body",
    [{"reason": ""}, {"reason": " \n"}, {}, {"reason": "a\0b"}, {"reason": "x" * 4001}, {"reason": "\ud800"}, [], None],
)
async def test_a_reopening_says_why(call, alert, body):
    await close(call, alert, disposition="duplicate")
    headers = {"If-Match": '"2"', "content-type": "application/json"}
    answer = await call.post(f"{BASE}/{alert['id']}/reopen", content=json.dumps(body), headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["al_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f", "al_", "x", "%00", "al_" + "9" * 500, "é"])
async def test_what_is_not_there_is_not_found(call, name):
    for suffix in ("", "/history"):
        answer = await call.get(f"{BASE}/{name}{suffix}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    closing = await call.post(f"{BASE}/{name}/close", json={"disposition": "test"}, headers={"If-Match": '"1"'})
    assert closing.status_code == 404


async def test_filters(call, record):
    await record(1, score=9.5)
    await record(2, score=12.0)
    await record(3, score=20.0)
    (critical,) = (await call.get(BASE, params={"severity_gte": "critical"})).json()["data"]
    await close(call, critical, disposition="other_abuse")

    async def clients(**params):
        answer = await call.get(BASE, params=params)
        assert answer.status_code == 200, answer.text
        return sorted(int(alert["client_id"][3:], 16) for alert in answer.json()["data"])

    assert await clients() == [1, 2, 3]
    assert await clients(status="new") == [1, 2]
    assert await clients(status="closed,in_review") == [3]
    assert await clients(severity_gte="medium") == await clients(severity_gte="3") == [2, 3]
    assert await clients(client="cl_0000000000000002") == [2]
    assert await clients(q="000003") == [3]
    assert await clients(q="one template") == [1, 2, 3]
    assert await clients(q="100%_") == []
    assert await clients(created_gte="2027-01-15T09:01:40+01:00") == [1, 2, 3]
    assert await clients(created_lt="2027-01-15T08:01:40Z") == []
    first = (await call.get(BASE, params={"sort": "score"})).json()["data"][0]
    assert first["client_id"] == "cl_0000000000000001"


@pytest.mark.parametrize(
    "params",
    [
        {"status": "open"},
        {"status": "new,"},
        {"severity_gte": "6"},
        {"client": "c0ffee"},
        {"created_gte": "2027-01-15T08:00:00"},
        {"created_gte": "0001-01-01T00:00:00+14:00"},
        {"created_lt": "yesterday"},
        {"created_lt": "1764282568"},
        {"created_gte": "20261127"},
        {"limit": "0"},
        {"limit": "201"},
        {"sort": "evidence"},
        {"q": "a\0b"},
        {"q": "x" * 201},
        {"colour": "red"},
    ],
)
async def test_parameters_that_are_not_valid_are_named(call, params):
    answer = await call.get(BASE, params=params)
    assert answer.status_code == 422
    (name,) = params
    if name != "colour":
        assert answer.json()["errors"][0]["pointer"] == name


@pytest.mark.parametrize("name", ["status", "client", "created_gte", "limit", "cursor"])
async def test_a_parameter_given_twice_is_refused(call, name):
    answer = await call.get(BASE, params=[(name, "new"), (name, "closed")])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == name
    assert "once" in answer.json()["detail"]


async def test_pages_lead_on_and_back(call, record):
    for client in range(1, 8):
        await record(client)
    found, address = [], f"{BASE}?limit=3&sort=score"
    while address:
        answer = await call.get(address)
        found += [alert["id"] for alert in answer.json()["data"]]
        address = answer.links.get("next", {}).get("url")
        assert (address is not None) is answer.json()["page"]["has_more"]
    assert len(found) == len(set(found)) == 7
    back = await call.get(answer.links["prev"]["url"])
    assert [alert["id"] for alert in back.json()["data"]] == found[3:6]


async def test_cursors_of_another_filter_or_of_nobody_are_refused(call, record):
    for client in range(1, 4):
        await record(client)
    cursor = (await call.get(BASE, params={"limit": 1})).json()["page"]["next_cursor"]
    for params in ({"cursor": cursor, "status": "new"}, {"cursor": cursor[:-1]}, {"cursor": "x"}, {"cursor": ""}):
        answer = await call.get(BASE, params={"limit": 1} | params)
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor_filter_mismatch")


@pytest.fixture
async def this_week(api, record):
    """Four clients that were seen this week, one of which came to review."""
    now = time.time()
    async with session_scope(api.state.engine) as session:
        await upsert(session, [ClientSummary(n, now - 900, now - 60, 500, 0, 0, 0, 1.0) for n in (0xC0FFEE, 2, 3, 4)])
    await record()


async def test_the_week_beside_chance(call, this_week, api):
    told = (await call.get(f"{BASE}/chance")).json()
    odds = chance.odds_of(api.state.scoring.reference)
    assert (told["clients"], told["reviewed"], told["tripwires"], told["complete"]) == (4, 1, 0, True)
    assert told["expected"] == pytest.approx(4 * odds.share)
    assert told["resolvable"] == pytest.approx(4 * odds.least)
    assert (told["level"], told["beyond_chance"]) == (0.1, 1)


async def test_an_alert_has_its_q_wherever_it_is_read(call, this_week, api):
    (listed,) = (await call.get(BASE)).json()["data"]
    odds = chance.odds_of(api.state.scoring.reference)
    assert listed["q_value"] == pytest.approx(4 * odds.p(12.0 - 9.2))
    path = f"{BASE}/{listed['id']}"
    one = (await call.get(path)).json()
    claimed = (await call.post(f"{path}/claim", headers={"If-Match": '"1"'})).json()
    client = (await call.get(f"/api/v1/clients/{listed['client_id']}")).json()
    assert one["q_value"] == claimed["q_value"] == client["alerts"][0]["q_value"] == listed["q_value"]


async def test_where_nobody_was_compared_there_is_no_q(call, alert):
    assert alert["q_value"] is None
    told = (await call.get(f"{BASE}/chance")).json()
    assert (told["clients"], told["reviewed"], told["expected"], told["resolvable"]) == (0, 0, None, None)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("*", "* would be any version"),
        ('W/"3"', "it is a weak ETag"),
        ('"3", "4"', "it names several versions"),
        ("3", "the quotation marks are missing"),
        ('"hunter2"', "it is no ETag of ours"),
    ],
)
def test_an_if_match_that_is_no_etag_is_named_with_what_is_wrong_and_what_is_expected(sent, said):
    """One reader for alerts, campaigns and the mode; what was sent is told apart and never repeated."""
    with pytest.raises(PreconditionFailed) as caught:
        expected_version(sent)
    assert str(caught.value).startswith(f"If-Match: {said}; give exactly the ETag that this was read with")
    assert "hunter2" not in str(caught.value)
