"""The gateway's own endpoints, and that nothing else is its own."""

from __future__ import annotations

import json
import time

import pytest

from app.errors import SettingError
from app.gateway.app import create_gateway_app
from app.settings import read_settings


def test_the_endpoints(gateway, client, kit):
    kit.until(lambda: gateway.parts.sender.connected)
    assert json.loads(client.ask("/_stillwatch/livez")[1]) == {"status": "ok"}
    status, body = client.ask("/_stillwatch/readyz")
    assert (status, json.loads(body)) == (
        200,
        {"status": "ready", "mode": "observe", "extractor": "connected", "redis": "off"},
    )
    told = json.loads(client.ask("/_stillwatch/status")[1])
    assert told["counters"].keys() == gateway.counters().keys()
    status, body = client.ask("/_stillwatch/nothing")
    assert (status, json.loads(body)["error"]["code"]) == (404, "not_found")
    assert client.ask("/_stillwatch/livez", b"x")[0] == 405


def test_metrics_name_every_counter_and_no_client(gateway, client):
    client.ask("/metrics-test", b"x", "Authorization: Bearer k")
    text = client.ask("/_stillwatch/metrics")[1].decode()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    for name in ("requests_total", "in_flight", "handoff_dropped_total", "upstream_reused_total", "would_have_total"):
        assert f"stillwatch_gateway_{name}" in names
    assert 'stillwatch_gateway_requests_total{outcome="ok"}' in text
    assert "cl_" not in text


def test_counters_go_to_the_extractor(gateway, client, sink, kit):
    client.ask("/counted", b"x")
    kit.until(lambda: sink.counters() and sink.counters()[-1].values["requests_ok"] >= 1)
    assert sink.counters()[-1].values.keys() == gateway.counters().keys()


def test_its_start_goes_to_the_extractor(gateway, sink, kit):
    kit.until(lambda: len(sink.counters()) > 1)
    (started,) = {one.started for one in sink.counters()}
    assert time.time() - 3600 < started < time.time()


@pytest.mark.parametrize("target", ["/", "/docs", "/openapi.json", "/redoc", "/livez", "/metrics", "/_stillwatch"])
def test_every_other_path_is_the_model_apis(model_api, client, target):
    assert client.ask(target, b"x") == (200, b"x")
    assert model_api.last().target == target.encode()


@pytest.mark.parametrize(("settings", "name"), [({}, "UPSTREAM")])
def test_what_is_missing_is_named(settings, name, tmp_path):
    with pytest.raises(SettingError, match=name):
        create_gateway_app(read_settings({"STILLWATCH_DATA": str(tmp_path), **settings}))


def test_case_60_requests_pass_and_decisions_come_back_when_redis_does(make_gateway, private_valkey, kit):
    gateway = make_gateway(REDIS_URL=private_valkey.url)
    with gateway.client() as client:
        assert client.ask("/no-redis", b"x") == (200, b"x")
        assert json.loads(client.ask("/_stillwatch/readyz")[1])["redis"] == "away"
        private_valkey.start()
        kit.until(lambda: gateway.counters()["decisions_connected"])
        private_valkey.pause()
        kit.until(lambda: not gateway.counters()["decisions_connected"])
        began = time.monotonic()
        assert client.ask("/paused", b"x") == (200, b"x")
        assert time.monotonic() - began < 5
        private_valkey.resume()
        kit.until(lambda: gateway.counters()["decisions_connected"], seconds=60)


def test_an_absent_extractor_costs_no_request_and_is_shown(make_gateway, kit):
    gateway = make_gateway(STILLWATCH_CHANNEL_BYTES=str(1 << 20), STILLWATCH_COPY_BYTES=str(1 << 20))
    with gateway.client() as client:
        for _ in range(5):
            assert client.ask("/away", b"x" * 300_000)[0] == 200
        assert json.loads(client.ask("/_stillwatch/readyz")[1])["extractor"] == "away"
    kit.until(lambda: gateway.counters()["handoff_dropped"] == 4)
