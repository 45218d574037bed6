"""Everything that is mounted is where the documents say, and survives what its own description lets callers send."""

import asyncio
import json
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from app.access import ensure_admin
from app.alerts import lifecycle
from app.api.routes import document
from app.settings import read_settings
from app.store.db import session_scope

ADMIN = "operator-chosen-admin-token"
DOCS = Path(__file__).parents[3] / "docs" / "api.md"
SCHEMA = schemathesis.openapi.from_dict(json.loads(document()))
OPERATIONS = {result.ok().label: result.ok() for result in SCHEMA.get_all_operations()}
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def test_every_route_is_documented(api):
    text = DOCS.read_text("utf-8")
    for path, methods in api.openapi()["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path.removeprefix('/api/v1')}`" in text, f"{method} {path}"


def test_the_description_has_every_operation():
    assert len(OPERATIONS) >= 13


class Driven:
    """The application in a loop of its own, which a test that is not asynchronous can call."""

    def __init__(self, runner, app, client_id, alert_id):
        self.runner = runner
        self.app = app
        self.known = {"client_id": client_id, "alert_id": alert_id}
        headers = {"Authorization": f"Bearer {ADMIN}"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://console", headers=headers)

    def send(self, case):
        kwargs = case.as_transport_kwargs(base_url="http://console")
        content = kwargs.get("data")
        if kwargs.get("json") is not None:
            content = json.dumps(kwargs["json"]).encode()
        request = httpx.Request(
            kwargs["method"],
            kwargs["url"],
            params=kwargs.get("params"),
            headers=dict(kwargs["headers"]) | {"Authorization": f"Bearer {ADMIN}"},
            content=content,
        )
        return self.runner.run(self.client.send(request))


@contextmanager
def driven(application, url, redis_url, folder, scoring, finding):
    """The application with one alert in it."""

    async def prepare(app):
        async with session_scope(app.state.engine) as session:
            await ensure_admin(session, ADMIN, time.time())
            await lifecycle.record(session, [finding], time.time())

    async def stop(app):
        await app.state.redis.aclose()
        await app.state.engine.dispose()

    env = {"DATABASE_URL": url.replace("+aiosqlite", ""), "REDIS_URL": redis_url, "STILLWATCH_DATA": str(folder)}
    with asyncio.Runner() as runner:
        app = application(read_settings(env))
        app.state.scoring = scoring
        try:
            runner.run(prepare(app))
            one = Driven(runner, app, finding.explanation.client, "")
            listed = runner.run(one.client.get("/api/v1/alerts")).json()["data"][0]
            decided = runner.run(one.client.get("/api/v1/decisions")).json()["data"][0]
            one.known = {"client_id": listed["client_id"], "alert_id": listed["id"], "decision_id": decided["id"]}
            yield one
            runner.run(one.client.aclose())
        finally:
            runner.run(stop(app))


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_whatever_the_description_allows_is_answered_as_it_says(
    label, sqlite_url, redis_url, tmp_path, scoring, make_finding, migrated, application
):
    """Random requests, valid and not, of one operation: no 5xx, and every answer has the form it is said to have."""
    operation = OPERATIONS[label]
    modes = st.one_of(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    migrated(sqlite_url)
    with driven(application, sqlite_url, redis_url, tmp_path, scoring, make_finding()) as app:

        @settings(
            max_examples=30,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=modes, known=st.booleans())
        def send(case, known):
            if known and case.path_parameters:
                case.path_parameters.update({k: v for k, v in app.known.items() if k in case.path_parameters})
            if known and isinstance(case.body, dict) and "client" in case.body:
                case.body["client"] = app.known["client_id"]
            case.validate_response(app.send(case), checks=CHECKS)

        send()
