"""Settings are read once, and a wrong one is named together with its remedy."""

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from app.errors import SettingError
from app.settings import SETTINGS, UNIX_PATH_LIMIT, Settings, database_url, read_settings, warnings


def test_an_empty_environment_gives_the_documented_defaults():
    settings = read_settings({})
    assert (settings.gateway_port, settings.console_port) == (8080, 8081)
    assert settings.gateway_host == settings.console_host == "127.0.0.1"
    assert settings.upstream == settings.redis_url == ""
    assert settings.mode == "observe"


def test_blank_values_count_as_unset():
    assert read_settings({"UPSTREAM": "  ", "STILLWATCH_GATEWAY_PORT": ""}) == read_settings({})


def test_the_table_is_the_dataclass():
    """A setting in the table that nothing reads, or the reverse, would be a lie in the documents."""
    names = {name.lower().removeprefix("stillwatch_") for name in (setting.name for setting in SETTINGS)}
    assert names == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STILLWATCH_GATEWAY_PORT", "eighty"),
        ("STILLWATCH_GATEWAY_PORT", "0"),
        ("STILLWATCH_GATEWAY_PORT", "65536"),
        ("STILLWATCH_CONSOLE_PORT", "-1"),
        ("STILLWATCH_MODE", "enforced"),
        ("STILLWATCH_PARTITIONS", "0"),
        ("STILLWATCH_IDLE_SECONDS", "nan"),
        ("STILLWATCH_SECRET", "short"),
        ("STILLWATCH_ADMIN_TOKEN", "short"),
        ("STILLWATCH_STATUS_TOKEN", "short"),
        ("STILLWATCH_STATUS_TOKEN", "sixteen characters with spaces"),
        ("STILLWATCH_STATUS_TOKEN", "sechzehn-zeichen-ä"),
        ("UPSTREAM", "api.example.com"),
        ("UPSTREAM", "ftp://api.example.com"),
        ("UPSTREAM", "https://user:secret@api.example.com"),
        ("UPSTREAM", "https://api.example.com?key=1"),
        ("UPSTREAM", "http://:8080"),
        ("UPSTREAM", "http://host:99999"),
        ("UPSTREAM", "http://host/a b"),
        ("UPSTREAM", "http://host/a\tb"),
        ("UPSTREAM", "http://host/a\r\nx: y"),
        ("UPSTREAM", "http://host/\u00e9"),
        ("UPSTREAM", "http://host/100%"),
        ("UPSTREAM", "http://ho st/"),
        ("UPSTREAM", "http://a..b/"),
        ("UPSTREAM", "http://ho<st/"),
        ("DATABASE_URL", "mysql://root@localhost/x"),
        ("DATABASE_URL", "nonsense"),
    ],
)
def test_a_wrong_value_names_the_setting_and_the_remedy(name, value):
    with pytest.raises(SettingError) as caught:
        read_settings({name: value})
    assert caught.value.setting == name
    assert "Remedy: " in str(caught.value)


def test_a_wrong_secret_is_not_repeated():
    for name in ("STILLWATCH_SECRET", "STILLWATCH_ADMIN_TOKEN", "STILLWATCH_STATUS_TOKEN"):
        with pytest.raises(SettingError) as caught:
            read_settings({name: "hunter2"})
        assert "hunter2" not in str(caught.value)


def test_a_url_with_a_password_is_not_repeated():
    with pytest.raises(SettingError) as caught:
        read_settings({"UPSTREAM": "https://user:hunter2@api.example.com"})
    assert "hunter2" not in str(caught.value)
    with pytest.raises(SettingError) as caught:
        read_settings({"UPSTREAM": "ftp://user:hunter2@api.example.com"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("given_url", "driver"),
    [
        ("sqlite:////tmp/a.db", "sqlite+aiosqlite:////tmp/a.db"),
        ("postgres://u:p@h/n", "postgresql+psycopg://u:p@h/n"),
        ("postgresql://u:p@h/n", "postgresql+psycopg://u:p@h/n"),
        ("postgresql+psycopg://u:p@h/n", "postgresql+psycopg://u:p@h/n"),
    ],
)
def test_database_urls_get_an_async_driver(given_url, driver):
    assert database_url(given_url, Path()) == driver


def test_without_a_database_url_sqlite_lies_in_the_data_folder(tmp_path):
    settings = read_settings({"STILLWATCH_DATA": str(tmp_path)})
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/stillwatch.db"


@given(st.text("abcdefgh/", min_size=1, max_size=300))
def test_the_socket_path_always_fits_the_kernel(tail):
    settings = read_settings({"STILLWATCH_DATA": "/x/" + tail})
    assert len(bytes(settings.handoff)) <= max(UNIX_PATH_LIMIT, 107)


def test_two_data_folders_never_share_a_socket():
    deep = "/very/" + "deep/" * 40
    one, two = (read_settings({"STILLWATCH_DATA": deep + name}).handoff for name in ("a", "b"))
    assert one != two


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("postgresql://u:geheim@h:notaport/db", "the port is no number"),
        ("postgresql://u:geheim@h:99999/db", "the port is no number"),
        ("postgres://u:geh/eim#@h:1:2/db", "the port is no number"),
        ("sqlite://geheim/bar.db", "SQLite has none"),
    ],
)
def test_a_database_url_that_is_none_is_named_and_not_repeated(text, problem):
    with pytest.raises(SettingError, match=problem) as caught:
        read_settings({"DATABASE_URL": text})
    assert caught.value.setting == "DATABASE_URL"
    assert "geh" not in str(caught.value)


@pytest.mark.parametrize(
    "rest",
    ["u:p@h:5432/db", "u:p%2F@h/db", "h", "/db", "u@[::1]:5432/db?sslmode=require", "u:p@/db?host=/run/postgresql", ""],
)
def test_what_sqlalchemy_reads_is_taken(rest):
    assert make_url(read_settings({"DATABASE_URL": f"postgresql://{rest}"}).database_url).drivername


def test_a_misspelt_setting_is_named_with_its_nearest_and_without_its_value():
    found = warnings(
        {"STILLWATCH_SECERT": "hunter2", "stillwatch_mode": "enforce", "STILLWATCH_QQQ": "1", "SW": "x"}
        | {"STILLWATCH_REDIS_URL": "redis://x"}
    )
    assert found == [
        "STILLWATCH_QQQ is no setting and is ignored: docs/settings.md has the settings that there are.",
        "STILLWATCH_REDIS_URL is no setting and is ignored: did you mean REDIS_URL?",
        "STILLWATCH_SECERT is no setting and is ignored: did you mean STILLWATCH_SECRET?",
        "stillwatch_mode is no setting and is ignored: did you mean STILLWATCH_MODE?",
    ]


def test_no_setting_is_called_misspelt_nor_what_kubernetes_names_after_a_service_of_ours():
    assert warnings({setting.name: "x" for setting in SETTINGS}) == []
    service = {
        "STILLWATCH_WORKER_SERVICE_HOST": "10.0.0.1",
        "STILLWATCH_WORKER_SERVICE_PORT": "80",
        "STILLWATCH_WORKER_SERVICE_PORT_HTTP": "80",
        "STILLWATCH_WORKER_PORT": "tcp://10.0.0.1:80",
        "STILLWATCH_WORKER_PORT_80_TCP": "tcp://10.0.0.1:80",
        "STILLWATCH_WORKER_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert warnings(service) == []
