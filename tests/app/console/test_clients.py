"""The clients: the list, and what one of them does now."""

import re
from dataclasses import replace

import numpy as np
import pytest

from app.campaigns import attribute_tables, attributes
from app.clients import queries
from app.models.client import client_ref
from app.store.db import session_scope
from app.store.stream import partition_of, row_key
from detectors.event import EVENT

HARVESTER = 0x3FA94C21B7D0E815


@pytest.fixture
async def active(console):
    """A client whose row stands in Redis, and whose model has a name."""
    await console.summarise(HARVESTER, score=9.9, level=2)
    engine, events = console.app.state.scoring, np.zeros(120, EVENT)
    events["client"], events["model"], events["status"], events["out_chars"] = HARVESTER, 77, 200, 900
    events["at"] = console.now - np.linspace(3000, 1, 120)
    rows = engine.empty(np.array([HARVESTER], np.uint64))
    engine.step(rows, events, console.now)
    partition = int(partition_of(np.array([HARVESTER], np.uint64), console.app.state.settings.partitions)[0])
    await console.redis.set(row_key(partition, HARVESTER), rows[0].tobytes())
    await console.redis.hset("names:models", "0000004d", "<large>")
    return f"/clients/{client_ref(HARVESTER)}"


async def test_the_list_is_ordered_by_score(console, reviewer):
    await console.seed()
    page = (await reviewer.get("/clients")).text
    scores = [float(item) for item in re.findall(r'<td role="cell" class="nowrap"><b>([\d.]+)</b>', page)]
    assert len(scores) == 13
    assert scores == sorted(scores, reverse=True)
    assert re.search(r"Review</span>", page)
    assert "120 k / 480 k" in page


async def test_filters(console, reviewer):
    await console.seed()
    page = await reviewer.get("/clients?level=review")
    assert page.text.count("data-row") == 4
    page = await reviewer.get("/clients?client=3FA94C21")
    assert page.text.count("data-row") == 1
    page = await reviewer.get("/clients?client=zzz")
    assert "0 of 13 clients" in page.text


async def test_those_that_wait_for_a_verdict_alone_or_in_a_campaign(console, reviewer):
    await console.seed()
    before = (await reviewer.get("/clients?level=waiting")).text.count("data-row")
    await console.summarise(0xAB9)
    name = await console.open_campaign(0xAB1, 0xAB2, 0xAB9, at=console.now - 700)
    page = (await reviewer.get("/clients?level=waiting")).text
    assert page.count(f'href="/campaigns/{name}">in a campaign<') == 1  # of the others nothing was scored yet
    assert page.count("data-row") > before
    assert client_ref(0xAB9) in page
    assert '<option value="waiting" selected>' in page


async def test_what_a_client_signed_up_with_is_named_with_how_many_share_it(console, reviewer, active):
    await console.summarise(HARVESTER, account="Acme")
    lines = ["account,payment,phone", "Acme,card-4711,5", "Bolt,card-4711,6", "Cord,card-4711,7"]
    async with session_scope(console.engine) as db:
        await attributes.give(db, attribute_tables.read(lines), b"s" * 32, "ana", console.now)
    page = (await reviewer.get(active)).text
    assert re.search(r">payment</p><p[^>]*>2 other entries have the same value</p>", page)
    assert re.search(r">phone</p><p[^>]*>nobody else has the same value</p>", page)
    assert "4711" not in page
    assert "Signed up with" not in (await reviewer.get(f"/clients/{client_ref(0xAB1)}")).text


async def test_the_clients_of_an_account_are_listed_and_the_account_leads_there(console, reviewer, active):
    await console.seed()
    await console.summarise(HARVESTER, account="Söhne & Co <1>")
    listed = await reviewer.get("/clients?account=S%C3%B6hne+%26+Co+%3C1%3E")
    assert listed.text.count("data-row") == 1
    link = 'href="/clients?account=S%C3%B6hne%20%26%20Co%20%3C1%3E"'
    assert link in listed.text
    assert link in (await reviewer.get(active)).text
    assert "0 of 13 clients" in (await reviewer.get("/clients?account=nobody")).text


async def test_pages_lead_on(console, reviewer, monkeypatch):
    monkeypatch.setattr("app.console.listing.PAGE_ROWS", 8)
    await console.seed()
    first = await reviewer.get("/clients")
    following = re.search(r'href="([^"]+)" rel="next"', first.text).group(1).replace("&amp;", "&")
    assert (await reviewer.get(following)).text.count("data-row") == 5


async def test_a_client_shows_its_present_evidence_timeline_and_models(console, reviewer, active):
    page = (await reviewer.get(active)).text
    assert "120 requests, active in" in page
    assert page.count('class="chart timeline"') == 2
    assert "Show as table" in page
    assert "&lt;large&gt;" in page
    assert ">120<" in page
    assert 'id="why"' in page
    assert 'id="counter"' in page


async def test_a_model_without_a_name_is_said_to_have_none_yet(console, reviewer, active):
    await console.redis.delete("names:models")
    assert "name not known yet (0000004d)" in (await reviewer.get(active)).text


async def test_who_was_never_compared_is_not_called_ordinary(console, reviewer):
    async with session_scope(console.engine) as db:
        await queries.upsert(db, [queries.ClientSummary(5, console.now - 60, console.now, 24, 10, 10, 0, 0.0)])
    for path in ("/clients", f"/clients/{client_ref(5)}"):
        page = (await reviewer.get(path)).text
        assert "Not compared yet" in page
        assert "Ordinary" not in page
    assert "no score yet" in (await reviewer.get("/clients")).text
    page = (await reviewer.get(f"/clients/{client_ref(5)}")).text
    assert "The first comparison with its peers is made at 25 requests." in page


async def test_its_alerts_and_decisions_stand_beside(console, reviewer, active):
    alert = await console.open_alert(HARVESTER, 16.0)
    page = (await reviewer.get(active)).text
    assert f'href="/alerts/{alert}"' in page
    assert "Throttle, simulated" in page


async def test_a_forgotten_row_is_said(console, reviewer):
    await console.summarise(5)
    page = (await reviewer.get(f"/clients/{client_ref(5)}")).text
    assert "its row was forgotten" in page
    assert "900" in page


async def test_redis_away_leaves_what_the_database_knows(console, reviewer, active, private_valkey):
    from app.store.redis import connect_async

    kept, console.app.state.redis = console.app.state.redis, connect_async(private_valkey.url)
    try:
        page = await reviewer.get(active)
    finally:
        await console.app.state.redis.aclose()
        console.app.state.redis = kept
    assert page.status_code == 200
    assert "Redis does not answer" in page.text
    assert "9.9 nats" in page.text


async def test_each_client_stands_beside_the_threshold_of_its_own_requests(console, reviewer):
    known = console.app.state.scoring.reference
    steps = np.linspace(9.0, 5.0, len(known.review), dtype=np.float32)
    console.app.state.scoring.use(replace(known, review=steps))
    await console.summarise(0xAB1, score=6.0)  # 900 requests: six looks
    page = (await reviewer.get("/clients")).text
    assert f'<b>6.0</b> <span class="quiet">/ {steps[5]:.1f}</span>' in page
    assert 'review from <b>5.0</b> to <b>9.0</b><span class="small">, by number of requests</span>' in page


async def test_a_level_that_is_kept_below_its_threshold_is_explained(console, reviewer, active):
    told = "It was under review before: a level is kept until"
    assert told not in (await reviewer.get(active)).text
    key = row_key(
        int(partition_of(np.array([HARVESTER], np.uint64), console.app.state.settings.partitions)[0]), HARVESTER
    )
    row = np.frombuffer(await console.redis.get(key), console.app.state.scoring.row).copy()
    row["level"], row["score"] = 2, 7.5
    await console.redis.set(key, row.tobytes())
    page = (await reviewer.get(active)).text
    assert told in page
    assert "below the review threshold" in page
