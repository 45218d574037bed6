"""The page of decisions, and the form on an alert's page, as HTML."""

from __future__ import annotations

import re

import pytest

from app.campaigns.decide import CampaignOrder
from app.campaigns.decide import apply as decide_campaign
from app.console import words
from app.models.base import moment
from app.models.client import client_ref
from app.policies import manual, mode
from app.policies.manual import Order
from app.store.db import session_scope
from app.store.decisions import STANDING, parse

CLIENT = client_ref(0x3FA94C21B7D0E815)


async def told(console):
    return [parse(text) for text in (await console.redis.hgetall(STANDING)).values()]


async def decide(reviewer, tools, alert, **form):
    page = await reviewer.get(f"/alerts/{alert}")
    fields = {"csrf": tools.form_token(page), "action": "tag", "duration": "3600", "why": "because", "simulated": "on"}
    fields["step"] = "confirm"
    return await reviewer.post(f"/alerts/{alert}/decide", data={k: v for k, v in (fields | form).items() if v})


@pytest.fixture
async def alert(console):
    await console.summarise(0x3FA94C21B7D0E815, score=15.2, level=2)
    return await console.open_alert(0x3FA94C21B7D0E815, 15.4)


async def test_the_list_says_what_is_done_to_whom_and_why(console, reviewer, tools, alert):
    page = await reviewer.get("/decisions")
    assert "Throttle, simulated" in page.text
    assert "data-row" in page.text  # j and k move here too
    assert "30 requests a minute, bursts of 10" in page.text
    assert "critical severity (by policy)" in page.text
    assert f'href="/clients/{CLIENT}"' in page.text
    assert f'href="/alerts/{alert}"' in page.text
    assert "<b>0</b> real and <b>1</b> simulated" in page.text
    assert "none of them changes an answer" in page.text
    async with session_scope(console.engine) as db:
        await mode.switch(db, "enforce", "", "ana", "observe", console.now)
    assert "The mode is <b>enforce</b>: real ones act." in (await reviewer.get("/decisions")).text
    assert "No decision here" in (await reviewer.get("/decisions?shown=ended")).text
    assert "No decision here" in (await reviewer.get("/decisions?client=cl_0000000000000001")).text
    asked = await reviewer.get("/decisions?client=cl_000000000000000g")
    assert (asked.status_code, "Throttle" in asked.text) == (422, False)
    assert "client: “cl_000000000000000g” is unknown; give a client&#39;s id" in asked.text


async def test_one_that_is_still_to_begin_shows_when_wherever_it_stands(console, reviewer, alert):
    order = Order(CLIENT, "block", 3600.0, "why", start_within=3600.0, alert_id=alert)
    async with session_scope(console.engine) as db:
        made = (await manual.make(db, order, "ana", console.now)).decision
        made.starts_at, made.expires_at = (moment(console.now + seconds) for seconds in (1805.0, 9000.0))
    assert re.search(
        r'in 2 h</time><span class="second">begins <time[^>]*>in 30 min<', (await reviewer.get("/decisions")).text
    )
    begins = f"Begins {words.utc(made.starts_at)}: would answer every request of the client with 403."
    for path in ("/decisions", f"/alerts/{alert}", f"/clients/{CLIENT}"):
        assert begins in (await reviewer.get(path)).text
    for path in (f"/alerts/{alert}", f"/clients/{CLIENT}"):
        assert re.search(r"Begins <time[^>]*>in 30 min</time>, until", (await reviewer.get(path)).text)
    assert begins.replace(".", "") in (await reviewer.get(f"/alerts/{alert}/markdown")).text.replace(".", "")


async def test_a_decision_is_made_on_the_alerts_page_and_told(console, reviewer, tools, alert):
    page = await reviewer.get(f"/alerts/{alert}")
    assert 'name="simulated" checked' in page.text
    assert "Every request is answered with 403." in page.text
    assert "even a real decision changes nothing until somebody switches to enforce" in page.text
    answer = await decide(reviewer, tools, alert, action="block", simulated="", duration="604800")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/alerts/{alert}?done=decided")
    (entry,) = await told(console)
    assert (entry.action, entry.simulated, entry.client) == ("block", False, 0x3FA94C21B7D0E815)
    page = await reviewer.get(answer.headers["location"])
    assert (
        "Decided: Block for 7 days, real. The gateways follow within two seconds. The mode is observe, so" in page.text
    )
    assert "because (admin)" in page.text


async def test_what_is_wrong_is_said_and_what_was_typed_stays(console, reviewer, tools, alert):
    answer = await decide(reviewer, tools, alert, action="throttle", rate="fast", burst="3", why="<b>x</b>")
    assert answer.status_code == 422
    assert "Requests a minute: give a number from 0.1 to 1000000." in answer.text
    assert 'value="fast" aria-invalid="true"' in answer.text
    assert "&lt;b&gt;x&lt;/b&gt;" in answer.text
    assert "<details open>" in answer.text
    assert await told(console) == []
    bare = await decide(reviewer, tools, alert, action="degrade")
    assert (bare.status_code, "Degrade: give the number of answers, or tick" in bare.text) == (422, True)
    mute = await decide(reviewer, tools, alert, why=" ")
    assert (mute.status_code, "Reason: say why, in 1 to 2000 characters." in mute.text) == (422, True)
    assert (await decide(reviewer, tools, alert, duration="7")).status_code == 422


async def test_a_revocation_needs_a_reason_and_is_told(console, reviewer, tools, alert):
    await decide(reviewer, tools, alert, action="block", simulated="")
    (entry,) = await told(console)
    page = await reviewer.get("/decisions")
    path = f"/decisions/{entry.id}/revoke"
    without = await reviewer.post(path, data={"csrf": tools.form_token(page), "reason": " "})
    assert (without.status_code, "Say why you revoke it." in without.text) == (422, True)
    assert f'id="reason-{entry.id}-problem">Say why you revoke it.' in without.text
    assert '<details class="revoke" open>' in without.text
    assert "Revoke: the customer is served as before" in without.text
    assert "Revoke: it is no longer counted" in without.text  # the policy's, which is simulated
    answer = await reviewer.post(path, data={"csrf": tools.form_token(page), "reason": "a mistake"})
    assert answer.headers["location"] == "/decisions?done=revoked"
    assert [item.revoked for item in await told(console)] == [True]
    again = await reviewer.post(path, data={"csrf": tools.form_token(page), "reason": "a mistake"})
    assert (again.status_code, "has ended already" in again.text) == (409, True)
    assert "a mistake (admin)" in (await reviewer.get("/decisions?shown=ended")).text
    assert "Revoked. The gateways follow" in (await reviewer.get("/decisions?done=revoked")).text
    assert (await reviewer.post("/decisions/dc_1/revoke", data={"csrf": tools.form_token(page), "reason": "x"})
            ).status_code == 404  # fmt: skip


async def test_a_revocation_leads_back_to_the_list_it_was_sent_from(console, reviewer, tools, alert):
    here = f"/decisions?client={CLIENT}"
    page = await reviewer.get(here)
    path = re.search(r'action="(/decisions/dc_[^"]+)"', page.text).group(1)
    assert path.endswith(f"/revoke?client={CLIENT}")
    refused = await reviewer.post(path, data={"csrf": tools.form_token(page), "reason": " "})
    assert f'Shown: those of client <a class="id" href="/clients/{CLIENT}"' in refused.text
    assert f'{path}"' in refused.text
    assert (await reviewer.get(path)).headers["location"] == here  # as after signing in again
    answer = await reviewer.post(path, data={"csrf": tools.form_token(page), "reason": "a mistake"})
    assert answer.headers["location"] == f"{here}&done=revoked"
    assert "Shown: those of client" in (await reviewer.get(answer.headers["location"])).text


async def test_a_decision_about_a_campaign_leads_to_it(console, reviewer, tools):
    members = list(range(0x51, 0x55))
    for one in members:
        await console.summarise(one, score=15.2, level=2)
    campaign = await console.open_campaign(*members)
    async with session_scope(console.engine) as db:
        order = CampaignOrder("tag", 3600, "one operator")
        await decide_campaign(db, campaign, order, len(members), "ana", 1, console.now)
    link = f'href="/campaigns/{campaign}">Campaign</a>'
    assert (await reviewer.get("/decisions")).text.count(link) == len(members)
    assert link in (await reviewer.get(f"/clients/{client_ref(members[0])}")).text
    async with tools.browse(console) as reader:
        await tools.sign_in(reader, await console.reviewer("clients:read"))
        for path in ("/decisions", f"/clients/{client_ref(members[0])}"):  # the page of a campaign takes alerts:read
            assert "Tag, simulated" in (answer := (await reader.get(path)).text)
            assert link not in answer


async def test_a_form_of_another_site_does_nothing(console, reviewer, alert):
    for path in (f"/alerts/{alert}/decide", "/decisions/dc_1/revoke"):
        form = {"csrf": "x", "action": "block", "duration": "3600", "why": "y", "reason": "y"}
        assert (await reviewer.post(path, data=form)).status_code == 403
        assert (await reviewer.get(path)).status_code == 303
    assert await told(console) == []


async def test_scopes(console, tools, alert):
    async with tools.browse(console) as reader:
        await tools.sign_in(reader, await console.reviewer("alerts:read", "clients:read"))
        assert "Decide by hand" not in (await reader.get(f"/alerts/{alert}")).text
        page = await reader.get("/decisions")
        assert "Needs the scope decisions:write" in page.text
        assert (await reader.post(f"/alerts/{alert}/decide", data={"csrf": tools.form_token(page)})).status_code == 403
    async with tools.browse(console) as writer:
        scopes = ("alerts:read", "clients:read", "decisions:write")
        await tools.sign_in(writer, await console.reviewer(*scopes, name="writer"))
        page = await writer.get(f"/alerts/{alert}")
        assert '<option value="degrade"' in page.text
        assert '<option value="block"' not in page.text
        assert (await decide(writer, tools, alert, action="block")).status_code == 403
        assert (await decide(writer, tools, alert)).status_code == 303
    async with tools.browse(console) as stranger:
        await tools.sign_in(stranger, await console.reviewer("alerts:read", name="stranger"))
        assert (await stranger.get("/decisions")).status_code == 403
    async with tools.browse(console) as nobody:
        answer = await nobody.get("/decisions")
        assert (answer.status_code, answer.headers["location"]) == (303, "/signin?next=/decisions")


async def test_closing_as_benign_tells_the_gateways(console, reviewer, tools, alert):
    token = tools.form_token(await reviewer.get(f"/alerts/{alert}"))
    form = {"csrf": token, "version": "1", "disposition": "false_positive", "note": ""}
    assert (await reviewer.post(f"/alerts/{alert}/close", data=form)).status_code == 303
    assert [item.revoked for item in await told(console)] == [True]


async def test_without_redis_the_pages_stand_and_decide(console, reviewer, tools, alert, free_port):
    from app.store.redis import connect_async

    kept, console.app.state.redis = console.app.state.redis, connect_async(f"redis://127.0.0.1:{free_port()}")
    try:
        assert (await decide(reviewer, tools, alert)).headers["location"].endswith("?done=simulated")
        real = await decide(reviewer, tools, alert, action="block", simulated="")
        assert "the gateways follow when it is back" in (await reviewer.get(real.headers["location"])).text
        page = await reviewer.get("/decisions")
        block = re.search(r'action="(/decisions/dc_[^"]+/revoke)"', page.text).group(1)
        back = await reviewer.post(block, data={"csrf": tools.form_token(page), "reason": "a mistake"})
        assert "the gateways go on as before until it is back" in (await reviewer.get(back.headers["location"])).text
    finally:
        await console.app.state.redis.aclose()
        console.app.state.redis = kept
    assert re.search(r"Tag, simulated", page.text)


async def test_an_empty_list_of_one_client_says_nothing_of_the_others(reviewer, alert):
    other = "cl_0000000000000001"
    page = (await reviewer.get(f"/decisions?client={other}")).text
    assert "Nothing is being done to this client, not even in simulation." in page
    assert f'href="/decisions?shown=all&amp;client={other}">Show all of its decisions</a>' in page
    assert "simulated are active, of all clients." in page
    assert (
        "There is none of this kind about this client."
        in (await reviewer.get(f"/decisions?client={other}&shown=ended")).text
    )
    assert ">Show all" not in (await reviewer.get(f"/decisions?client={other}&shown=all")).text
