"""The console as a process: it serves, lets the operator in, waits for its database, and stops cleanly."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from app.access.bootstrap import load_admin_token
from app.main import create_console_app
from app.settings import read_settings
from app.store.db import migrate

READY_SECONDS = 120  # on a machine that does much else


def settings(folder, redis_url, **env):
    return read_settings({"STILLWATCH_DATA": str(folder), "REDIS_URL": redis_url, **env})


async def running(app):
    """The application with its lifespan, and a caller."""
    stack = contextlib.AsyncExitStack()
    await stack.enter_async_context(app.router.lifespan_context(app))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console")
    await stack.enter_async_context(client)
    return stack, client


async def test_it_starts_with_a_token_of_its_own(tmp_path, redis_url):
    chosen = settings(tmp_path, redis_url)
    migrate(chosen.database_url)
    app = create_console_app(chosen)
    stack, client = await running(app)
    async with stack:
        assert app.state.scoring.row.itemsize <= 4096
        headers = {"Authorization": f"Bearer {load_admin_token(chosen)}"}
        assert (await client.get("/api/v1/status", headers=headers)).status_code == 200
        page = await client.get("/signin")
        assert page.headers["content-type"].startswith("text/html")


async def test_a_changed_admin_token_ends_the_former(tmp_path, redis_url):
    tokens = ("the-first-admin-token", "the-second-admin-token")
    migrate(settings(tmp_path, redis_url).database_url)
    for token in tokens:
        stack, client = await running(create_console_app(settings(tmp_path, redis_url, STILLWATCH_ADMIN_TOKEN=token)))
        async with stack:
            answers = [
                (await client.get("/api/v1/alerts", headers={"Authorization": f"Bearer {one}"})).status_code
                for one in tokens
            ]
        assert answers == ([200, 401] if token == tokens[0] else [401, 200])


async def test_it_starts_before_its_database_and_lets_the_operator_in_later(tmp_path, redis_url, monkeypatch):
    monkeypatch.setattr("app.main.RETRY_SECONDS", 0.02)
    chosen = settings(tmp_path, redis_url, STILLWATCH_ADMIN_TOKEN="the-first-admin-token")
    stack, client = await running(create_console_app(chosen))
    headers = {"Authorization": "Bearer the-first-admin-token"}
    async with stack:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        await asyncio.to_thread(migrate, chosen.database_url)
        deadline = time.monotonic() + 10
        while (await client.get("/api/v1/alerts", headers=headers)).status_code != 200:
            assert time.monotonic() < deadline
        assert (await client.get("/readyz")).status_code == 200


def start(folder, redis_url, port):
    script = (
        "import os; from app.main import serve_console; from app.settings import read_settings; "
        "raise SystemExit(serve_console(read_settings(os.environ)))"
    )
    env = os.environ | {
        "STILLWATCH_DATA": str(folder),
        "REDIS_URL": redis_url,
        "STILLWATCH_CONSOLE_PORT": str(port),
        "STILLWATCH_ADMIN_TOKEN": "the-first-admin-token",
    }
    return subprocess.Popen([sys.executable, "-c", script], env=env, stderr=subprocess.PIPE)


def until_ready(process, port):
    """Poll until the console is ready; what it says last is the failure's message."""
    deadline, said = time.monotonic() + READY_SECONDS, "nothing"
    while process.poll() is None and time.monotonic() < deadline:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/readyz", timeout=30)
        except httpx.TransportError as error:
            said = repr(error)
        else:
            if answer.status_code == 200:
                return answer
            said = answer.text
        time.sleep(0.05)
    raise AssertionError(said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_it_with_success(tmp_path, redis_url, free_port, number):
    port = free_port()
    migrate(settings(tmp_path, redis_url).database_url)
    with start(tmp_path, redis_url, port) as process:
        try:
            assert "server" not in until_ready(process, port).headers
            process.send_signal(number)
            _, log = process.communicate(timeout=90)
        finally:
            process.kill()
    assert process.returncode == 0, log
    assert b"the-first-admin-token" not in log
    assert b"Traceback" not in log


def test_a_port_in_use_is_an_os_error(tmp_path, redis_url, free_port):
    import socket

    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        process = start(tmp_path, redis_url, port)
        _, log = process.communicate(timeout=READY_SECONDS)
    assert process.returncode != 0
    assert b"Address already in use" in log
