"""Every error is a problem document, and none repeats what was sent."""

import pytest
from redis.exceptions import ConnectionError as RedisAway

from app import errors
from app.api.campaign_schemas import IndicatorMatchQuery, SubjectQuery
from app.api.ledger_schemas import LedgerQuery
from app.api.problems import BODY_HINT, MEDIA_TYPE, hint_of, of_error
from app.api.schemas import Body, Query
from app.models.vocabulary import Action

SECRET = "swt_c0ffee-must-not-come-back"
MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}
PATH = "/api/v1/alerts/al_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"


def requests():
    yield "GET", f"/api/v1/{SECRET}", {}
    yield "GET", f"/api/v1/alerts/{SECRET}", {}
    yield "GET", f"/api/v1/clients/{SECRET}", {}
    yield "DELETE", f"/api/v1/alerts/{SECRET}", {}
    yield "GET", "/api/v1/alerts", {"params": {SECRET: "1"}}
    for name in ("status", "severity_gte", "client", "created_gte", "limit", "sort", "cursor"):
        yield "GET", "/api/v1/alerts", {"params": {name: SECRET}}
    for body in ({"disposition": SECRET}, {"disposition": {SECRET: 1}}, {SECRET: "x"}, [SECRET], SECRET):
        yield "POST", f"{PATH}/close", {"json": body}
    yield "POST", f"{PATH}/close", {"json": {"disposition": "test", "note": SECRET}}
    yield "POST", f"{PATH}/close", {"json": {"disposition": "test"}, "headers": {"If-Match": SECRET}}
    for content in (f"{{{SECRET}".encode(), SECRET.encode() + b"\xff\xfe", b'{"a":' * 1000 + SECRET.encode()):
        yield "POST", f"{PATH}/close", {"content": content, "headers": {"content-type": "application/json"}}
    yield "POST", f"{PATH}/close", {"content": SECRET.encode(), "headers": {"content-type": f"text/{SECRET}"}}


CASES = list(requests())


@pytest.mark.parametrize(("method", "path", "options"), CASES, ids=[str(number) for number in range(len(CASES))])
async def test_an_error_is_a_problem_that_repeats_nothing(call, method, path, options):
    answer = await call.request(method, path, **options)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == MEDIA_TYPE
    body = answer.json()
    assert set(body) == MEMBERS
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    assert SECRET not in answer.text
    assert SECRET not in str(answer.headers)


async def test_a_wrong_token_is_not_repeated(caller):
    async with caller(SECRET) as somebody:
        answer = await somebody.get("/api/v1/alerts")
        assert (answer.status_code, answer.headers["content-type"]) == (401, MEDIA_TYPE)
        assert SECRET not in answer.text


async def test_an_unknown_parameter_is_named_where_it_can_be_no_secret(call):
    answer = await call.get("/api/v1/alerts", params={"severty_gte": "high"})
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("severty_gte", "extra_forbidden")
    assert "severity_gte" in error["message"]  # one of those that there are
    assert answer.json()["detail"].startswith("severty_gte: ")
    for name in ("hunter2", "sk-live", "Bearer", "a" * 25):
        (error,) = (await call.get("/api/v1/alerts", params={name: "1"})).json()["errors"]
        assert error["pointer"] == "query"
    (error,) = (await call.post(f"{PATH}/close", json={"disposition": "test", "notes": "x"})).json()["errors"]
    assert error["pointer"] == "/notes"


async def test_a_wrong_token_is_told_from_none_and_not_why_it_is_wrong(caller):
    said = {}
    async with caller() as nobody:
        for header in ("", "Bearer wrong", "wrong"):
            answer = await nobody.get("/api/v1/alerts", headers={"Authorization": header} if header else {})
            assert answer.status_code == 401
            said[header] = answer.json()["detail"]
    assert "there is no Authorization header" in said[""]
    assert said["Bearer wrong"] == "the token that was sent is not known, has expired, or was revoked"
    assert "what the Authorization header holds is none" in said["wrong"]


def tree(root):
    yield root
    for branch in root.__subclasses__():
        if branch.__module__ == errors.__name__:
            yield from tree(branch)


@pytest.mark.parametrize("kind", list(tree(errors.StillwatchError)), ids=lambda kind: kind.__name__)
def test_every_error_of_ours_has_its_status_and_code(kind):
    wants = {errors.SettingError: ("S", "p", "r")}.get(kind, ("f", "p"))
    error = kind(*wants) if issubclass(kind, errors.InvalidInput | errors.SettingError) else kind("why")
    problem = of_error(error, "/api/v1/alerts/a/close")
    assert (problem.status, problem.code, problem.title) == (kind.status, kind.code, kind.title)
    assert bool(problem.errors) is issubclass(kind, errors.InvalidInput)


async def test_redis_that_goes_away_midway_is_unavailable(api, call):
    async def fail():
        raise RedisAway("with a password")

    api.add_api_route("/api/v1/fails", fail)
    answer = await call.get("/api/v1/fails")
    assert (answer.status_code, answer.json()["detail"]) == (503, "Redis does not answer")


@pytest.mark.parametrize(
    "name", ["%0d%0aset-cookie:%20x=1", "é", "\U0007a9ba", "al_%0a9a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f", SECRET]
)
async def test_the_path_never_reaches_a_header(call, name):
    answer = await call.post(f"/api/v1/alerts/{name}/claim", headers={"If-Match": "x"})
    assert answer.status_code == 412
    assert "link" not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("status", "open", "choose some of new, in_review, closed, joined by commas"),
        ("severity_gte", "urgent", "choose one of low, medium, high, critical"),
        ("client", "abc", "give a client's id: cl_ and 16 hexadecimal digits"),
        ("created_gte", "2026-01-01T00:00:00", "give a moment with its offset, such as 2026-01-31T12:00:00Z"),
        ("created_lt", "yesterday", "give a moment with its offset, such as 2026-01-31T12:00:00Z"),
        ("sort", "foo", "give up to four of created_at, updated_at, score, severity, joined by commas"),
        ("q", "a\0b", "leave out the character NUL"),
    ],
)
async def test_a_wrong_filter_is_told_what_there_is(call, name, text, hint):
    answer = await call.get("/api/v1/alerts", params={name: text})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(f"{name}: {hint}")


async def test_a_wrong_action_is_told_which_there_are(call):
    answer = await call.get("/api/v1/decisions", params={"action": "kill"})
    assert answer.json()["detail"] == f"action: choose one of {', '.join(Action)}"


def models(root):
    yield root
    for branch in root.__subclasses__():
        yield from models(branch)


def test_no_hint_is_a_regular_expression():
    every = {one for root in (Body, Query, SubjectQuery, IndicatorMatchQuery, LedgerQuery) for one in models(root)}
    found = {
        field["pattern"]
        for model in every
        for member in model.model_json_schema()["properties"].values()
        for field in (member, *member.get("anyOf", ()), member.get("items", {}))
        if "pattern" in field
    }
    assert len(found) >= 8
    hints = {pattern: hint_of(pattern) for pattern in found}
    assert not [pattern for pattern, hint in hints.items() if set(hint) & set("^$\\[]{}|?*") or len(hint) < 15]


@pytest.mark.parametrize("content", [b'{"a":', b"{a: 1}", b"\xff\xfe"])
async def test_a_body_that_is_no_json_cannot_be_read(call, content):
    answer = await call.post("/api/v1/decisions", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert "JSON" in answer.json()["detail"] or content == b"\xff\xfe"


@pytest.mark.parametrize(
    ("content", "kind"), [(b'{"client": "x"}', "text/plain"), (b"[1]", "application/json"), (b"", "application/json")]
)
async def test_a_body_that_is_no_object_is_told_how_to_send_one(call, content, kind):
    answer = await call.post("/api/v1/decisions", content=content, headers={"content-type": kind})
    assert answer.status_code == 422
    assert answer.json()["detail"] == BODY_HINT
