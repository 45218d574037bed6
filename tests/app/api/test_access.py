"""Every operation of the API asks for a token with its scope, before it looks at anything else."""

import itertools

import pytest
import sqlalchemy as sa
from fastapi import APIRouter

from app.access import list_tokens, revoke_token
from app.access.scopes import SCOPES
from app.api.access import GuardedRoute, allowed
from app.api.documents import PATH
from app.models import Token
from app.store.db import read_scope, session_scope

ALERT = "al_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"
CLIENT = "cl_0000000000c0ffee"
NAMES = {
    "alert_id": ALERT,
    "client_id": CLIENT,
    "decision_id": "dc_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f",
    "campaign_id": "cp_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f",
    "set_id": "is_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f",
    "name": "payment",
}
COUNT = itertools.count()
OPEN = {"/livez", "/readyz"}


def operations(api):
    for path, methods in api.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.format(**NAMES), operation


def guarded(api):
    for method, path, operation in operations(api):
        if path not in OPEN:
            (requirement,) = operation["security"]
            yield method, path, frozenset(requirement["token"])


async def test_every_operation_names_scopes_or_is_open(api, every_scope):
    found = list(operations(api))
    assert len(found) >= 13
    for _, path, operation in found:
        assert ("security" in operation) is (path not in OPEN), path
    for _, path, scopes in guarded(api):
        assert scopes, path
        assert scopes <= every_scope


async def test_no_token_no_answer(api, caller):
    async with caller() as nobody:
        for method, path, _ in guarded(api):
            answer = await nobody.request(method, path)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["code"] == "unauthenticated"
        for path in OPEN:
            assert (await nobody.get(path)).status_code == 200


async def test_every_operation_refuses_a_token_that_lacks_any_of_its_scopes(api, caller, token_of):
    for method, path, scopes in guarded(api):
        for missing in scopes:
            secret = await token_of(*(set(SCOPES) - {missing}), name=f"token {next(COUNT)}")
            async with caller(secret) as limited:
                answer = await limited.request(method, path)
                assert answer.status_code == 403, path
                assert answer.json()["detail"] == f"the token lacks the scope {missing}"


async def test_every_operation_lets_a_token_with_just_its_scopes_in(api, caller, token_of):
    for method, path, scopes in guarded(api):
        secret = await token_of(*scopes, name=f"token {next(COUNT)}")
        async with caller(secret) as limited:
            assert (await limited.request(method, path)).status_code in (200, 404, 422, 428), path


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic b3BlcmF0b3I=",
        "operator-chosen-admin-token",
        "Bearer operator",
        "Bearer " + "x" * 600,
    ],
)
async def test_what_is_no_token_is_refused(caller, header):
    async with caller() as somebody:
        assert (await somebody.get("/api/v1/alerts", headers={"Authorization": header})).status_code == 401


async def test_two_tokens_are_none(caller):
    async with caller() as somebody:
        headers = [("Authorization", "Bearer operator-chosen-admin-token")] * 2
        assert (await somebody.get("/api/v1/alerts", headers=headers)).status_code == 401


async def test_a_token_in_the_address_is_none(caller):
    async with caller() as somebody:
        answer = await somebody.get("/api/v1/alerts?access_token=operator-chosen-admin-token")
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/status"), ("GET", "/api/v1/alerts/chance"), ("POST", f"/api/v1/alerts/{ALERT}/close?dry_run=1")],
)
async def test_a_parameter_where_none_is_read_is_refused(call, method, path):
    answer = await call.request(method, path if "?" in path else f"{path}?severity_gte=high", json={})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "query"
    assert "takes no parameters" in answer.json()["errors"][0]["message"]


async def test_the_body_is_not_looked_at_before_the_token(caller):
    async with caller() as nobody:
        answer = await nobody.post(
            f"/api/v1/alerts/{ALERT}/close", content=b"{not json", headers={"content-type": "application/json"}
        )
        assert answer.status_code == 401


async def test_a_revoked_token_ends_at_once(api, caller, token_of):
    secret = await token_of("alerts:read")
    async with caller(secret) as limited:
        assert (await limited.get("/api/v1/alerts")).status_code == 200
        async with session_scope(api.state.engine) as session:
            found = next(token for token in await list_tokens(session) if token.name == "alerts:read")
            await revoke_token(session, found.id, 1.0)
        assert (await limited.get("/api/v1/alerts")).status_code == 401


async def test_use_is_noted_and_not_at_every_call(api, call):
    async def noted():
        async with read_scope(api.state.engine) as session:
            return await session.scalar(sa.select(Token.last_used_at))

    assert await noted() is None
    await call.get("/api/v1/alerts")
    first = await noted()
    assert first is not None
    for _ in range(3):
        await call.get("/api/v1/alerts")
    assert await noted() == first


async def test_the_document_is_open_and_holds_no_secret(caller):
    async with caller() as nobody:
        answer = await nobody.get(PATH)
        assert answer.status_code == 200
        assert "operator-chosen-admin-token" not in answer.text


def test_a_route_without_scopes_cannot_be_made():
    router = APIRouter(route_class=GuardedRoute)
    with pytest.raises(TypeError, match="names no scope"):
        router.add_api_route("/open", lambda: None)
    router.add_api_route("/closed", lambda: None, dependencies=allowed("alerts:read"))


def test_scopes_have_meanings():
    assert all(SCOPES.values())
    assert len(list(itertools.chain(SCOPES))) >= 5
