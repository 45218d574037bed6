"""Requests under decisions, end to end: each action in each dialect, live switching, and Redis away."""

from __future__ import annotations

import contextlib
import json
import threading
import time

import pytest

from app.gateway import conduct
from app.gateway.conduct import amend
from app.gateway.identify import client_of
from app.store import mode
from app.store.decisions import publish
from app.store.mode import Told

PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/m:generateContent",
}
SHAPES = {"openai": {"error"}, "anthropic": {"type", "error"}, "gemini": {"error"}}


@pytest.fixture
def stage(make_gateway, private_valkey, kit):
    """An enforcing gateway that follows a server of its own, and a function that decides about a key."""
    private_valkey.start()
    gateway = make_gateway(REDIS_URL=private_valkey.url, STILLWATCH_MODE="enforce")
    kit.until(lambda: gateway.counters()["decisions_connected"])
    return gateway, lambda *actions, **more: decide(private_valkey, kit, gateway, *actions, **more)


def entry(kit, action, key="marked", number=1, **changes):
    client = client_of(kit.SECRET.encode(), [(b"authorization", f"Bearer {key}".encode())], b"", "")
    now = time.time()
    base = {"id": f"dc_{action}_{number}", "client": client, "action": action, "simulated": False, "revoked": False}
    parameters = {"throttle": {"rate_per_minute": 1, "burst": 2}, "degrade": {"max_n": 1}}.get(action, {})
    return base | {"starts_at": now - 1, "expires_at": now + 600, "parameters": parameters} | changes


def decide(valkey, kit, gateway, *actions, **changes):
    """Publish decisions and wait until the gateway has heard them; returns the entries."""
    made = [entry(kit, action, **changes) for action in actions]
    with contextlib.closing(valkey.client()) as client:
        publish(client, made)
    ids = [item["id"] for item in made]
    wanted = not changes.get("revoked", False)
    kit.until(lambda: all((name in gateway.parts.table) is wanted for name in ids), "the decision at the gateway")
    return made


def ask(client, path="/v1/chat/completions", body=b"{}", key="marked"):
    client.request(path, body, f"Authorization: Bearer {key}", "Content-Type: application/json")
    found = client.response()
    return found.status, found.read(), found


def test_a_tag_goes_to_the_model_api_alone_and_cannot_be_forged(stage, model_api):
    gateway, make = stage
    make("tag")
    with gateway.client() as client:
        lines = (
            "Authorization: Bearer marked",
            "X-Stillwatch-Decision: forged",
            "X-Other: kept",
            "X_Stillwatch_Decision: f",
        )
        client.request("/v1/chat/completions", b"{}", *lines)
        found = client.response()
        assert (found.status, found.read(), found.getheader("x-stillwatch-decision")) == (200, b"{}", None)
        assert model_api.last().values("x-stillwatch-decision") == [b"dc_tag_1"]
        assert model_api.last().values("x-other") == [b"kept"]
        assert b"forged" not in model_api.last().head
        assert model_api.last().values("x_stillwatch_decision") == []
        client.request("/v1/chat/completions", b"{}", "Authorization: Bearer other", "X-STILLWATCH-decision: forged")
        assert client.response().read() == b"{}"
        assert model_api.last().values("x-stillwatch-decision") == []
    assert gateway.counters()["acted_tag"] == 1


@pytest.mark.parametrize("dialect", PATHS)
def test_a_block_in_the_shape_of_the_dialect(stage, model_api, kit, dialect):
    gateway, make = stage
    make("block")
    sink = kit.Sink(gateway.settings.handoff)
    with gateway.client() as client:
        for _ in range(2):  # the connection stays
            status, body, found = ask(client, PATHS[dialect], b'{"model": "m"}')
            assert (status, json.loads(body).keys()) == (403, SHAPES[dialect])
            assert found.getheader("content-type") == "application/json"
        assert ask(client, key="other")[0] == 200
    assert len(model_api.seen) == 1
    copy = sink.copy(PATHS[dialect].encode())
    assert (copy.status, copy.outcome, copy.request_body, copy.response_bytes) == (403, 5, b'{"model": "m"}', 0)
    gateway.stop()  # before the sink, which would leave its connection open
    sink.stop()
    assert (gateway.counters()["requests_rejected"], gateway.counters()["acted_block"]) == (2, 2)


DISGUISES = {
    "white space behind it": ("/v1/messages", ["x-api-key: marked \t"]),
    "white space before it": ("/v1/chat/completions", ["Authorization: Bearer\t marked"]),
    "an underscore in its header's name": ("/v1/messages", ["x_api_key: marked"]),
    "a credential that stops here": (
        "/v1/messages",
        ["Connection: authorization", "Authorization: Bearer other", "x-api-key: marked"],
    ),
    "one that the model API does not read": ("/v1/messages", ["Authorization: Bearer other", "x-api-key: marked"]),
    "the other way round": ("/v1/chat/completions", ["Authorization: Bearer marked", "x-api-key: other"]),
    "at a path that says nothing": ("/v1/models", ["Authorization: Bearer other", "x-api-key: marked"]),
    "one of them in the query": ("/v1beta/models/m:generateContent?key=marked", ["Authorization: Bearer other"]),
    "a parameter's name in capitals": ("/v1beta/models/m:generateContent?KEY=other&key=marked", []),
    "another parameter before it": ("/v1beta/models/m:generateContent?api-key=other&key=marked", []),
    "a parameter behind a semicolon": ("/v1beta/models/m:generateContent?x=1;key=other&key=marked", []),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_disguise_of_a_blocked_key_reaches_the_model_api(stage, model_api, disguise):
    gateway, make = stage
    make("block")
    target, lines = DISGUISES[disguise]
    with gateway.client() as client:
        for _ in range(2):  # the second is served from memory
            assert client.ask(target, b"{}", *lines)[0] == 403
    assert model_api.seen == []
    assert gateway.counters()["acted_block"] == 2


@pytest.mark.parametrize(
    ("target", "lines"),
    [
        ("/v1/messages", ["x-api-key: other", "x-api-key: marked"]),
        ("/v1/chat/completions", ["Authorization: Bearer other", "authorization: Bearer marked"]),
        ("/v1beta/models/m:generateContent?key=other&key=marked", []),
    ],
)
def test_a_credential_that_is_there_twice_is_refused(stage, model_api, target, lines):
    gateway, _ = stage
    with gateway.client() as client:
        status, body = client.ask(target, b"{}", *lines)
        assert (status, json.loads(body)["error"]["code"]) == (400, "ambiguous_credential")
    assert model_api.seen == []
    gateway.parts.switch(Told("bypass", 1))
    with gateway.client() as client:
        assert client.ask(target, b"{}", *lines)[0] == 200  # nobody is named there


@pytest.mark.parametrize("dialect", PATHS)
def test_a_throttle_lets_the_burst_through_and_says_when_to_come_back(stage, model_api, dialect):
    gateway, make = stage
    make("throttle")
    with gateway.client() as client:
        found = [ask(client, PATHS[dialect]) for _ in range(4)]
    assert [status for status, _, _ in found] == [200, 200, 429, 429]
    assert json.loads(found[2][1]).keys() == SHAPES[dialect]
    assert 30 <= int(found[2][2].getheader("retry-after")) <= 60
    assert len(model_api.seen) == 2
    assert gateway.counters()["acted_throttle"] == 2


def test_a_large_refused_request_still_reads_its_refusal(stage):
    gateway, make = stage
    make("block")
    with gateway.client() as client:
        assert ask(client, body=b"x" * 900_000)[0] == 403
        assert ask(client)[0] == 403  # over the same connection
    with gateway.client() as client:
        client.request("/v1/x", b"", "Authorization: Bearer marked", "Content-Length: 9", "Expect: 100-continue")
        found = client.response()
        assert (found.status, found.getheader("connection")) == (403, "close")


def test_a_refused_request_whose_body_dawdles_is_refused_all_the_same(stage, monkeypatch, kit):
    monkeypatch.setattr(conduct, "DRAIN_SECONDS", 0.2)
    gateway, make = stage
    make("block")
    with gateway.client() as client:
        client.request("/v1/x", b"", "Authorization: Bearer marked", "Content-Length: 9")
        client.send(b"x")
        found = client.response()
        assert (found.status, found.getheader("connection")) == (403, "close")
    kit.until(lambda: gateway.counters()["in_flight"] == 0)


def test_decisions_hold_for_websockets_from_the_handshake(stage, model_api):
    gateway, make = stage
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Authorization: Bearer marked")

    def agree(seen, wire):
        wire.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        wire.send(wire.exactly(2))

    model_api.behaviour = agree
    make("tag", "degrade")
    with gateway.client() as client:
        client.request("/v1/realtime", b"", *upgrade)
        assert client.sock.recv(4096).startswith(b"HTTP/1.1 101")
        client.send(b"hi")
        assert client.sock.recv(4096) == b"hi"
    assert model_api.last().values("x-stillwatch-decision") == [b"dc_tag_1"]
    make("block")
    with gateway.client() as client:
        client.request("/v1/realtime", b"", *upgrade)
        found = client.response()
        assert (found.status, found.getheader("connection")) == (403, "close")
        assert json.loads(found.read())["error"]["code"] == "access_denied"
    assert len(model_api.seen) == 1


@pytest.mark.parametrize(
    ("action", "status", "error"), [("block", 403, "PermissionDeniedError"), ("throttle", 429, "RateLimitError")]
)
def test_the_official_clients_raise_their_own_errors(stage, action, status, error):
    import anthropic  # seconds, which only this test needs
    import openai

    openai_error, anthropic_error = getattr(openai, error), getattr(anthropic, error)
    gateway, make = stage
    nothing_left = {"parameters": {"rate_per_minute": 1, "burst": 1}} if action == "throttle" else {}
    make(action, **nothing_left)
    url = f"http://127.0.0.1:{gateway.port}"
    ask_ = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    if action == "throttle":
        with gateway.client() as client:
            assert ask(client)[0] == 200
    with openai.OpenAI(base_url=f"{url}/v1", api_key="marked", max_retries=0) as client:
        with pytest.raises(openai_error) as raised:
            client.chat.completions.create(**ask_)
        assert raised.value.status_code == status
        assert raised.value.body["code"] in ("access_denied", "rate_limit_exceeded")
        with pytest.raises(openai_error):
            client.chat.completions.create(**ask_, stream=True)
    with anthropic.Anthropic(base_url=url, auth_token="marked", max_retries=0) as client:
        with pytest.raises(anthropic_error) as raised:
            client.messages.create(**ask_, max_tokens=5)
        assert raised.value.body["error"]["type"] in ("permission_error", "rate_limit_error")


def test_googles_client_reads_its_error(stage):
    from google import genai
    from google.genai.errors import ClientError

    gateway, make = stage
    client_id = client_of(gateway.settings.secret.encode(), [(b"x-goog-api-key", b"marked")], b"", "")
    make("block", client=client_id)
    options = {"base_url": f"http://127.0.0.1:{gateway.port}"}
    client = genai.Client(api_key="marked", http_options=options)
    with pytest.raises(ClientError) as raised:
        client.models.generate_content(model="m", contents="hi")
    assert (raised.value.code, raised.value.status) == (403, "PERMISSION_DENIED")
    client.close()


def test_simulated_ones_and_unknown_ones_change_no_answer(stage, model_api):
    gateway, make = stage
    make("block", "throttle", "tag", "degrade", simulated=True)
    make("vanish")
    body = b'{"n": 8}'
    with gateway.client() as client:
        assert [ask(client, body=body)[:2] for _ in range(4)] == [(200, body)] * 4
    assert model_api.last().values("x-stillwatch-decision") == []
    counters = gateway.counters()
    assert [counters[f"would_have_{action}"] for action in ("block", "throttle", "tag", "degrade")] == [4, 2, 4, 4]
    assert counters["decisions_unknown"] == 4
    assert not any(counters[f"acted_{action}"] for action in ("block", "throttle", "tag", "degrade"))


def test_a_revocation_takes_effect_within_two_seconds(stage):
    gateway, make = stage
    make("block")
    with gateway.client() as client:
        assert ask(client)[0] == 403
        make("block", revoked=True)  # waits no longer than two seconds
        assert ask(client)[0] == 200


def test_while_redis_is_away_decisions_act_and_end_on_time(stage, private_valkey, kit):
    gateway, make = stage
    (made,) = make("block", expires_at=time.time() + 2.5)
    private_valkey.kill()
    kit.until(lambda: not gateway.counters()["decisions_connected"])
    with gateway.client() as client:
        assert ask(client)[0] == 403
        kit.until(lambda: ask(client)[0] == 200, "the decision's end")
    assert -0.1 <= time.time() - made["expires_at"] < 2
    assert gateway.parts.mode == "enforce"


def test_switching_under_traffic_fails_no_request(stage, private_valkey, kit, model_api):
    gateway, make = stage
    make("block", key="blocked")
    done, statuses, wrong = threading.Event(), set(), []

    def traffic(key, allowed):
        with gateway.client() as client:
            while not done.is_set():
                status, body, _ = ask(client, body=b'{"n": %d}' % len(statuses), key=key)
                statuses.add((key, status))
                if status not in allowed:
                    wrong.append((key, status, body))

    threads = [threading.Thread(target=traffic, args=("innocent", {200}), daemon=True) for _ in range(3)]
    threads.append(threading.Thread(target=traffic, args=("blocked", {200, 403}), daemon=True))
    for thread in threads:
        thread.start()
    with contextlib.closing(private_valkey.client()) as client:
        for version, name in enumerate(("observe", "bypass", "enforce", "bypass", "observe", "enforce"), 1):
            statuses.clear()
            mode.publish(client, Told(name, version))
            began = time.monotonic()
            kit.until(lambda: gateway.parts.mode == name, f"the mode {name}")  # noqa: B023
            wanted = 403 if name == "enforce" else 200
            kit.until(lambda: {("blocked", wanted), ("innocent", 200)} <= statuses)  # noqa: B023
            assert time.monotonic() - began < 30
    done.set()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    told = gateway.counters()
    assert (told["faults"], told["mode"], told["mode_version"]) == (0, 2, 6)


def test_a_connection_begun_in_bypass_is_watched_after_the_switch(make_gateway, private_valkey, kit, model_api):
    private_valkey.start()
    gateway = make_gateway(REDIS_URL=private_valkey.url, STILLWATCH_MODE="bypass")
    kit.until(lambda: gateway.counters()["decisions_connected"])
    sink = kit.Sink(gateway.settings.handoff)
    with gateway.client() as client, contextlib.closing(private_valkey.client()) as server:
        for number in range(3):
            assert ask(client, "/v1/same", b"x" * (number + 1))[:2] == (200, b"x" * (number + 1))
        mode.publish(server, Told("observe", 1))
        kit.until(lambda: gateway.parts.mode == "observe")
        kit.until(lambda: gateway.parts.sender.connected)
        for number in range(3, 12):
            assert ask(client, "/v1/same", b"x" * (number + 1))[:2] == (200, b"x" * (number + 1))
    kit.until(lambda: len(sink.copies(b"/v1/same")) == 9)
    assert [copy.request_bytes for copy in sink.copies(b"/v1/same")] == list(range(4, 13))
    assert len({copy.client for copy in sink.copies(b"/v1/same")} - {0}) == 1
    gateway.stop()  # before the sink, which would leave its connection open
    sink.stop()


def test_status_and_metrics_say_what_is_done(stage):
    gateway, make = stage
    make("block")
    with gateway.client() as client:
        ask(client)
        told = json.loads(client.ask("/_stillwatch/status")[1])
        text = client.ask("/_stillwatch/metrics")[1].decode()
    assert (told["mode"], told["mode_version"], told["counters"]["decisions"]) == ("enforce", 0, 1)
    assert 'stillwatch_gateway_acted_total{action="block"} 1.0' in text
    assert "stillwatch_gateway_mode 2.0" in text
    assert "dc_block" not in text


class Opening:
    """As much of a plan as amending looks at."""

    def __init__(self, before, after):
        self.opening = (before, after)


@pytest.mark.parametrize("after", [b"\r\nAccept-Encoding: gzip\r\nx: y\r\n\r\n", b"\r\n\r\n", b""])
def test_amending_touches_nothing_else(after):
    head = b"POST /v1 HTTP/1.1\r\nhost: h\r\naccept-encoding:br\r\nContent-Length: "
    plan = Opening(head, after)
    made = amend(plan, b"dc_1", identity=True)
    assert made.opening[0] == (
        b"POST /v1 HTTP/1.1\r\nx-stillwatch-decision: dc_1\r\naccept-encoding: identity\r\nhost: h\r\nContent-Length: "
    )
    assert made.opening[1] == after.replace(b"Accept-Encoding: gzip\r\n", b"")
    assert plan.opening == (head, after)
    assert amend(plan, b"", identity=False) is plan
