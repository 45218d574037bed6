"""Every error is a problem document, and none repeats what was sent."""

import pytest
from redis.exceptions import ConnectionError as RedisAway

from app import errors
from app.api.problems import MEDIA_TYPE, of_error

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
