"""Progress: counts while the sample warms up, one line a new alert, an end when both harvesters are found."""

import asyncio
import contextlib
import io
import re
import socket

import pytest
import uvicorn

from app.access import ensure_admin
from app.alerts import lifecycle, queries
from app.clients.queries import ClientSummary, upsert
from app.main import create_console_app
from app.models.client import client_ref
from app.run import progress as module
from app.run.progress import Progress
from app.run.screen import Screen
from app.settings import read_settings
from app.store.db import read_scope, session_scope

TOKEN = "operator-chosen-admin-token"
START = 1_800_000_000.0
ONE, TWO = client_ref(1), client_ref(2)
CAST = {ONE: "one", TWO: "two"}


class Service:
    """The REST API on a port, and what is written behind it."""

    def __init__(self, settings, engine, make_finding):
        self.settings, self.engine, self.make_finding = settings, engine, make_finding

    async def alert(self, *clients, at=START + 1):
        async with session_scope(self.engine) as session:
            await lifecycle.record(session, [self.make_finding(client) for client in clients], at)

    async def close(self):
        async with session_scope(self.engine) as session:
            found = (await queries.list_alerts(session, queries.AlertFilter(), None, 1)).items[0]
            await lifecycle.close(session, found.id, "test", "", "x", found.version, START + 2)

    async def ids(self):
        async with read_scope(self.engine) as session:
            return [alert.id for alert in (await queries.list_alerts(session, queries.AlertFilter(), None, 200)).items]

    async def client(self, number, requests):
        async with session_scope(self.engine) as session:
            await upsert(session, [ClientSummary(number, START, START, requests, 0, 0, 0, 0.0, "all", "")])


@pytest.fixture
async def service(sqlite_url, redis_url, tmp_path, migrated, make_finding, monkeypatch):
    """The real API, without the reference, of which progress asks nothing."""
    monkeypatch.setattr(module, "WARM_SECONDS", 0.01)
    monkeypatch.setattr(module, "CALM_SECONDS", 0.01)
    migrated(sqlite_url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        env = {
            "DATABASE_URL": sqlite_url.replace("+aiosqlite", ""),
            "REDIS_URL": redis_url,
            "STILLWATCH_DATA": str(tmp_path),
            "STILLWATCH_SECRET": "s" * 32,
            "STILLWATCH_CONSOLE_PORT": str(listener.getsockname()[1]),
        }
        app = create_console_app(read_settings(env))
        async with session_scope(app.state.engine) as session:
            await ensure_admin(session, TOKEN, START)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
        server.capture_signals = contextlib.nullcontext
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield Service(app.state.settings, app.state.engine, make_finding)
        server.should_exit = True
        await serving
        await app.state.redis.aclose()
        await app.state.engine.dispose()


async def looked(settings, expected, *changes):
    """What is printed while one thing after the other happens, each followed by a look."""
    file, looks = io.StringIO(), [0]
    progress = Progress(settings, TOKEN, Screen(file), "http://c", expected, START)
    news = progress._news

    async def next_look():
        if looks[0] < len(changes) and changes[looks[0]] is not None:
            await changes[looks[0]]()
        looks[0] += 1
        await news()

    progress._news = next_look
    await progress.follow(lambda: looks[0] <= len(changes))
    return file.getvalue()


async def test_warming_up(service):
    await service.client(3, 7)
    await service.client(4, 5)
    changes = (None, lambda: service.alert(1), None, lambda: service.alert(2, at=START + 2))
    lines = (await looked(service.settings, CAST, *changes)).splitlines()
    assert lines[0] == "Warming up: scored 12 exchanges of 2 clients; open alerts: 0"
    two, one = await service.ids()
    assert f"Alert (medium): {ONE} [sample one] http://c/alerts/{one}" in lines
    assert f"Alert (medium): {TWO} [sample two] http://c/alerts/{two}" in lines
    assert re.fullmatch("Both sample harvesters stand on the dashboard after [0-9]+ s: http://c", lines[-1])


async def test_a_closed_alert_counts_as_found(service):
    await service.alert(1)
    await service.close()
    text = await looked(service.settings, {ONE: "one"})
    assert text.startswith("Both sample harvesters stand on the dashboard: http://c\n")
    assert "Alert (" not in text


async def test_with_an_upstream_each_alert_is_told_once(service):
    text = await looked(service.settings, {}, lambda: service.alert(1), None, None)
    assert text.startswith("Alerts will be announced here.\n")
    assert text.count("Alert (") == 1
    assert "Warming up" not in text


async def test_a_run_that_is_started_again_counts_what_is_open_and_tells_what_is_new(service):
    """Before, it printed the newest fifty as if they were new, and spoke of no others."""
    await service.alert(*range(1, 61), at=START - 3600)
    text = await looked(service.settings, {}, None, lambda: service.alert(99), None)
    lines = text.splitlines()
    assert lines[0] == "60 alerts are open: http://c/alerts. Only new ones will be announced here."
    assert [line.split()[2] for line in lines[1:]] == [client_ref(99)]


async def test_of_more_new_alerts_than_a_page_holds_each_is_told(service, monkeypatch):
    monkeypatch.setattr(module, "PAGE_ROWS", 2)
    monkeypatch.setattr(module, "OVERLAP_SECONDS", 0.5)
    later = (lambda: service.alert(*range(1, 8)), lambda: service.alert(8, 9, at=START + 9), None)
    lines = (await looked(service.settings, {}, *later)).splitlines()
    assert sorted(line.split()[2] for line in lines[1:]) == [client_ref(number) for number in range(1, 10)]


async def test_while_it_warms_up_all_open_alerts_are_counted(service):
    await service.alert(*range(3, 63), at=START - 3600)
    text = await looked(service.settings, CAST, None)
    assert "open alerts: 60\n" in text


async def test_an_api_that_is_away_is_no_reason_to_stop(free_port, monkeypatch):
    monkeypatch.setattr(module, "WARM_SECONDS", 0.01)
    settings = read_settings({"STILLWATCH_CONSOLE_PORT": str(free_port())})
    text = await looked(settings, {ONE: "one"}, None, None)
    assert text == "Warming up: scored 0 exchanges of 0 clients; open alerts: 0\n"
