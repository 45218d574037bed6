"""Dockerfile and compose file agree with the command line, the settings and the sources.

No container is built here: what can be read is checked, the rest is for a machine with Docker.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from app.cli import app
from app.run.health import BEATING, LISTENING
from app.settings import DEFAULTS, SETTINGS

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"].startswith("stillwatch")}
DOCKERFILE = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text("utf-8"))
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands}
NAMES = {setting.name for setting in SETTINGS}


def instructions(word):
    return re.findall(rf"^{word} (.+)$", DOCKERFILE, re.M)


def test_all_roles_are_there():
    assert set(OURS) >= {"gateway", "extractor", "worker", "console", "migrate", "sample-api", "sample-traffic"}
    assert COMPOSE["services"]["valkey"]["image"].startswith("valkey/")
    assert COMPOSE["services"]["postgres"]["image"].startswith("postgres:")


@pytest.mark.parametrize("name", OURS)
def test_each_command_exists_and_takes_its_options(name):
    from typer.testing import CliRunner

    command, *options = OURS[name]["command"]
    assert command in COMMANDS
    text = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
    assert not [option for option in options if option.startswith("--") and option not in text]


@pytest.mark.parametrize("name", OURS)
def test_each_setting_exists(name):
    assert set(OURS[name].get("environment", {})) <= NAMES


ROLES = ("gateway", "extractor", "worker", "linker", "console")
FIXED = {"STILLWATCH_DATA"}  # by the image, for a volume
PORTS = {"STILLWATCH_GATEWAY_HOST", "STILLWATCH_GATEWAY_PORT", "STILLWATCH_CONSOLE_HOST", "STILLWATCH_CONSOLE_PORT"}
MADE = {"REDIS_URL", "DATABASE_URL"}  # of the services' own passwords


def readers():
    """Which roles read each setting, by the table of the document."""
    text = (ROOT / "docs/settings.md").read_text("utf-8").partition("## Which process reads which")[2]
    found = {}
    for line in text.splitlines():
        first, *marks = [cell.strip() for cell in line.strip("|").split("|")]
        for name in re.findall(r"`([A-Z][A-Z_]+)`", first) if line.startswith("|") else ():
            found[name] = {role for role, mark in zip(ROLES, marks, strict=False) if mark == "x"}
    return found


def test_the_table_of_readers_has_every_setting():
    assert set(readers()) == NAMES


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_setting_reaches_the_services_that_read_it(setting):
    if setting.name in FIXED | PORTS:
        return
    for role in readers()[setting.name]:
        given = OURS[role]["environment"].get(setting.name)
        assert given is not None, f"{role} does not get {setting.name} from .env"
        if setting.name not in MADE:
            wanted = rf"\$\{{{setting.name}(:\?[^}}]+|:-{re.escape(setting.default)})\}}"
            assert re.fullmatch(wanted, str(given)), f"{role} gets {given}, not what .env says or the default"


@pytest.mark.parametrize("name", ROLES)
def test_no_service_gets_a_setting_that_it_does_not_read(name):
    spare = {setting for setting in OURS[name]["environment"] if name not in readers().get(setting, {name})}
    assert spare <= {"STILLWATCH_ADMIN_TOKEN"}


def test_the_gateway_may_drain_for_as_long_as_it_is_told_to():
    patience = int(OURS["gateway"]["stop_grace_period"].removesuffix("s"))
    assert patience > float(DEFAULTS["STILLWATCH_DRAIN_SECONDS"])


@pytest.mark.parametrize("name", ["gateway", "extractor", "worker", "linker", "console"])
def test_each_service_is_checked_and_confined(name):
    service = OURS[name]
    assert service["healthcheck"]["test"] == ["CMD", "stillwatch", "health", name]
    assert name in (*LISTENING, *BEATING)
    assert service["restart"] == "unless-stopped"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_secrets_are_required_and_never_written_down():
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    for name in ("STILLWATCH_SECRET", "STILLWATCH_ADMIN_TOKEN", "VALKEY_PASSWORD", "POSTGRES_PASSWORD", "UPSTREAM"):
        assert f"${{{name}:?" in text
        assert not re.search(rf"{name}: (?!\$\{{)\S", text)


def test_gateway_and_extractor_share_the_socket_and_secret():
    assert OURS["gateway"]["volumes"] == OURS["extractor"]["volumes"]
    assert "STILLWATCH_DATA=/data" in DOCKERFILE
    secrets = {OURS[name]["environment"]["STILLWATCH_SECRET"] for name in ("gateway", "extractor", "worker", "console")}
    assert len(secrets) == 1


def test_only_gateway_and_console_have_ports_and_the_console_only_at_home():
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert set(ports) == {"gateway", "console"}
    assert ports["console"][0].startswith("127.0.0.1:")


def test_named_volumes_networks_and_dependencies_exist():
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in COMPOSE["volumes"]
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])


def test_the_sample_plays_only_when_asked():
    assert {name for name, service in OURS.items() if service.get("profiles") == ["sample"]} == {
        "sample-api",
        "sample-traffic",
    }


def test_what_the_image_copies_is_there_and_let_in():
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    for line in instructions("COPY"):
        *sources, _ = shlex.split(line)
        for source in sources:
            if line.startswith("--from"):
                continue
            assert (ROOT / source).exists(), source
            assert any(source == item or source.startswith(f"{item}/") for item in allowed), source


def test_the_image_installs_by_hash_and_runs_as_nobody_special():
    assert DOCKERFILE.count("--require-hashes") == 2
    assert instructions("USER") == ["stillwatch"]
    (check,) = instructions("HEALTHCHECK")
    words = json.loads(check[check.index("[") :])
    assert words[0] == "stillwatch"
    assert words[1] in COMMANDS
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["stillwatch"]
    assert json.loads(instructions("CMD")[0])[0] in COMMANDS


def test_the_images_settings_exist():
    assert set(re.findall(r"(STILLWATCH_[A-Z_]+)=", DOCKERFILE)) <= NAMES
