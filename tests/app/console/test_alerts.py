"""The queue and the page of one alert, as HTML."""

import re

import pytest

from app.alerts import queries
from app.models.client import client_ref
from app.policies import mode
from app.store.db import read_scope, session_scope
from detectors.base import Level

HARVESTER = client_ref(0x3FA94C21B7D0E815)


def rows(page):
    return re.findall(r'href="/alerts/(al_[^"?]+)" data-row', page.text)


async def alert_of(console, alert_id):
    async with read_scope(console.engine) as db:
        return await queries.get_alert(db, alert_id)


async def send(reviewer, tools, alert, step, version=1, **form):
    token = tools.form_token(await reviewer.get(f"/alerts/{alert}"))
    return await reviewer.post(f"/alerts/{alert}/{step}", data={"csrf": token, "version": str(version), **form})


async def test_the_list_is_the_queue_with_counts_by_state(console, reviewer):
    ids = await console.seed()
    page = await reviewer.get("/alerts")
    assert rows(page) == [ids["critical"], ids["new"]]
    counts = re.findall(r'>(New|In review|Closed|All)<span class="n">(\d+)', page.text)
    assert counts == [("New", "2"), ("In review", "1"), ("Closed", "1"), ("All", "4")]
    assert rows(await reviewer.get("/alerts?state=closed")) == [ids["closed"]]
    assert len(rows(await reviewer.get("/alerts?state=all"))) == 4
    assert "Critical" in page.text
    assert HARVESTER in page.text
    assert "14 min ago" in page.text


async def test_chance_is_told_above_the_queue_and_of_each_alert(console, reviewer):
    ids = await console.seed()
    for path in ("/alerts", f"/alerts/{ids['critical']}"):  # the reference of these tests holds no ordinary client
        page = (await reviewer.get(path)).text
        assert "by chance" not in page
        assert "expected to be ordinary" not in page
    console.know(ordinary=199, reviewed=0)
    page = (await reviewer.get("/alerts?state=all")).text
    assert "Of 13 clients compared in the last seven days fewer than one would come to review by chance; 4 did." in page
    assert page.count(">beyond chance<") == 4
    one = (await reviewer.get(f"/alerts/{ids['critical']}")).text
    assert "or further, up to 1.6 % are expected to be ordinary." in one


async def test_only_what_is_beyond_chance_is_marked(console, reviewer):
    ids = await console.seed()
    console.know(ordinary=19_999, reviewed=1_999)  # one in ten comes to review, and 20,000 tell a good deal apart
    page = (await reviewer.get("/alerts")).text
    assert "about 1 would come to review by chance; 4 did. 3 of them, marked “beyond chance”" in page
    assert page.count(">beyond chance<") == 2
    closed = (await reviewer.get(f"/alerts/{ids['closed']}")).text
    assert "up to 27 % are expected to be ordinary." in closed


async def test_filters_and_orders(console, reviewer):
    ids = await console.seed()
    assert rows(await reviewer.get(f"/alerts?client={HARVESTER}")) == [ids["critical"]]
    assert rows(await reviewer.get(f"/alerts?client={HARVESTER.upper()}")) == [ids["critical"]]
    assert rows(await reviewer.get("/alerts?client=log+probabilities")) == [ids["new"]]
    assert rows(await reviewer.get("/alerts?state=all&severity=critical")) == [ids["critical"]]
    assert rows(await reviewer.get("/alerts?state=all&sort=-score"))[0] == ids["critical"]
    page = await reviewer.get("/alerts?client=nothing-like-it")
    assert "0 of 4 alerts" in page.text
    assert "Clear the filter" in page.text


@pytest.mark.parametrize("query", ["client=%00", "client=%25_%5C", "state=&severity=&sort=&client="])
async def test_nonsense_in_the_address_does_no_harm(console, reviewer, query):
    assert (await reviewer.get(f"/alerts?{query}")).status_code == 200


async def test_pages_lead_on_and_back_by_cursor(console, reviewer, monkeypatch):
    monkeypatch.setattr("app.console.listing.PAGE_ROWS", 2)
    await console.seed()
    first = await reviewer.get("/alerts?state=all")
    following = re.search(r'href="([^"]+)" rel="next"', first.text).group(1).replace("&amp;", "&")
    second = await reviewer.get(following)
    assert not set(rows(first)) & set(rows(second))
    assert len(rows(second)) == 2
    back = re.search(r'href="([^"]+)" rel="prev"', second.text).group(1).replace("&amp;", "&")
    assert rows(await reviewer.get(back)) == rows(first)


async def test_an_empty_queue_is_told_from_a_stopped_scorer(console, reviewer):
    page = await reviewer.get("/alerts")
    assert "Scoring has stopped" in page.text
    assert "No new alerts" not in page.text
    await console.beat("worker")
    page = await reviewer.get("/alerts")
    assert "No traffic seen yet" in page.text
    assert "curl http://127.0.0.1:8080/v1/chat/completions" in page.text
    await console.summarise(1, 2, 3, score=4.1)
    page = await reviewer.get("/alerts")
    assert "No new alerts" in page.text
    assert "<dt>Clients scored</dt><dd>3</dd>" in page.text
    assert "<dt>Highest score</dt><dd>4.1</dd>" in page.text
    assert "<dt>Review from</dt><dd><b>9.2</b></dd>" in page.text


async def test_a_heading_keeps_a_number_with_its_per_cent_sign(console, reviewer):
    await console.seed()
    ids = await console.open_alert(0xFEED, sentence="It repeats itself in 100 % of its requests.", requests=1)
    page = (await reviewer.get(f"/alerts/{ids}")).text
    assert "<h1>It repeats itself in 100\u00a0% of its requests.</h1>" in page
    assert "after 1 request<" in (await reviewer.get("/alerts?client=repeats")).text


async def test_bypass_is_no_scorer_that_runs(console, reviewer):
    await console.seed()
    async with session_scope(console.engine) as db:
        await mode.switch(db, "bypass", "", "ana", "observe", console.now)
    for path in ("/alerts", "/alerts?state=closed", "/alerts?severity=medium"):
        page = (await reviewer.get(path)).text
        assert 'class="notice warn"' in page
        assert "The mode is bypass: nothing is observed or scored." in page
        assert "Bypass: not scoring" in page
        assert ">Scoring</span>" not in page
        assert "Scoring runs." not in page
    assert "Bypass: not scoring" in (await reviewer.get("/alerts/arrivals")).text
    async with session_scope(console.engine) as db:
        await mode.switch(db, "observe", "", "ana", "observe", console.now)
    assert ">Scoring</span>" in (await reviewer.get("/alerts")).text


async def test_arrivals_are_counted_from_the_newest_row(console, reviewer):
    await console.seed()
    await console.beat("worker")
    page = await reviewer.get("/alerts")
    poll = re.search(r'data-poll="([^"]+)"', page.text).group(1).replace("&amp;", "&")
    assert "data-new" not in (await reviewer.get(poll)).text
    await console.open_alert(0xFEED, sentence="It is new.", at=console.now + 1)
    assert "1 new alert<" in (await reviewer.get(poll)).text
    for number in range(22):
        await console.open_alert(0xFEEE + number, sentence="It is new.", at=console.now + 2 + number)
    assert "20+ new alerts<" in (await reviewer.get(poll)).text


async def test_a_row_has_its_numbers_of_one_moment_and_says_where_the_client_stands_now(console, reviewer):
    at = console.now - 600
    identity = await console.open_alert(0xFEED, 12.0, at=at, requests=25, sentence="It asks.")
    await console.open_alert(0xFEED, 4.6, at=at + 60, requests=50, sentence="It asked.", level=Level.WATCH)
    for path in ("/alerts", f"/alerts/{identity}"):
        page = (await reviewer.get(path)).text
        assert "ell below the threshold since, 4.6 now" in page
    queue = (await reviewer.get("/alerts")).text
    assert "opened after 25 requests" in queue
    assert "50 requests" not in queue
    await console.open_alert(0xFEED, 14.0, at=at + 120, requests=100, sentence="It asks.")
    queue = (await reviewer.get("/alerts")).text
    assert "12.0 when it opened" in queue
    assert " now<" not in queue


async def test_an_alert_says_why(console, reviewer):
    ids = await console.seed()
    page = (await reviewer.get(f"/alerts/{ids['critical']}")).text
    assert page.index("It wraps 94 %") < page.index(">Content<") < page.index(">Request surface<")
    assert (
        page.index('id="why"')
        < page.index('id="rests"')
        < page.index('id="counter"')
        < page.index('id="cannot"')
        < page.index('id="traffic"')
    )
    assert "peers: median 31 %, 99th percentile 72 %" in page
    assert "99.8th percentile<" in page
    assert "214 events were dropped" in page
    other = (await reviewer.get(f"/alerts/{ids['new']}")).text
    assert "by the counts of <time" in other
    assert "no event was dropped" in other
    assert "For 12 s requests passed" in page
    assert "Throttle, simulated" in page
    assert "only simulated" in page
    assert "never changes" in page
    assert page.count("<table") == 2


async def test_an_alert_says_what_all_of_it_together_rests_on(console, reviewer):
    ids = await console.seed()
    page = (await reviewer.get(f"/alerts/{ids['critical']}")).text
    card = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition('id="rests"')[2].partition("</section>")[0]))
    assert "Its repetition of one wording It wraps. Here 94 % , usual 31 %. With that as usual" in card
    assert (
        "would be that of 1 in 60 ordinary clients . The amount of text that it takes It takes. Here 2,031 chars"
        in card
    )
    assert (
        "With that and what stands above as usual, all of it together would be that of most ordinary clients ." in card
    )
    text = (await reviewer.get(f"/alerts/{ids['critical']}/markdown")).text
    assert (
        "1. its repetition of one wording: It wraps. Here 94 %, usual 31 %; with that as usual it would be that of "
        "1 in 60 ordinary clients."
    ) in text
    assert 'id="rests"' not in (await reviewer.get(f"/alerts/{ids['new']}")).text


async def test_claim_close_and_reopen(console, reviewer, tools):
    alert = await console.open_alert(0x3FA94C21B7D0E815)
    answer = await send(reviewer, tools, alert, "claim")
    assert answer.headers["location"] == f"/alerts/{alert}?done=claimed"
    assert (await alert_of(console, alert)).assignee == "admin"
    answer = await send(reviewer, tools, alert, "close", 2, disposition="distillation_confirmed", note="a <b>note</b>")
    page = (await reviewer.get(answer.headers["location"])).text
    assert "a &lt;b&gt;note&lt;/b&gt;" in page
    assert "Next new alert" in page
    await send(reviewer, tools, alert, "reopen", 3, reason="more came")
    page = (await reviewer.get(f"/alerts/{alert}")).text
    assert "more came" in page
    assert (await alert_of(console, alert)).state == "new"


async def test_a_disposition_and_a_reason_are_mandatory(console, reviewer, tools):
    alert = await console.open_alert(0x3FA94C21B7D0E815)
    answer = await send(reviewer, tools, alert, "close", note="kept while I choose")
    assert answer.status_code == 422
    assert "Choose a disposition." in answer.text
    assert "kept while I choose" in answer.text
    assert 'aria-invalid="true"' in answer.text
    await send(reviewer, tools, alert, "close", disposition="test")
    answer = await send(reviewer, tools, alert, "reopen", 2, reason="  ")
    assert answer.status_code == 422
    assert "Say why" in answer.text


@pytest.mark.parametrize("version", ["7", "", "x", "-1", "9" * 40])
async def test_a_stale_version_changes_nothing_and_is_explained(console, reviewer, tools, version):
    alert = await console.open_alert(0x3FA94C21B7D0E815)
    answer = await send(reviewer, tools, alert, "close", version, disposition="test", note="three minutes of typing")
    assert answer.status_code == 409
    assert "Nothing was changed" in answer.text
    assert "three minutes of typing" in answer.text
    assert 'name="version" value="1"' in answer.text
    assert (await alert_of(console, alert)).state == "new"


async def test_closing_twice_is_a_conflict(console, reviewer, tools):
    alert = await console.open_alert(0x3FA94C21B7D0E815)
    token = tools.form_token(await reviewer.get(f"/alerts/{alert}"))
    for version, status in (("1", 303), ("2", 409)):
        form = {"csrf": token, "version": version, "disposition": "test"}
        assert (await reviewer.post(f"/alerts/{alert}/close", data=form)).status_code == status


async def test_reloading_a_refused_form_leads_to_the_alert(console, reviewer):
    assert (await reviewer.get("/alerts/al_1/close")).headers["location"] == "/alerts/al_1"


async def test_a_reader_sees_but_may_not_act(console, tools):
    alert = await console.open_alert(0x3FA94C21B7D0E815)
    async with tools.browse(console) as reader:
        await tools.sign_in(reader, await console.reviewer("alerts:read", "clients:read"))
        page = await reader.get(f"/alerts/{alert}")
        assert "may read only" in page.text
        assert "Close alert" not in page.text
        assert (await send(reader, tools, alert, "close", disposition="test")).status_code == 403
    assert (await alert_of(console, alert)).state == "new"


async def test_a_token_without_the_scope_sees_nothing(console, tools):
    alert = await console.open_alert(0x3FA94C21B7D0E815)
    async with tools.browse(console) as machine:
        await tools.sign_in(machine, await console.reviewer("metrics:read"))
        for path in (
            "/alerts",
            f"/alerts/{alert}",
            f"/alerts/{alert}/markdown",
            "/alerts/arrivals",
            "/alerts/next",
            "/clients",
        ):
            answer = await machine.get(path)
            assert answer.status_code == 403, path
            assert HARVESTER not in answer.text
        assert (await machine.get("/status")).status_code == 200


async def test_the_next_alert_is_the_gravest_other_new_one(console, reviewer):
    ids = await console.seed()
    assert (await reviewer.get(f"/alerts/next?after={ids['critical']}")).headers["location"] == f"/alerts/{ids['new']}"
    assert (await reviewer.get("/alerts/next")).headers["location"] == f"/alerts/{ids['critical']}"


async def test_hostile_text_is_escaped_everywhere(console, reviewer, tools):
    alert = await console.open_alert(0xBAD, sentence=tools.hostile)
    await send(reviewer, tools, alert, "close", disposition="test", note=tools.hostile)
    for path in ("/alerts?state=all", f"/alerts/{alert}", f"/clients/{client_ref(0xBAD)}"):
        text = (await reviewer.get(path)).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "{{7*7}}" in text


async def test_a_score_that_rose_since_the_alert_opened_is_said(console, reviewer):
    alert = await console.open_alert(0x3FA94C21B7D0E815, 12.1)
    assert "score since then" not in (await reviewer.get(f"/alerts/{alert}")).text
    await console.open_alert(0x3FA94C21B7D0E815, 16.4, at=console.now + 60, requests=2400)
    page = (await reviewer.get(f"/alerts/{alert}")).text
    assert "score since then up to <b>16.4</b>, which the severity follows" in page
    assert '<span class="big">12.1</span>' in page


async def test_whoever_passes_alerts_over_sees_each_of_them(console, reviewer, tools):
    ids = [await console.open_alert(0xA0 + n, score, sentence="Why.") for n, score in enumerate((16.0, 14.0, 11.0))]
    seen, at = [], ids[0]
    for _ in range(4):
        at = (await reviewer.get(f"/alerts/next?after={at}")).headers["location"].rpartition("/")[2]
        seen.append(at)
    assert seen == [ids[1], ids[2], ids[0], ids[1]]
    assert (await send(reviewer, tools, ids[2], "close", disposition="test")).status_code == 303
    assert (await reviewer.get(f"/alerts/next?after={ids[2]}")).headers["location"] == f"/alerts/{ids[0]}"


async def test_what_the_dispositions_mean_is_text_that_needs_no_mouse(console, reviewer):
    page = (await reviewer.get(f"/alerts/{await console.open_alert(0x3FA94C21B7D0E815)}")).text
    assert "<dt>Duplicate</dt><dd>Handled in another alert</dd>" in page
    assert page.index('id="note"') < page.index("What the dispositions mean")  # Tab goes from the one to the other
