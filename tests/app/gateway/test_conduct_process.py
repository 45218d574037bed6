"""Real processes: a gateway, a worker and the command line, joined only by Valkey and a database."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.clients import queries as clients
from app.clients.queries import ClientSummary
from app.gateway.identify import client_of
from app.models.client import client_ref
from app.policies import manual
from app.policies.manual import Order
from app.store.db import make_engine, session_scope

ROOT = Path(__file__).parents[3]
KEY = "Authorization: Bearer marked"


@pytest.fixture
def service(model_api, private_valkey, sqlite_url, tmp_path, free_port, kit, migrated):
    """A function that starts a command of the product on one data folder, Valkey and database."""
    private_valkey.start()
    migrated(sqlite_url)
    port, started = free_port(), []
    environment = {
        **os.environ,
        "UPSTREAM": f"http://127.0.0.1:{model_api.port}",
        "REDIS_URL": private_valkey.url,
        "DATABASE_URL": sqlite_url,
        "STILLWATCH_DATA": str(tmp_path),
        "STILLWATCH_SECRET": kit.SECRET,
        "STILLWATCH_GATEWAY_PORT": str(port),
        "STILLWATCH_PARTITIONS": "2",
        "STILLWATCH_LOG_LEVEL": "warning",
        "STILLWATCH_DRAIN_SECONDS": "0",
        "OMP_NUM_THREADS": "1",
    }

    def start(*words, **more):
        command = [sys.executable, "-m", "app.cli", *words]
        process = subprocess.Popen(command, cwd=ROOT, env=environment | more)
        started.append(process)
        return process

    start.port = port
    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(60)


@pytest.fixture
def status(service, kit):
    """A function that asks the gateway once, by a key, and gives the status; 0 where it does not answer."""

    def ask(key=KEY):
        with contextlib.suppress(OSError), kit.Client(service.port) as client:
            return client.ask("/v1/chat/completions", b"{}", key)[0]
        return 0

    return ask


@pytest.fixture
def domain(sqlite_url, kit):
    """A function that does one thing to the database and tells nobody."""
    client = client_of(kit.SECRET.encode(), [(b"authorization", b"Bearer marked")], b"", "")

    def run(work):
        async def go():
            engine = make_engine(sqlite_url)
            try:
                async with session_scope(engine) as session:
                    return await work(session)
            finally:
                await engine.dispose()

        return asyncio.run(go())

    async def know(session):
        now = time.time()
        await clients.upsert(session, [ClientSummary(client, now, now, 1, 0, 0, 0, 0.0, "all")])

    run(know)
    order = Order(client_ref(client), "block", 600, "why", simulated=False)
    run.block = lambda: run(lambda session: manual.make(session, order, "ana", time.time())).decision
    run.revoke = lambda decision: run(lambda session: manual.revoke(session, decision.id, "why", "ana", time.time()))
    return run


@pytest.mark.slow
def test_what_nobody_said_reaches_the_gateway_and_a_flush_undoes_nothing(service, status, domain, private_valkey, kit):
    service("gateway", STILLWATCH_MODE="enforce")
    kit.until(lambda: status() == 200, "the gateway")
    decision = domain.block()  # committed by a process that then died
    service("worker")
    kit.until(lambda: status() == 403, "the worker's word")
    private_valkey.flush()
    for _ in range(5):
        assert status() == 403
    with contextlib.closing(private_valkey.client()) as client:
        kit.until(lambda: client.exists("{decisions}:generation"), "the worker's comparison")
    assert status() == 403
    assert status("Authorization: Bearer other") == 200
    domain.revoke(decision)  # and nobody says so
    kit.until(lambda: status() == 200, "the worker's next comparison")


def test_the_command_line_switches_a_running_gateway(service, status, domain, private_valkey, kit):
    service("gateway")
    kit.until(lambda: status() == 200, "the gateway")
    domain.block()
    service("worker")
    assert service("mode", "enforce", "--reason", "test").wait(120) == 0
    kit.until(lambda: status() == 403, "enforcement")
    private_valkey.pause()
    assert status() == 403
    private_valkey.resume()
    assert service("mode", "bypass").wait(120) == 0
    kit.until(lambda: status() == 200, "bypass")
    assert service("mode", "off").wait(120) == 2
