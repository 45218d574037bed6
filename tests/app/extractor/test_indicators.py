"""The extractor looks for imported sets and names wanted wordings, over a real Redis."""

import asyncio
import json
from collections import Counter

import pytest
import redis

from app.extractor import indicators
from app.extractor.indicators import Sharing, parse
from app.store import linking
from detectors.campaign.tells import Kind, token
from detectors.event import zeros
from detectors.exchange import Exchange, Message
from detectors.features import events
from detectors.indicators import shared, words_of

KEY, NOW = "k" * 32, 1_800_000_000.0
ASKED = [
    Exchange(at=NOW, client=1, messages=(Message("user", "Keep every single step of it and leave nothing out: 17"),))
]


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as made:
        yield made


async def test_sets_are_heard_of_marked_and_wanted_wordings_told(redis_url, client, monkeypatch):
    monkeypatch.setattr(indicators, "POLL_SECONDS", 0.02)
    counts: Counter[str] = Counter()
    sharing = Sharing(redis_url, KEY, counts)
    mine = shared("head", words_of("head", ASKED[0]), KEY.encode())
    made = events(ASKED, seed=1)
    wanted = int(token(Kind.HEAD, made["head12"])[0])
    client.set(linking.IMPORTED, json.dumps({"sets": [{"slot": 3, "expires": NOW + 9, "hashes": [f"head:{mine}"]}]}))
    client.set(linking.WANTED, linking.wanted_text([wanted]))
    following = asyncio.create_task(sharing.follow())
    try:
        async with asyncio.timeout(90):
            while not counts["indicators_named"]:  # counted when Redis has answered, a moment after it has it
                sharing.mark(made, ASKED, NOW)
                await asyncio.sleep(0.02)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert made["indicator"].tolist() == [3 << 4 | 1]
    assert client.hgetall(linking.KNOWN) == {f"{wanted:016x}".encode(): f"head:{mine}".encode()}
    assert counts["indicators_named"] == 1


async def test_without_a_key_it_does_nothing(redis_url):
    sharing, made = Sharing(redis_url, "", Counter()), zeros(1)
    sharing.mark(made, ASKED, NOW)
    await sharing.follow()
    assert made["indicator"].tolist() == [0]


async def test_redis_away_is_counted_and_no_end(free_port, monkeypatch):
    monkeypatch.setattr(indicators, "POLL_SECONDS", 0.01)
    counts: Counter[str] = Counter()
    following = asyncio.create_task(Sharing(f"redis://127.0.0.1:{free_port()}", KEY, counts).follow())
    async with asyncio.timeout(90):
        while counts["indicators_waiting"] < 3:
            await asyncio.sleep(0.01)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


@pytest.mark.parametrize("text", [None, b"", b"{", b"[1]", b'{"sets": [{"slot": "x"}]}', b'{"sets": 3}'])
def test_what_is_not_readable_is_no_set(text):
    assert parse(text) == []


def test_what_is_looked_for_is_bounded(monkeypatch):
    monkeypatch.setattr(indicators, "MOST_HASHES", 3)
    sets = [{"slot": slot, "expires": NOW, "hashes": [f"head:{slot}{n}" for n in range(2)]} for slot in (1, 2)]
    assert [one.slot for one in parse(json.dumps({"sets": sets}).encode())] == [1]
