"""The API in process, over a real database and a real Valkey, and callers with and without scopes."""

from __future__ import annotations

import copy
import time

import httpx
import pytest
from starlette.datastructures import State

from app.access import create_token, ensure_admin
from app.access.scopes import SCOPES
from app.alerts import lifecycle
from app.api import access
from app.campaigns.found import Edge, Found, Member
from app.campaigns.record import record as record_campaigns
from app.main import create_console_app, equip
from app.settings import read_settings
from app.store.db import session_scope
from detectors.registry import load

ADMIN = "operator-chosen-admin-token"
NOW = 1_800_000_100.0
PATIENCE = 120.0


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no silent database: nothing is answered with 503 because it took seconds."""
    monkeypatch.setattr(access, "LOOK_UP_SECONDS", PATIENCE)
    monkeypatch.setattr(access, "REQUEST_SECONDS", PATIENCE)


@pytest.fixture(scope="session")
def scoring():
    """The shipped engine, loaded once."""
    return load()


@pytest.fixture(scope="session")
def routed(tmp_path_factory):
    """The application whose routes the others share: to put them together takes longer than most tests."""
    nobody = {"REDIS_URL": "redis://127.0.0.1:1", "STILLWATCH_DATA": str(tmp_path_factory.mktemp("routed"))}
    return create_console_app(read_settings(nobody))


@pytest.fixture(scope="session")
def application(routed):
    """A function that gives the application as the roof puts it together, without a listener, by its settings."""

    def make(settings):
        app = copy.copy(routed)
        app.state, app.user_middleware, app.middleware_stack = State(), [], None
        equip(app, settings)
        return app

    return make


async def make_app(application, database_url, redis_url, folder, scoring):
    """The application with its engine."""
    env = {
        "DATABASE_URL": database_url.replace("+aiosqlite", "").replace("+psycopg", ""),
        "REDIS_URL": redis_url,
        "STILLWATCH_DATA": str(folder),
        "STILLWATCH_SECRET": "s" * 32,
        "STILLWATCH_ADMIN_TOKEN": ADMIN,
    }
    app = application(read_settings(env))
    app.state.scoring = scoring
    return app


async def close_app(app):
    await app.state.redis.aclose()
    await app.state.engine.dispose()


@pytest.fixture
async def app_on(tmp_path, scoring, application):
    """A function that makes an application on any database and Redis."""
    made = []

    async def make(database_url, redis_url):
        app = await make_app(application, database_url, redis_url, tmp_path, scoring)
        made.append(app)
        return app

    yield make
    for app in made:
        await close_app(app)


@pytest.fixture
async def api(sqlite_url, redis_url, app_on, migrated):
    """The application on SQLite with the admin let in; kinds of database are the queries' tests' business."""
    migrated(sqlite_url)
    app = await app_on(sqlite_url, redis_url)
    async with session_scope(app.state.engine) as session:
        await ensure_admin(session, ADMIN, time.time())
    return app


@pytest.fixture
async def call(api):
    """A caller with every scope."""
    async with client_of(api, ADMIN) as client:
        yield client


def client_of(app, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://console", headers=headers)


@pytest.fixture
def caller(api):
    """A function that makes a caller with a token of its own, or with none, of this application or another."""
    return lambda token=None, app=None: client_of(app or api, token)


@pytest.fixture
def admin_of():
    """A function that makes a caller with the admin token, of some application."""
    return lambda app: client_of(app, ADMIN)


@pytest.fixture
def token_of(api):
    """A function that makes a token with some scopes."""

    async def make(*scopes, name=""):
        async with session_scope(api.state.engine) as session:
            _, secret = await create_token(session, name or "/".join(scopes), scopes, time.time())
        return secret

    return make


@pytest.fixture
def record(api, make_finding):
    """Records a finding and returns nothing; keywords are those of make_finding."""

    async def write(client=0xC0FFEE, **fields):
        async with session_scope(api.state.engine) as session:
            await lifecycle.record(session, [make_finding(client, **fields)], NOW)

    return write


@pytest.fixture
def every_scope():
    return frozenset(SCOPES)


def _found_of(*clients, key="a1", score=14.0, level=2):
    members = {client: Member("the same wording", 30, 0.9) for client in clients}
    edges = (Edge("wording", 0xAB, len(clients), len(clients), 9.5, "One wording.", clients),)
    return Found(key, members, level, score, 9.2, f"{len(clients)} clients send one wording.", NOW, 90, edges, {})


@pytest.fixture
def found_campaign():
    """Makes a campaign as a pass of the linker finds it."""
    return _found_of


@pytest.fixture
def pass_linker(api):
    """Records a pass of the linker: three clients of one wording unless told otherwise."""

    async def write(*campaigns):
        async with session_scope(api.state.engine) as session:
            await record_campaigns(session, campaigns or (_found_of(1, 2, 3),), NOW)

    return write


@pytest.fixture
async def campaign(call, pass_linker):
    """A campaign of three, as the API lists it."""
    await pass_linker()
    return (await call.get("/api/v1/campaigns")).json()["data"][0]
