"""The campaign pages: what is listed, what a reviewer does, and what is refused."""

import re

import pytest

from app.campaigns import indicators
from app.campaigns.indicators import Matched
from app.console import campaigns
from app.models.campaign import Campaign
from app.models.client import client_ref
from app.store.db import session_scope

KEY = b"k" * 32


@pytest.fixture
async def opened(console):
    await console.beat("linker")
    return (await console.seed_campaigns())["campaign"]


async def sent(reviewer, tools, path, **fields):
    page = await reviewer.get(path.rsplit("/", 1)[0])
    version = re.search(r'name="version" value="(\d+)"', page.text)
    fields = {"csrf": tools.form_token(page), "version": version.group(1) if version else "1", **fields}
    return await reviewer.post(path, data=fields)


async def test_the_list_shows_what_is_to_be_reviewed_and_the_rest_on_request(console, reviewer, opened):
    page = (await reviewer.get("/campaigns")).text
    assert page.count('href="/campaigns/cp_') == 1
    assert "25 clients send one rare wording" in page
    assert (await reviewer.get("/campaigns?level=all")).text.count('href="/campaigns/cp_') == 2
    assert (await reviewer.get("/campaigns?q=cl_0000000000000ab1&level=all")).text.count('href="/campaigns/cp_') == 1
    assert "No campaign fits the filter" in (await reviewer.get("/campaigns?q=nothing")).text


async def test_what_was_at_review_stays_in_the_list_and_says_so(console, reviewer):
    name = await console.open_campaign(*range(0xF00, 0xF08), key="f1", at=console.now - 700)
    assert "was at review" not in (await reviewer.get("/campaigns")).text
    await console.open_campaign(*range(0xF00, 0xF08), key="f1", at=console.now - 60, score=10.1, level=1)
    assert re.search(rf"was at review.*?{name}", (await reviewer.get("/campaigns")).text, re.DOTALL)
    assert "<span>was at review</span>" in (await reviewer.get(f"/campaigns/{name}")).text


async def test_an_empty_list_never_looks_like_a_stopped_linker(console, reviewer):
    assert "Campaigns are not looked for" in (await reviewer.get("/campaigns")).text
    await console.beat("linker")
    page = (await reviewer.get("/campaigns")).text
    assert "No new campaigns" in page
    assert "No linker reports" not in page


async def test_the_page_shows_ties_members_and_what_is_left_without_the_strongest(reviewer, opened):
    page = (await reviewer.get(f"/campaigns/{opened}")).text
    for text in (
        "What ties them",
        "Without the strongest tie: wording",
        "Northwind Analytics, verified",
        "Mixed accounts",
    ):
        assert text in page
    assert page.count('class="member') == 25
    assert page.count('class="member mixed"') == 1
    assert "No sign-up data was supplied" in page
    client = (await reviewer.get(f"/clients/{client_ref(0xC0DE00000)}")).text
    assert f"/campaigns/{opened}" in client


async def test_a_page_says_how_many_members_its_sentence_is_about(console, reviewer, opened):
    assert "in the newest reading" not in (await reviewer.get(f"/campaigns/{opened}")).text
    async with session_scope(console.engine) as db:
        campaign = await db.get(Campaign, opened)
        campaign.latest = campaign.latest | {"size": 12}
    assert "25 members, 12 of them in the newest reading" in (await reviewer.get(f"/campaigns/{opened}")).text


async def test_a_page_says_where_its_reading_is_about_members_that_left(console, reviewer, opened):
    assert "left since the newest reading" not in (await reviewer.get(f"/campaigns/{opened}")).text
    async with session_scope(console.engine) as db:
        campaign = await db.get(Campaign, opened)
        campaign.latest = campaign.latest | {"size": 31}
    page = (await reviewer.get(f"/campaigns/{opened}")).text
    assert "6 members have left since the newest reading" in page
    assert "evidence below are about all 31 of then" in page


async def test_a_clients_page_tells_of_matched_indicators(console, reviewer, opened):
    document = {"format": indicators.FORMAT, "key_id": indicators.key_id(KEY), "expires": console.now + 60}
    document["indicators"] = [{"kind": "head", "hash": "ab" * 16}]
    async with session_scope(console.engine) as db:
        sealed = indicators.sealed(document, KEY)
        await indicators.take_in(db, sealed, "seen by <a friend>", KEY, "ana", console.now)
        await indicators.count(db, [Matched(1, 0xC0DE00000, 31, 1, console.now, console.now)])
    page = (await reviewer.get(f"/clients/{client_ref(0xC0DE00000)}")).text
    assert "31 requests carried a wording" in page
    assert "seen by &lt;a friend&gt;" in page


async def test_claim_close_with_alerts_and_reopen(console, reviewer, tools, opened):
    alert = await console.open_alert(tools.harvester, 15.0)
    path = f"/campaigns/{opened}"
    assert f"/campaigns/{opened}" in (await reviewer.get(f"/alerts/{alert}")).text
    assert (await sent(reviewer, tools, f"{path}/claim")).headers["location"] == f"{path}?done=claimed"
    refused = await sent(reviewer, tools, f"{path}/close", note="three minutes of typing")
    assert refused.status_code == 422
    assert "Choose a disposition." in refused.text
    assert "three minutes of typing" in refused.text
    done = await sent(reviewer, tools, f"{path}/close", disposition="distillation_confirmed", close_alerts="on")
    assert done.headers["location"] == f"{path}?done=closed"
    assert "Closed, and with it 1 alert of its members." in (await reviewer.get(f"{path}?done=closed")).text
    confirmed = f'in a campaign confirmed as <a href="{path}">distillation</a>'
    assert confirmed in (await reviewer.get(f"/clients/{client_ref(0x3FA94C21B7D0E815)}")).text
    page = (await reviewer.get(path)).text
    assert "Closed: distillation confirmed, and 1 alert of its members" in page
    assert "Distillation confirmed" in (await reviewer.get(f"/alerts/{alert}")).text
    assert (await sent(reviewer, tools, f"{path}/reopen", reason="new facts")).status_code == 303


async def test_a_split_takes_ticked_and_typed_members(reviewer, tools, opened):
    path = f"/campaigns/{opened}"
    one, other = client_ref(0xC0DE00000), client_ref(0xC0DE00000 + 104_729)
    fields = {f"m_{one}": "on", "clients": f"{other}\n", "split_reason": "two keys of one customer"}
    assert (await sent(reviewer, tools, f"{path}/split", **fields)).headers["location"] == f"{path}?done=split"
    page = (await reviewer.get(path)).text
    part = re.search(r'2 members moved out into <a class="id" href="/campaigns/(cp_[0-9a-f-]{36})">', page).group(1)
    assert f'moved to <a class="id" href="/campaigns/{part}">' in page
    said = (await reviewer.get(f"{path}?done=split")).text
    assert f'2 members moved out into <a class="id" href="/campaigns/{part}">{part}</a>. The linker keeps' in said
    apart = (await reviewer.get(f"/campaigns/{part}")).text
    assert "split out of" in apart
    assert "Sentence, score and evidence below are that campaign's" in apart
    assert "that campaign's, until the linker" not in (await reviewer.get(path)).text
    assert (await reviewer.get("/campaigns")).text.count("split out, described as the whole was") == 1
    merged = await sent(reviewer, tools, f"{path}/merge", other=part, merge_reason="no, it was right")
    assert merged.headers["location"] == f"{path}?done=merged"
    said = (await reviewer.get(f"{path}?done=merged")).text
    assert f'Took in <a class="id" href="/campaigns/{part}">{part}</a>. The linker keeps the members together' in said
    assert said.count("The first twelve words are the same.") == 1
    gone = (await reviewer.get(f"/campaigns/{part}")).text
    assert "was merged into" in gone
    assert "Nobody is left here: members and ties are in" in gone
    assert "Decide about all members" not in gone
    assert '<svg class="chart graph"' not in gone
    assert (await sent(reviewer, tools, f"{path}/split", split_reason="nobody")).status_code == 422


async def test_a_split_names_all_that_is_missing_at_its_field(reviewer, tools, opened):
    path = f"/campaigns/{opened}"
    page = (await sent(reviewer, tools, f"{path}/split", split_reason=" ", clients="")).text
    said = "Tick members in the table, or name them here."
    assert f'<a href="#clients">{said}</a> <a href="#split_reason">Say why.</a>' in page
    assert (
        'id="clients" name="clients" spellcheck="false" aria-invalid="true" aria-describedby="clients-problem"' in page
    )
    assert f'<p class="problem" id="clients-problem">{said}</p>' in page
    assert '<p class="problem" id="split_reason-problem">Say why.</p>' in page
    page = (await sent(reviewer, tools, f"{path}/merge", other="cp_1", merge_reason="same")).text
    assert '<p class="problem" id="other-problem">Name another campaign by its id.</p>' in page
    page = (await sent(reviewer, tools, f"{path}/merge", other=opened, merge_reason=" ")).text
    assert '<p class="problem" id="merge_reason-problem">Say why.</p>' in page
    assert "split_reason-problem" not in page
    page = (await sent(reviewer, tools, f"{path}/close")).text
    assert 'aria-describedby="disposition-problem" autofocus>' in page


async def test_a_stale_form_changes_nothing_and_says_so(reviewer, tools, opened):
    answer = await sent(reviewer, tools, f"/campaigns/{opened}/claim", version="99")
    assert answer.status_code == 409
    assert "changed this campaign while you were reading it" in answer.text
    assert (await sent(reviewer, tools, f"/campaigns/{opened}/claim", csrf="wrong")).status_code == 403


async def test_who_may_only_read_gets_no_form(console, visitor, tools, opened):
    await tools.sign_in(visitor, await console.reviewer("alerts:read", "clients:read"))
    page = (await visitor.get(f"/campaigns/{opened}")).text
    assert "Your token may read only" in page
    assert "/split" in page
    assert 'type="checkbox"' not in page
    assert (await visitor.get(f"/campaigns/{opened}/order")).status_code == 403


def test_ticked_and_typed_members_are_one_set():
    assert campaigns.chosen({"m_cl_1": "on", "clients": "cl_2, cl_1\ncl_3", "csrf": "x"}) == ["cl_1", "cl_2", "cl_3"]


async def test_list_and_page_tell_the_same_score_beside_its_threshold(console, reviewer):
    members = [0xAB1, 0xAB2, 0xAB3]
    await console.summarise(*members)
    one = await console.open_campaign(*members, score=17.2)
    await console.open_campaign(*members, at=console.now + 60, level=1, score=6.4)
    listed = (await reviewer.get("/campaigns?level=all")).text
    assert '<b>6.4</b> <span class="quiet">/ 9.2</span>' in listed
    assert '<span class="second">highest 17.2</span>' in listed
    page = (await reviewer.get(f"/campaigns/{one}")).text
    assert '<span class="big">6.4</span>' in page
    assert "below the review threshold of <b>9.2</b>" in page
    assert "<dt>Highest score</dt><dd>17.2 nats, review from 9.2 then</dd>" in page


async def test_a_refused_split_or_merge_keeps_what_was_ticked_and_typed(reviewer, tools, opened):
    path, one = f"/campaigns/{opened}", client_ref(0xC0DE00000)
    typed, gone = client_ref(0xC0DE00000 + 104_729), "cl_00000000000000ff"
    fields = {f"m_{one}": "on", f"m_{gone}": "on", "clients": typed, "split_reason": "two keys"}
    for version, status in (("1", 422), ("99", 409)):
        page = await sent(reviewer, tools, f"{path}/split", version=version, **fields)
        assert page.status_code == status
        assert f'aria-label="Move {one} out" checked>' in page.text
        assert page.text.count(' out" checked>') == 1
        assert f"{typed}\n{gone}</textarea>" in page.text
        assert 'value="two keys"' in page.text
        assert '<details class="card screen-only" open>' in page.text
    assert "What you entered is still in the form" in page.text
    page = await sent(reviewer, tools, f"{path}/merge", other="cp_nothing", merge_reason="one operator")
    assert (page.status_code, "Name another campaign by its id." in page.text) == (422, True)
    assert 'value="cp_nothing" aria-invalid="true"' in page.text
    assert 'value="one operator"' in page.text


async def test_a_refused_close_keeps_the_tick_for_the_members_alerts(reviewer, tools, opened):
    page = await sent(reviewer, tools, f"/campaigns/{opened}/close", close_alerts="on", note="seen")
    assert (page.status_code, 'name="close_alerts" checked>' in page.text) == (422, True)
    assert "checked" not in (await reviewer.get(f"/campaigns/{opened}")).text
