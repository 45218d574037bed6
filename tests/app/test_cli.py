"""The command line: every role, fast help, one line for a mistake."""

import json
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.cli import main
from app.settings import DEFAULTS

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


def test_the_version_is_that_of_the_package(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["stillwatch", "--version"])
    with pytest.raises(SystemExit, match="0"):
        main()
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["version"]
    assert capsys.readouterr().out == f"stillwatch {declared}\n"


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


@pytest.mark.parametrize(
    "command", [("migrate",), ("token", "list"), ("mode",), ("replay", "none.jsonl"), ("health", "worker")]
)
def test_a_misspelt_setting_is_warned_of_and_ends_nothing(command, tmp_path):
    env = {"STILLWATCH_DATA": str(tmp_path)}
    stillwatch("migrate", env=env)
    plain, warned = stillwatch(*command, env=env), stillwatch(*command, env=env | {"STILLWATCH_MODUS": "hunter2"})
    line = "stillwatch: warning: STILLWATCH_MODUS is no setting and is ignored: did you mean STILLWATCH_MODE?\n"
    assert (warned.returncode, warned.stdout, warned.stderr) == (plain.returncode, plain.stdout, line + plain.stderr)


@pytest.mark.parametrize("role", ["worker", "linker", "console"])
def test_a_reference_that_is_none_is_one_line_in_every_role_that_reads_it(role, tmp_path, free_port):
    env = {
        "STILLWATCH_DATA": str(tmp_path),
        "STILLWATCH_CONSOLE_PORT": str(free_port()),
        "REDIS_URL": "redis://[::1]:1",
    }
    found = stillwatch(role, env=env | {"STILLWATCH_REFERENCE": str(tmp_path / "none.npz")})
    assert (found.returncode, found.stderr.count("\n")) == (2, 1), found.stderr
    assert found.stderr.startswith(f"stillwatch: STILLWATCH_REFERENCE: {tmp_path}/none.npz: No such file or directory.")


@pytest.mark.parametrize("command", [("replay",), ("fit",)])
def test_a_log_that_does_not_exist_is_named_with_the_remedy(command, tmp_path):
    found = stillwatch(*command, str(tmp_path / "none.jsonl"), cwd=tmp_path, env={"STILLWATCH_REFERENCE": ""})
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    assert found.stderr.startswith(f"stillwatch: LOG: {tmp_path}/none.jsonl: No such file or directory. Remedy: give ")


def test_another_error_of_ours_is_one_line_too(tmp_path):
    stillwatch("migrate", env={"STILLWATCH_DATA": str(tmp_path)})
    found = stillwatch("token", "revoke", "tk_none", env={"STILLWATCH_DATA": str(tmp_path)})
    assert found.returncode == 1
    assert found.stderr == "stillwatch: no such token\n"


@pytest.mark.parametrize(
    "command",
    [
        ("mode", "bypass"),
        ("token", "create", "x"),
        ("token", "list"),
        ("token", "revoke", "tk_none"),
        ("accounts", "import", "t.csv"),
        ("organisations", "import", "t.csv"),
        ("attributes", "import", "t.csv"),
        ("attributes", "forget", "cl_0000000000000001"),
        ("ledger", "lookup", "t.csv"),
        ("ledger", "hashes", "t.csv"),
    ],
)
def test_a_command_from_another_folder_makes_no_second_installation(command, tmp_path, monkeypatch, capsys):
    (tmp_path / "t.csv").write_text("client,account\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stillwatch", *command])
    for setting in DEFAULTS:
        monkeypatch.delenv(setting, raising=False)
    with pytest.raises(SystemExit, match="2"):
        main()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"stillwatch: STILLWATCH_DATA: {tmp_path}/.stillwatch holds no installation")
    assert "Remedy: " in said.err
    assert not (tmp_path / ".stillwatch").exists()


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


def test_database_and_folder_are_for_their_owner_alone(tmp_path):
    folder = tmp_path / "data"
    for command in (("migrate",), ("token", "create", "x")):
        done = stillwatch(*command, env={"STILLWATCH_DATA": str(folder)})
        assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_data_folder_that_cannot_be_made_is_one_line():
    found = stillwatch("migrate", env={"STILLWATCH_DATA": "/proc/x"})
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
