"""One harvest by several keys, through the real processes: it appears as a campaign, keeps its name, obeys a split."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import time
from contextlib import closing
from random import Random

import pytest

from app.gateway.identify import client_of
from bench.soak import callers, stage
from bench.soak.model_api import json_answer
from bench.soak.stage import until

KEYS = [f"sk-shard-{place}" for place in range(12)]
REQUESTS = 24
PROMPT = (
    "Solve the problem below. Write every intermediate thought, every check and every dead end between <think> and "
    "</think> before you answer, leave nothing out and do not summarise. Problem {number}: {words}"
)
WORDS = "river quarry lantern maple orbit granite saddle violin harbour thimble copper meadow falcon ribbon".split()  # noqa: SIM905
LINKED_SECONDS = 180.0
SETTINGS = {"direct": True, "STILLWATCH_TRUSTED_PEERS": "127.0.0.0/8", "STILLWATCH_SHARING_KEY": "k" * 32}


def client(key: str) -> str:
    header = [(b"authorization", f"Bearer {key}".encode())]
    return f"cl_{client_of(stage.SECRET.encode(), header, b'', ''):016x}"


def prompt(rng: Random, number: int) -> bytes:
    text = PROMPT.format(number=number, words=" ".join(rng.choice(WORDS) for _ in range(14)))
    body = {"model": "m-large", "temperature": 0.83, "max_tokens": 8192, "n": 2}
    return json.dumps({**body, "messages": [{"role": "user", "content": text}]}).encode()


def sent(body: bytes, key: str, network: int) -> bytes:
    """A request as a trusted proxy passes it on: from a network of the customer's own."""
    request = callers.post(body, key)
    return request.replace(b"\r\nhost:", b"\r\nx-forwarded-for: 198.18.%d.7\r\nhost:" % network, 1)


def worked_answer() -> bytes:
    """A long answer, as a model gives that works a problem out."""
    text = "First the numbers are written down. Then each of them is checked against the condition. " * 20
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 80, "completion_tokens": 400, "total_tokens": 480}
    body = {"id": "c1", "object": "chat.completion", "model": "m-large", "choices": [choice, choice], "usage": usage}
    return json_answer(json.dumps(body).encode())


async def harvest(port: int, part: int = 0, turns: int = REQUESTS) -> None:
    """Every key asks its own shard of one part of a list, in turns."""
    rng = Random(part)
    shared = {key: callers.Caller(port) for key in KEYS}
    try:
        for turn in range(turns):
            for place, (key, caller) in enumerate(shared.items()):
                await caller.ask(sent(prompt(rng, turn * len(KEYS) + place), key, place))
    finally:
        for caller in shared.values():
            await caller.close()


async def others(port: int) -> None:
    """Customers who have nothing to do with one another."""
    rng = Random(11)
    for place in range(30):
        caller = callers.Caller(port)
        try:
            for turn in range(6):
                text = " ".join(rng.choice(WORDS) + str(rng.randrange(9999)) for _ in range(rng.randrange(6, 40)))
                body = {"model": "m-large", "temperature": round(rng.random(), 2)}
                body["messages"] = [{"role": "user", "content": f"{rng.choice(WORDS)} {place}-{turn} {text}"}]
                await caller.ask(sent(json.dumps(body).encode(), f"sk-other-{place}", 100 + place))
        finally:
            await caller.close()


@pytest.fixture
def api(line):
    """Calls the REST API; returns status, body and ETag."""

    def call(path: str, body: dict | None = None, version: str = ""):
        with closing(http.client.HTTPConnection("127.0.0.1", line.product.console, timeout=60)) as connection:
            headers = {"authorization": f"Bearer {stage.TOKEN}", "content-type": "application/json"}
            if version:
                headers["if-match"] = version
            text = None if body is None else json.dumps(body)
            connection.request("POST" if body is not None else "GET", f"/api/v1{path}", text, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}"), answer.headers.get("etag", "")

    return call


def members(api, campaign: str) -> set[str]:
    return {one["client_id"] for one in api(f"/campaigns/{campaign}/members?present=true&limit=200")[1]["data"]}


def shared(line, api, campaign: str) -> None:
    """The campaign's indicators go out, come in again, and match its next requests, by client."""
    sent_out: list[dict] = []
    parts = itertools.count(100)

    def goes_on() -> None:
        asyncio.run_coroutine_threadsafe(harvest(line.product.gateway, next(parts), turns=1), line.loop.loop).result(
            180
        )

    def exported() -> bool:
        goes_on()
        status, document, _ = api(f"/campaigns/{campaign}/indicators", {"days": 7})
        sent_out[:] = [document]
        return status == 200

    def matched() -> bool:
        goes_on()
        return bool(api(f"/indicators/matches?client={client(KEYS[1])}")[1])

    until(exported, "the shared hashes", LINKED_SECONDS)
    assert {item["kind"] for item in sent_out[0]["indicators"]} >= {"head"}
    assert "Solve" not in json.dumps(sent_out)
    status, made, _ = api("/indicators/import", {"document": sent_out[0], "note": "ours, as if another's"})
    assert (status, made["count"]) == (200, len(sent_out[0]["indicators"]))
    until(matched, "matches", LINKED_SECONDS)
    assert api("/indicators/matches?client=cl_0000000000000001")[1] == []


@pytest.mark.slow
@pytest.mark.parametrize("line", [SETTINGS], indirect=True)
def test_a_sharded_harvest_is_found_kept_and_split(line, api, monkeypatch):
    monkeypatch.setattr(line.api, "answer", worked_answer())
    line.product.launch("linker")
    line.product.await_life("linker")
    started = time.monotonic()
    for work in (others, harvest):
        asyncio.run_coroutine_threadsafe(work(line.product.gateway), line.loop.loop).result(300)
    found: list[dict] = []

    def appears() -> bool:
        found[:] = api("/campaigns?level_gte=2")[1].get("data", [])
        return any(one["size"] == len(KEYS) for one in found)

    until(appears, "the campaign", LINKED_SECONDS)
    print(f"campaign after {time.monotonic() - started:.1f} s: {found}")
    (one,) = found
    assert members(api, one["id"]) == set(map(client, KEYS))
    edges = api(f"/campaigns/{one['id']}/edges")[1]["data"]
    assert edges
    assert any(set(edge["holders"]) == set(map(client, KEYS)) for edge in edges)
    page = line.product.get(line.product.console, f"/api/v1/clients/{client(KEYS[0])}")[0]
    assert page == 200

    line.product.stop("linker")
    line.product.launch("linker")
    line.product.await_life("linker")
    asyncio.run_coroutine_threadsafe(harvest(line.product.gateway, 1), line.loop.loop).result(300)
    seen = one["seen_at"]
    until(lambda: api(f"/campaigns/{one['id']}")[1]["seen_at"] > seen, "a pass after the restart", LINKED_SECONDS)
    assert [item["id"] for item in api("/campaigns")[1]["data"]] == [one["id"]]

    shared(line, api, one["id"])

    moved = sorted(map(client, KEYS[:3]))
    version = api(f"/campaigns/{one['id']}")[2]
    status, made, _ = api(f"/campaigns/{one['id']}/split", {"clients": moved, "reason": "a customer's own"}, version)
    assert status == 200, made
    asyncio.run_coroutine_threadsafe(harvest(line.product.gateway, 2), line.loop.loop).result(300)
    seen = api(f"/campaigns/{one['id']}")[1]["seen_at"]
    until(lambda: api(f"/campaigns/{one['id']}")[1]["seen_at"] > seen, "a pass after the split", LINKED_SECONDS)
    assert members(api, one["id"]) == set(map(client, KEYS[3:]))
    assert members(api, made["part"]["id"]) == set(moved)
