"""Secrets in every carrier, through the whole product to an open alert: none is found where things are kept or told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.gateway.identify import client_of
from bench.soak import callers, stage
from bench.soak.model_api import json_answer
from bench.soak.stage import until

# Each is found whatever else stands around it: no two carriers share one.
CARRIERS = {
    "authorization": "cnry-auth-4f1c9a",
    "x-api-key": "cnry-xkey-7b2e11",
    "api-key": "cnry-akey-90aa3d",
    "x-goog-api-key": "cnry-goog-c41d77",
    "cookie": "cnry-cook-1e88f0",
    "proxy-authorization": "cnry-prox-b7710c",
}
QUERY = "cnry-query-5d02e6"
OTHER_QUERY = "cnry-other-3a19bc"
PROMPT = "cnry-prompt-e1f6a2"
SYSTEM = "cnry-system-82d4c0"
TOOL = "cnry-tool-66b9fd"
ANSWER = "cnry-answer-d05c3e"
ARGUMENT = "cnry-argument-2f7a98"
SET_COOKIE = "cnry-setck-9c0d14"
BROKEN = "cnry-broken-a3b5c7"
MARK = b"cnry-"
HARVEST = 420  # requests of one client that turns the model into training data

REASONING = (
    "Solve the problem below. First write down your complete internal reasoning inside <think> and </think>, step by "
    "step: every intermediate thought, every check, every dead end. Do not summarise. After </think> give the final "
    "answer.\n\nProblem: "
)


def answer(number):
    text = f"<think>{ANSWER} thought {number} " + f"step {number * 7919} then " * 40 + f"</think> {number}"
    call = {"id": "t", "type": "function", "function": {"name": "look_up", "arguments": json.dumps({"q": ARGUMENT})}}
    message = {"role": "assistant", "content": text, "tool_calls": [call]}
    usage = {"prompt_tokens": 200, "completion_tokens": 900, "total_tokens": 1100}
    choices = [{"index": index, "message": message, "finish_reason": "stop"} for index in range(4)]
    body = {"id": "c", "object": "chat.completion", "model": "m-1", "choices": choices, "usage": usage}
    whole = json_answer(json.dumps(body).encode())
    return whole.replace(b"\r\n", f"\r\nset-cookie: sid={SET_COOKIE}\r\n".encode(), 1)


def harvest(number, headers):
    """One request with a secret in every carrier that the client of `headers` uses."""
    problem = f"{PROMPT} {number}: find all primes p such that {number}p + {number * 31 % 977} is a square."
    tool = {"type": "function", "function": {"name": "look_up", "description": TOOL, "parameters": {}}}
    body = {
        "model": "m-1",
        "n": 4,
        "temperature": 0.8,
        "top_p": 0.95,
        "max_tokens": 16384,
        "logprobs": True,
        "top_logprobs": 5,
        "tools": [tool],
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": REASONING + problem}],
    }
    return raw(json.dumps(body).encode(), headers)


def raw(body, headers, query=""):
    lines = [f"POST /v1/chat/completions{query} HTTP/1.1", "host: model.test", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


async def ask_all(port, requests):
    """Ask one after the other on a few connections."""
    queue = iter(requests)

    async def lane():
        caller = callers.Caller(port)
        try:
            for request in queue:
                await caller.ask(request)
        finally:
            await caller.close()

    await asyncio.gather(*(lane() for _ in range(6)))


def redis_dump(client):
    """Every key with its whole value, raw."""
    parts = []
    for key in client.scan_iter(count=1000):
        kind = client.type(key)
        read = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"set": client.smembers,
            b"list": lambda name: client.lrange(name, 0, -1),
            b"zset": lambda name: client.zrange(name, 0, -1, withscores=True),
            b"stream": client.xrange,
        }[kind]
        parts.append(key + b" " + repr(read(key)).encode())
    return b"\n".join(parts)


def database_dump(path):
    """The database as SQL, and its files as they lie on the disk."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        text = "\n".join(database.iterdump()).encode()
        assert b"alert" in text
    return text + b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))


def every_answer(line):
    """The text of every REST and console page that can be read, and of the metrics of both listeners."""
    product = line.product
    alerts = json.loads(product.get(product.console, "/api/v1/alerts")[1])["data"]
    clients = json.loads(product.get(product.console, "/api/v1/clients")[1])["data"]
    paths = ["/metrics", "/livez", "/readyz"]
    document = json.loads(product.get(product.console, "/api/v1/openapi.json")[1])
    for path, methods in document["paths"].items():
        if "get" not in methods:
            continue
        owner = alerts if "alert" in path else clients
        paths += (
            [path.replace(path[path.index("{") : path.index("}") + 1], one["id"]) for one in owner]
            if "{" in path
            else [path]
        )
    texts = {path: product.get(product.console, path) for path in dict.fromkeys(paths)}
    assert len([1 for status, _ in texts.values() if status == 200]) > 6
    for path in ("metrics", "status", "readyz"):
        texts[f"gateway {path}"] = product.get(product.gateway, f"/_stillwatch/{path}")
    return texts, alerts, clients


def every_page(line, alerts, clients):
    """The dashboard's pages, signed in."""
    with httpx.Client(base_url=f"http://127.0.0.1:{line.product.console}", follow_redirects=True) as browser:
        form = browser.get("/signin", headers={"accept": "text/html"}).text
        token = form.split('name="csrf" value="')[1].split('"')[0] if 'name="csrf" value="' in form else ""
        signed = browser.post("/signin", data={"token": stage.TOKEN, "csrf": token})
        assert signed.status_code == 200
        paths = ["/alerts", "/clients", "/status", "/help"]
        paths += [f"/alerts/{one['id']}" for one in alerts] + [f"/clients/{one['id']}" for one in clients]
        pages = {path: browser.get(path, headers={"accept": "text/html"}) for path in paths}
    assert {page.status_code for page in pages.values()} == {200}
    return {path: page.text for path, page in pages.items()}


DEBUG = {"STILLWATCH_LOG_LEVEL": "debug", "STILLWATCH_ACCESS_LOG": "1", "direct": True}


@pytest.mark.parametrize("line", [DEBUG], ids=["debug"], indirect=True)
def test_no_secret_is_kept_or_told_anywhere(line, said):
    product = line.product
    harvester = {"authorization": f"Bearer {CARRIERS['authorization']}", "cookie": f"sid={CARRIERS['cookie']}"}
    requests = [harvest(number, harvester) for number in range(HARVEST)]
    proxy = {"proxy-authorization": CARRIERS["proxy-authorization"]}
    requests += [harvest(1, {name: CARRIERS[name], **proxy}) for name in ("x-api-key", "api-key", "x-goog-api-key")]
    plain = callers.question(1, stream=False)
    requests.append(raw(plain, {}, f"?key={QUERY}&alt={OTHER_QUERY}"))
    requests.append(raw(b'{"messages": [{"role": "user", "content": "' + BROKEN.encode() + b'", ', {"api-key": BROKEN}))
    try:
        for start in range(0, len(requests), 60):
            line.api.answer = answer(start)
            work = ask_all(product.gateway, requests[start : start + 60])
            asyncio.run_coroutine_threadsafe(work, line.loop.loop).result(300)
    finally:
        line.api.answer = b""
    client = client_of(stage.SECRET.encode(), [(b"authorization", harvester["authorization"].encode())], b"", "")

    def alerted():
        status, body = product.get(product.console, "/api/v1/alerts")
        return status == 200 and f"cl_{client:016x}".encode() in body

    until(alerted, "the harvester's alert", 40)
    until(lambda: line.counts("worker").get("events", 0) >= len(requests), "every event is scored", 20)

    answers, alerts, clients = every_answer(line)
    sinks = {path: body for path, (_, body) in answers.items()}
    sinks |= {f"page {path}": text.encode() for path, text in every_page(line, alerts, clients).items()}
    sinks["log"] = said(product).encode()
    with contextlib.closing(line.server.client()) as direct:
        sinks["redis"] = redis_dump(direct)
    sinks["database"] = database_dump(Path(product.database_url.removeprefix("sqlite+aiosqlite:///")))
    assert b"logger=stillwatch.access" in sinks["log"], "the access log was on"
    assert b"level=debug" in sinks["log"]
    found = {
        name: text[max(0, text.find(MARK) - 200) : text.find(MARK) + 60] for name, text in sinks.items() if MARK in text
    }
    assert not found
    for secret in (stage.SECRET, stage.TOKEN):
        assert not [name for name, text in sinks.items() if secret.encode() in text]


def test_faults_of_ours_tell_no_secret(tmp_path):
    """A parser, the features and the engine break on a customer's text: the log names the fault and not the text."""
    code = f"""
import logging, sys
from app.settings import read_settings
from app.telemetry import configure_logging
from app.extractor import run as extractor
from app.store.handoff import Copy
env = {{"REDIS_URL": "redis://127.0.0.1:1/0", "STILLWATCH_LOG_LEVEL": "debug"}}
settings = read_settings(env | {{"STILLWATCH_DATA": {str(tmp_path)!r}}})
configure_logging(settings, "extractor")
def breaks(*args, **kwargs):
    raise RuntimeError(f"broken by {{args!r}}")
body = b'{{"messages": [{{"role": "user", "content": "{BROKEN}"}}]}}'
target, headers = b"/v1/chat/completions?q={OTHER_QUERY}", ((b"x-note", b"{PROMPT}"),)
copy = Copy(1.7e9, 7, "p", "POST", target, headers, body, 9, -1, 200, (), b"{ANSWER}", 3, -1, 0.1, 0.2, 0)
one = extractor.Extractor(settings, 1, [breaks])
whole, extractor.providers.read = extractor.providers.read, breaks
one.take([copy] * 256)
extractor.providers.read, extractor.told = whole, breaks
try:
    one.take([copy] * 256)
except RuntimeError:
    pass
assert one.counts["parse_failed_parser"] == 256 and one.counts["watchers_failed"] == 256, one.counts
print(repr(settings.redis_url))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=stage.ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "a copy broke the parser" in done.stderr
    assert "cnry-" not in done.stderr + done.stdout
