"""The file of routes: what it says, and that each wrong value is named by file, table and key."""

from __future__ import annotations

import pytest

from app.errors import SettingError
from app.gateway.routefile import read_routes
from app.settings import read_settings

GOOD = """
[[route]]
prefix = "/openai/"
upstream = "https://api.example.com/v9/"
strip = true
dialect = "openai"
connect_seconds = 3
idle_seconds = 30.5

[route.tls]
min_version = "1.3"
server_name = "inner.example.com"

[[route]]
prefix = "/"
upstream = "http://models:8000"
"""


@pytest.fixture
def read(tmp_path):
    """Reads the routes of a file with this text."""

    def run(text, **more):
        file = tmp_path / "routes.toml"
        file.write_text(text)
        return read_routes(read_settings({"STILLWATCH_ROUTES": str(file), **more}))

    return run


def test_a_route_is_what_its_table_says(read):
    first, whole = read(GOOD).routes
    assert (first.prefix, first.strip, first.host, first.base) == (b"/openai", True, b"api.example.com", b"/v9")
    assert (first.dialect, whole.dialect) == (1, 0)
    assert (first.pool._connect_seconds, first.pool._idle_seconds) == (3, 30.5)
    assert (whole.pool._connect_seconds, whole.pool._idle_seconds) == (10, 900)
    assert (first.pool._server_name, whole.pool._server_name) == ("inner.example.com", None)
    assert (whole.prefix, whole.host, whole.base) == (b"", b"models:8000", b"")


def test_without_a_file_upstream_serves_every_path():
    (route,) = read_routes(read_settings({"UPSTREAM": "https://api.example.com/v9"})).routes
    assert (route.prefix, route.host, route.base) == (b"", b"api.example.com", b"/v9")


def test_upstream_serves_the_paths_that_the_file_leaves(read):
    only = '[[route]]\nprefix = "/a"\nupstream = "http://a"\n'
    assert [route.host for route in read(only, UPSTREAM="http://rest").routes] == [b"a", b"rest"]
    assert [route.host for route in read(only).routes] == [b"a"]
    assert b"rest" not in [route.host for route in read(GOOD, UPSTREAM="http://rest").routes]


def test_routes_to_one_origin_share_its_connections_unless_they_reach_it_differently(read):
    text = "".join(
        f'[[route]]\nprefix = "/{name}"\nupstream = "https://api.example.com/{name}"\n{more}\n'
        for name, more in (("a", ""), ("b", ""), ("c", "idle_seconds = 5"), ("d", "tls.verify = false"))
    )
    routes = {route.prefix: route.pool for route in read(text).routes}
    assert routes[b"/a"] is routes[b"/b"]
    assert len({id(pool) for pool in routes.values()}) == 3


def test_a_name_that_is_not_ascii_goes_out_as_punycode(read):
    assert (
        read('[[route]]\nprefix = "/"\nupstream = "https://bücher.example"\n').routes[0].host
        == b"xn--bcher-kva.example"
    )


ROUTE = '[[route]]\nprefix = "/a"\nupstream = "https://a"\n'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("not toml", "routes.toml"),
        ("", "routes.toml"),
        ("[route]\n", "routes.toml"),
        (ROUTE + "[other]\n", "routes.toml"),
        ('[[route]]\nupstream = "http://a"\n', "route 1, prefix"),
        ('[[route]]\nprefix = "a"\nupstream = "http://a"\n', "route 1, prefix"),
        ('[[route]]\nprefix = "/a b"\nupstream = "http://a"\n', "route 1, prefix"),
        ('[[route]]\nprefix = "/a?b"\nupstream = "http://a"\n', "route 1, prefix"),
        ('[[route]]\nprefix = "//"\nupstream = "http://a"\n', "route 1, prefix"),
        ("[[route]]\nprefix = 7\n", "route 1, prefix"),
        ('[[route]]\nprefix = "/a"\n', "route 1, upstream"),
        ('[[route]]\nprefix = "/a"\nupstream = "ftp://a"\n', "route 1, upstream"),
        ('[[route]]\nprefix = "/a"\nupstream = "http://u:hunter2@a"\n', "route 1, upstream"),
        ('[[route]]\nprefix = "/a"\nupstream = "http://[a"\n', "route 1, upstream"),
        (ROUTE + ROUTE, "route 2, prefix"),
        (ROUTE + ROUTE.replace('"/a"', '"/a/"'), "route 2, prefix"),
        (ROUTE + 'dialect = "bedrock"\n', "route 1, dialect"),
        (ROUTE + 'strip = "yes"\n', "route 1, strip"),
        (ROUTE + "idle_seconds = 0\n", "route 1, idle_seconds"),
        (ROUTE + "idle_seconds = nan\n", "route 1, idle_seconds"),
        (ROUTE + "connect_seconds = true\n", "route 1, connect_seconds"),
        (ROUTE + "timeout = 3\n", "route 1, timeout"),
        (ROUTE + "tls = 3\n", "route 1, tls"),
        (ROUTE + "[route.tls]\nverified = false\n", "route 1, tls.verified"),
        (ROUTE + '[route.tls]\nverify = "no"\n', "route 1, tls.verify"),
        (ROUTE + '[route.tls]\nmin_version = "1.1"\n', "route 1, tls.min_version"),
        (ROUTE + '[route.tls]\nca_file = "missing.pem"\n', "route 1, tls.ca_file"),
        (ROUTE + '[route.tls]\nca_file = "routes.toml"\n', "route 1, tls.ca_file"),
        (ROUTE + '[route.tls]\nclient_cert = "missing.pem"\n', "route 1, tls.client_cert"),
        (ROUTE + '[route.tls]\nclient_key = "routes.toml"\n', "route 1, tls.client_cert"),
        (ROUTE.replace("https", "http") + "[route.tls]\nverify = true\n", "route 1, tls"),
    ],
)
def test_a_wrong_value_is_named_by_file_table_and_key_with_the_remedy(read, text, key):
    with pytest.raises(SettingError) as caught:
        read(text)
    said = str(caught.value)
    assert caught.value.setting == "STILLWATCH_ROUTES"
    assert "routes.toml" in said
    assert key in said
    assert "Remedy: " in said
    assert "hunter2" not in said


def test_a_missing_file_and_nothing_to_front_are_said(tmp_path):
    with pytest.raises(SettingError, match="No such file"):
        read_routes(read_settings({"STILLWATCH_ROUTES": str(tmp_path / "none.toml")}))
    with pytest.raises(SettingError, match="UPSTREAM"):
        read_routes(read_settings({}))
