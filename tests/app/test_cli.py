"""The command line: every role, fast help, one line for a mistake."""

import json
import stat
import subprocess
import sys

import pytest

ROLES = (
    "run",
    "gateway",
    "extractor",
    "worker",
    "console",
    "migrate",
    "replay",
    "token",
    "sample-api",
    "sample-traffic",
)


def stillwatch(*arguments, env=None, cwd=None):
    command = [sys.executable, "-P", "-m", "app.cli", *arguments]
    environment = {"PATH": "/usr/bin:/bin", "COLUMNS": "120", **(env or {})}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=cwd, timeout=240)


def test_help_names_every_command():
    text = stillwatch("--help").stdout
    assert not [role for role in (*ROLES, "health") if role not in text]


def test_help_is_fast_because_it_loads_no_part():
    program = "import sys, json; import app.cli; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)
    heavy = {"numpy", "sqlalchemy", "fastapi", "redis", "uvicorn", "sklearn", "orjson", "pydantic"}
    assert not heavy & set(loaded)


@pytest.mark.parametrize("role", ["gateway", "extractor", "worker", "console", "migrate", "run"])
def test_a_wrong_setting_is_one_line_in_every_role(role):
    found = stillwatch(role, env={"STILLWATCH_PARTITIONS": "none"})
    assert found.returncode == 2
    assert found.stdout == ""
    assert found.stderr.count("\n") == 1
    assert found.stderr.startswith("stillwatch: STILLWATCH_PARTITIONS: 'none' is not a number. Remedy: ")


def test_another_error_of_ours_is_one_line_too(tmp_path):
    found = stillwatch("token", "revoke", "tk_none", env={"STILLWATCH_DATA": str(tmp_path)})
    assert found.returncode == 1
    assert found.stderr == "stillwatch: no such token\n"


def test_a_port_in_use_is_one_line(tmp_path):
    program = (
        "import socket, subprocess, sys\n"
        "with socket.create_server(('127.0.0.1', 0)) as taken:\n"
        "    port = str(taken.getsockname()[1])\n"
        "    command = [sys.executable, '-m', 'app.cli', 'sample-api', '--port', port]\n"
        "    sys.exit(subprocess.run(command).returncode)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.returncode != 0
    assert "Traceback" not in found.stderr
    assert "address already in use" in found.stderr


def test_the_working_folder_is_no_source_of_modules(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "cli.py").write_text("raise SystemExit('wrong module')")
    assert stillwatch("--help", cwd=tmp_path).returncode == 0


def test_migrate_makes_the_database(tmp_path):
    assert stillwatch("migrate", env={"STILLWATCH_DATA": str(tmp_path)}).returncode == 0
    assert (tmp_path / "stillwatch.db").stat().st_size > 0


@pytest.mark.parametrize("command", [("migrate",), ("token", "list"), ("token", "create", "x")])
def test_database_and_folder_are_for_their_owner_alone(tmp_path, command):
    folder = tmp_path / "data"
    done = stillwatch(*command, env={"STILLWATCH_DATA": str(folder)})
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("command", [("token", "list"), ("migrate",)])
def test_a_data_folder_that_cannot_be_made_is_one_line(command):
    found = stillwatch(*command, env={"STILLWATCH_DATA": "/proc/x"})
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert found.stderr.startswith(
        "stillwatch: DATABASE_URL, or STILLWATCH_DATA where that is empty: cannot make /proc/x"
    )


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.9", "a..b"])
def test_a_host_that_is_not_ours_is_one_line(tmp_path, free_port, host):
    env = {"STILLWATCH_CONSOLE_HOST": host, "STILLWATCH_CONSOLE_PORT": str(free_port()), "REDIS_URL": "redis://[::1]:1"}
    found = stillwatch("console", env={"STILLWATCH_DATA": str(tmp_path), **env})
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert found.stderr.startswith("stillwatch: STILLWATCH_CONSOLE_HOST: ")
