"""Routes: the longest prefix wins, at a slash; what goes on; several model APIs behind one gateway."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.gateway.routes import Route, Router
from app.gateway.upstream import Pool

POOL = Pool("http://up:1", 5, 900)
PREFIXES = (b"", b"/openai", b"/openai/v1", b"/a", b"/a/b/c", b"/aa")


def _route(prefix, *, strip=False, base=b""):
    return Route(prefix, strip, b"up:1", base, 0, POOL)


ROUTER = Router([_route(prefix) for prefix in PREFIXES])


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        (b"/", b""),
        (b"*", b""),
        (b"/openai", b"/openai"),
        (b"/openai?x=/v1", b"/openai"),
        (b"/openai/v1", b"/openai/v1"),
        (b"/openai/v1/chat", b"/openai/v1"),
        (b"/openai/v12", b"/openai"),
        (b"/openaix/v1", b""),
        (b"/OpenAI/v1", b""),
        (b"/%6fpenai/v1", b""),
        (b"/a/b", b"/a"),
        (b"/aa/b/c", b"/aa"),
    ],
)
def test_the_longest_prefix_at_a_slash_wins(path, prefix):
    route = ROUTER.find(path)
    assert route is not None
    assert route.prefix == prefix


@settings(deadline=None, derandomize=True)
@given(st.text("/ab?openi1v", max_size=20))
def test_what_is_found_is_a_prefix_and_no_longer_one_fits(path):
    path = b"/" + path.encode()
    fitting = [p for p in PREFIXES if path == p or path.startswith((p + b"/", p + b"?"))]
    found = ROUTER.find(path)
    assert found is not None
    assert found.prefix == max(fitting, key=len, default=b"")


@pytest.mark.parametrize(
    ("prefix", "strip", "base", "path", "target"),
    [
        (b"", False, b"", b"/v1?x=1", b"/v1?x=1"),
        (b"", False, b"/base", b"/v1", b"/base/v1"),
        (b"", False, b"/base", b"*", b"*"),
        (b"/o", False, b"", b"/o/v1", b"/o/v1"),
        (b"/o", True, b"", b"/o/v1%2F//x?y", b"/v1%2F//x?y"),
        (b"/o", True, b"", b"/o", b"/"),
        (b"/o", True, b"", b"/o?key=1", b"/?key=1"),
        (b"/o", True, b"/base", b"/o?key=1", b"/base?key=1"),
        (b"/o", True, b"/base", b"/o/", b"/base/"),
    ],
)
def test_the_target_that_goes_on(prefix, strip, base, path, target):
    assert _route(prefix, strip=strip, base=base).target(path) == target


def test_without_a_route_for_every_path_a_request_may_have_none():
    router = Router([_route(b"/a")])
    assert router.find(b"/b") is None
    assert router.unmatched == 1


def test_two_routes_may_share_a_pool_and_count_it_once():
    POOL.opened = 3
    assert Router([_route(b"/a"), _route(b"/b")]).opened == 3


@pytest.fixture
def two_apis(make_gateway, model_api, kit, tmp_path):
    """A gateway with the route /one to the shared model API and /two to another; nothing else."""
    other = type(model_api)()
    other.behaviour = lambda seen, wire: wire.send(kit.answer(b"the other: " + seen.read_body(wire)))
    file = tmp_path / "routes.toml"
    file.write_text(
        f'[[route]]\nprefix = "/one"\nupstream = "http://127.0.0.1:{model_api.port}/base"\ndialect = "gemini"\n'
        f'[[route]]\nprefix = "/two/"\nupstream = "http://127.0.0.1:{other.port}"\nstrip = true\n'
    )
    gateway = make_gateway(STILLWATCH_ROUTES=str(file), UPSTREAM="")
    yield gateway, other
    other.close()


def test_a_connection_reaches_several_model_apis_in_turn(two_apis, model_api):
    gateway, other = two_apis
    with gateway.client() as client:
        for _ in range(2):
            assert client.ask("/one/v1", b"x") == (200, b"x")
            assert client.ask("/two/v1?a=b", b"x") == (200, b"the other: x")
    assert {seen.target for seen in model_api.seen} == {b"/base/one/v1"}
    assert {seen.target for seen in other.seen} == {b"/v1?a=b"}
    assert other.last().values("host") == [f"127.0.0.1:{other.port}".encode()]
    counters = gateway.counters()
    assert (counters["upstream_opened"], counters["upstream_reused"]) == (2, 2)


def test_case_59_no_header_chooses_the_model_api(two_apis, model_api):
    gateway, other = two_apis
    with gateway.client() as client:
        client.ask("/one/v1", b"x", f"X-Forwarded-Host: 127.0.0.1:{other.port}", "X-Original-URL: /two/v1")
        client.send(f"GET http://127.0.0.1:{other.port}/one/v2 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.response().read() == b""
    assert model_api.last().target == b"/base/one/v2"
    assert not other.seen


def test_a_path_without_a_route_is_404_with_the_remedy_and_counted(two_apis, model_api):
    gateway, other = two_apis
    with gateway.client() as client:
        status, body = client.ask("/three/v1", b"x")
        error = json.loads(body)["error"]
        assert (status, error["code"]) == (404, "no_route")
        assert "have a route added" in error["message"]
    assert (gateway.counters()["unrouted"], gateway.counters()["requests_rejected"]) == (1, 1)
    assert [*model_api.seen, *other.seen] == []


def test_the_copy_says_what_the_routes_model_api_speaks(two_apis, kit):
    gateway, _ = two_apis
    sink = kit.Sink(gateway.settings.handoff)
    with gateway.client() as client:
        client.ask("/one/v1", b"x")
        client.ask("/two/v1", b"x")
    assert (sink.copy(b"/one/v1").dialect, sink.copy(b"/two/v1").dialect) == (3, 0)
    gateway.stop()
    sink.stop()


def test_each_route_has_its_own_limit_on_silence(make_gateway, model_api, kit, tmp_path):
    model_api.behaviour = lambda seen, wire: (seen.read_body(wire), wire.gone_within(10))
    file = tmp_path / "routes.toml"
    file.write_text(
        f'[[route]]\nprefix = "/quick"\nupstream = "http://127.0.0.1:{model_api.port}"\nidle_seconds = 1\n'
        f'[[route]]\nprefix = "/"\nupstream = "http://127.0.0.1:{model_api.port}"\n'
    )
    gateway = make_gateway(STILLWATCH_ROUTES=str(file), STILLWATCH_MODE="bypass")
    with gateway.client() as slow, gateway.client() as client:
        slow.request("/patient", b"x")
        status, body = client.ask("/quick", b"x")
        assert (status, json.loads(body)["error"]["code"]) == (504, "upstream_timeout")
        kit.until(lambda: gateway.counters()["in_flight"] == 1)
