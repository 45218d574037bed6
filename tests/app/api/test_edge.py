"""What every answer carries, and what happens when a request is too large or we fail."""

import logging

import pytest

from app.api.edge import BODY_BYTES


async def test_every_answer_has_an_id_of_its_own_and_the_headers(call):
    ids = set()
    for path in ("/livez", "/api/v1/alerts", "/api/v1/nothing", "/metrics"):
        answer = await call.get(path, headers={"X-Request-Id": "mine"})
        ids.add(answer.headers["x-request-id"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert len(ids) == 4
    assert "mine" not in ids


async def test_the_dashboards_pages_keep_their_own_policy(call):
    answer = await call.get("/signin")
    assert answer.headers.get_list("content-security-policy") == [answer.headers["content-security-policy"]]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


async def test_an_error_names_the_request(call):
    answer = await call.get("/api/v1/nothing")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def sent_in_pieces(size):
    for _ in range(size // 1000 + 1):
        yield b" " * 1000


async def test_a_body_that_is_too_large_is_refused(call):
    path = "/api/v1/alerts/al_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f/close"
    headers = {"content-type": "application/json"}
    for content in (b" " * (BODY_BYTES + 1), sent_in_pieces(BODY_BYTES)):
        answer = await call.post(path, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.fixture
def broken(api):
    async def fail():
        raise RuntimeError("a secret: hunter2")

    api.add_api_route("/api/v1/broken", fail)


async def test_a_fault_of_ours_is_a_problem_that_tells_nothing(api, broken, call, caplog):
    with caplog.at_level(logging.ERROR, "app.api.edge"):
        answer = await call.get("/api/v1/broken")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "internal_error"
    assert "hunter2" not in answer.text
    assert api.state.metrics.failures._value.get() == 1
    (entry,) = caplog.records
    assert entry.request_id == answer.headers["x-request-id"]
