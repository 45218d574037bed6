"""Secrets (case 56): canaries in every carrier, through gateway, extractor and Redis, are found in no sink."""

from __future__ import annotations

import base64
import contextlib
import signal
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest
import redis

ROOT = Path(__file__).parents[2]
# One word in each, which is in no code and no log by itself; each carrier has its own, so that a hit names its leak.
CARRIERS = (
    "bearer",
    "basic",
    "apikey",
    "azurekey",
    "googkey",
    "query",
    "escaped",
    "cookie",
    "setcookie",
    "proxy",
    "body",
)
CARRIERS += ("answer", "errorbody", "userfield", "bodykey", "access", "badrequest", "header")


def canary(carrier):
    return f"zanzibar{carrier}kestrel"


WORDS = {carrier: canary(carrier) for carrier in CARRIERS}


def forms(word):
    """A secret as it stands and as it is often written."""
    raw = word.encode()
    yield raw
    yield base64.b64encode(raw).rstrip(b"=")
    yield base64.b64encode(b"user:" + raw).rstrip(b"=")[:-4]
    yield raw.hex().encode()
    yield urllib.parse.quote(word).encode()


def leaks(sink):
    """The carriers whose secret is in `sink`."""
    lower = sink.lower()
    return [name for name, word in WORDS.items() for form in forms(word) if form in sink or form.lower() in lower]


def test_the_search_finds_what_is_there():
    assert leaks(b"x " + canary("query").encode()) != []
    assert leaks(base64.b64encode(canary("cookie").encode())) != []
    assert leaks(b"nothing") == []


@pytest.fixture
def extractor(private_valkey, tmp_path, wire):
    """Starts a real extractor for a gateway; its log is a file."""
    started = []

    def start(gateway, url):
        log = (gateway.folder / "extractor.log").open("wb")
        environment = {**gateway.environment, "REDIS_URL": url}
        started.append(
            subprocess.Popen([sys.executable, "-m", "app.cli", "extractor"], cwd=ROOT, env=environment, stderr=log)
        )
        log.close()
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def requests(wire):
    """One request for each carrier, and the ways in which requests fail."""
    word = {name: value.encode() for name, value in WORDS.items()}
    basic = base64.b64encode(b"user:" + word["basic"])
    chat = b'{"model": "m", "user": "%b", "api_key": "%b", "messages": [{"role": "user", "content": "%b"}]}'
    chat %= (word["userfield"], word["bodykey"], word["body"])
    chat_path, gemini = b"/v1/chat/completions", b"/v1beta/models/m:generateContent"
    yield wire.request("POST", chat_path, chat, b"Authorization: Bearer " + word["bearer"])
    yield wire.request("POST", chat_path, chat, b"authorization: Basic " + basic)
    yield wire.request("POST", b"/v1/messages", chat, b"X-Api-Key: " + word["apikey"])
    yield wire.request(
        "POST", b"/openai/deployments/d/chat/completions?api-version=1", chat, b"api-key: " + word["azurekey"]
    )
    yield wire.request("POST", gemini, chat, b"x-goog-api-key: " + word["googkey"])
    yield wire.request("POST", gemini + b"?alt=sse&key=" + word["query"], chat)
    escaped = b"".join(b"%%%02X" % byte for byte in word["escaped"])
    yield wire.request("POST", gemini + b"?k%65y=" + escaped, chat)
    yield wire.request("GET", b"/v1/models?access_token=" + word["access"])
    yield wire.request("POST", chat_path, chat, b"Cookie: session=" + word["cookie"])
    yield wire.request("POST", chat_path, chat, b"Proxy-Authorization: Basic " + word["proxy"])
    yield wire.request("POST", b"/upstream-dies", chat, b"Authorization: Bearer " + word["bearer"])
    yield wire.request("POST", b"/upstream-errs", chat, b"Authorization: Bearer " + word["bearer"])
    yield wire.request("POST", b"/upstream-lies", chat, b"Authorization: Bearer " + word["bearer"])
    secrets = [b"Authorization: Bearer " + word["bearer"], b"X-Secret: " + word["header"]]
    yield wire.request("POST", b"/v1/x?key=" + word["query"], chat, *secrets, host=b"X: " + word["badrequest"])
    yield wire.request("POST", b"/v1/x?key=" + word["query"], chat, b"Bad Name: " + word["badrequest"])
    yield wire.request(
        "GET", b"/v1/realtime?key=" + word["query"], None, *secrets, b"Connection: upgrade", b"Upgrade: websocket"
    )
    yield wire.request("GET", b"/_stillwatch/status?key=" + word["query"], None, *secrets)
    yield wire.request("GET", b"/_stillwatch/none?key=" + word["query"], None, *secrets)


@pytest.mark.parametrize("level", ["debug", "info"])
def test_case_56_canaries_in_every_carrier_are_found_in_no_sink(
    another, upstream, wire, private_valkey, extractor, level
):
    answer = b'{"model": "m", "choices": [{"message": {"content": "%b"}}]}' % canary("answer").encode()
    cookie = b"Set-Cookie: s=" + canary("setcookie").encode()

    def script(link, asked):
        link.body(asked)
        if asked.target == b"/upstream-dies":
            link.send(wire.chunked_head(), wire.chunk(answer))
            link.reset()
        elif asked.target == b"/upstream-errs":
            link.send(wire.plain(canary("errorbody").encode(), cookie, status=b"401 Unauthorized"))
        elif asked.target == b"/upstream-lies":
            link.send(b"HTTP/1.1 200 OK\r\nX: " + canary("errorbody").encode() + b"\r\nContent-Length: x\r\n\r\n")
        else:
            link.send(wire.plain(answer, cookie))

    upstream.script = script
    private_valkey.start()
    gateway = another(REDIS_URL=private_valkey.url, STILLWATCH_LOG_LEVEL=level)
    process = extractor(gateway, private_valkey.url)
    wire.eventually(lambda: b'"extractor":"connected"' in gateway.own("readyz").body, "a connected extractor", 60)
    sent = list(requests(wire))
    answers = []
    for data in sent:
        with gateway.client() as client, contextlib.suppress(EOFError, ConnectionResetError):
            client.send(data)
            answers.append(client.answer())
    wire.eventually(lambda: gateway.counters()["handoff_sent"] >= len(sent) - 3, "handed-off copies")
    own = [gateway.own(name).body for name in ("metrics", "status", "readyz", "livez")]
    made = [answer.head + answer.body for answer in answers if answer.code]
    with redis.Redis.from_url(private_valkey.url) as client:
        wire.eventually(lambda: events(client) >= len(sent) - 3, "events in Redis")
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
        client.config_set("rdbcompression", "no")  # a compressed dump would hide what is in it
        dump = b"".join(client.dump(key) + key for key in client.keys("*"))
        assert client.keys("*")
    assert gateway.stop() == 0
    logs = {path.name: path.read_bytes() for path in gateway.folder.rglob("*") if path.is_file()}
    assert logs["gateway.log"]
    assert (b"message=request" in logs["gateway.log"]) == (level == "debug")
    sinks = {"redis": dump, "made answers": b"".join(made), "own": b"".join(own), **logs}
    assert {name: leaks(sink) for name, sink in sinks.items() if leaks(sink)} == {}
    assert [asked for asked in upstream.asked if leaks(asked.head)]  # they were really on their way


def events(client):
    """Blocks' events in all streams, by their own count."""
    return sum(int(fields.get(b"n", 0)) for key in client.keys("*:events") for _, fields in client.xrange(key))


def test_case_56_copies_are_free_of_credentials_before_they_leave_the_gateway(gateway, copies, upstream, wire):
    upstream.says(wire.plain(b"{}", b"Set-Cookie: s=" + canary("setcookie").encode()))
    sent = [data for data in requests(wire) if data.startswith((b"POST /v1", b"GET /v1"))]
    for data in sent:
        gateway.ask(data)
    wire.eventually(lambda: len(copies.copies) >= len(sent) - 1, "copies")
    carried = {
        "bearer",
        "basic",
        "apikey",
        "azurekey",
        "googkey",
        "query",
        "escaped",
        "cookie",
        "setcookie",
        "proxy",
        "access",
    }
    for copy in copies.copies:
        text = copy.target + repr((copy.request_headers, copy.response_headers)).encode()
        assert not carried & set(leaks(text)), text
