"""The dashboard in a real browser: keyboard, themes, narrow screens, no script, hostile text."""

import re
import time

import numpy as np
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from app.campaigns import organisations
from app.campaigns.found import Edge
from app.campaigns.organisations import Line, Table
from app.models.client import client_ref
from app.store.db import session_scope
from app.store.stream import partition_of, row_key
from detectors.event import EVENT

pytestmark = pytest.mark.asyncio(loop_scope="session")

WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def seeded(served):
    """The ids of the seeded alerts."""
    return await served.seed() | await served.seed_campaigns()


@pytest_asyncio.fixture(loop_scope="session")
async def opened(chromium, served, seeded):
    """A function that opens a page in a fresh browser profile, signed in unless told otherwise."""
    contexts = []

    async def make(*, signed_in=True, width=1280, **options):
        await served.beat("gateway", "extractor", "worker")
        context = await chromium.new_context(viewport={"width": width, "height": 860}, base_url=served.url, **options)
        contexts.append(context)
        await context.add_init_script(WATCH_POLICY)
        page = await context.new_page()
        page.set_default_timeout(60_000)
        if signed_in:
            await sign_in(page)
        return page

    yield make
    for context in contexts:
        await context.close()


async def sign_in(page):
    await page.goto("/signin")
    await page.fill("#token", "an-admin-token-for-tests")
    await page.press("#token", "Enter")
    await page.wait_for_url("**/alerts")


def newest():
    """A moment later than that of every alert so far, whichever test opened it."""
    return time.time() + 600


def addresses(seeded):
    client = client_ref(0x3FA94C21B7D0E815)
    return {
        "list": "/alerts",
        "all": "/alerts?state=all&sort=-score",
        "nothing fits": "/alerts?client=nothing-like-it",
        "alert": f"/alerts/{seeded['critical']}",
        "in review": f"/alerts/{seeded['claimed']}",
        "closed": f"/alerts/{seeded['closed']}?done=closed",
        "campaigns": "/campaigns?level=all",
        "no campaigns": "/campaigns?state=closed",
        "campaign": f"/campaigns/{seeded['campaign']}",
        "order": f"/campaigns/{seeded['campaign']}/order",
        "clients": "/clients",
        "decisions": "/decisions",
        "no decisions": "/decisions?shown=ended&client=cl_0000000000000001",
        "client": f"/clients/{client}",
        "status": "/status",
        "help": "/help",
        "missing": "/alerts/al_missing",
        "sign-in": "/signin",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_accessible_and_keeps_to_its_policy(opened, seeded, scheme):
    page = await opened(color_scheme=scheme)
    for name, address in addresses(seeded).items():
        await page.goto(address)
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        assert await page.evaluate("window.violations") == [], name
        assert await page.locator("h1").count() == 1, name
    grounds = {"light": "rgb(243, 245, 245)", "dark": "rgb(14, 20, 19)"}
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == grounds[scheme]


async def test_no_page_scrolls_sideways_on_a_narrow_screen(opened, seeded):
    page = await opened(width=390)
    for name, address in addresses(seeded).items():
        await page.goto(address)
        wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, name


@pytest.mark.parametrize("width", [1280, 390])
async def test_what_ties_a_campaign_is_whole_at_any_width(opened, served, width):
    ring = [0xFB0000 + place for place in range(5)]
    edges = tuple(
        Edge("network", number, 3, 9 + number, 9.8 - number, f"They come from network {number}.", tuple(ring[:3]))
        for number in range(10)
    )
    page = await opened(width=width)
    await page.goto(f"/campaigns/{await served.open_campaign(*ring, at=newest(), key='tied', edges=edges)}")
    for cell in await page.locator(".edges > table td, .edges > table tbody th").all():
        await expect(cell).to_be_visible()
        box = await cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert await page.locator(".edges > table tbody tr").count() == 8
    assert await page.locator(".edges tbody th").first.evaluate("cell => cell.offsetWidth") >= 190
    for part in await page.locator(".edges, .edges *").all():  # nothing is cut off inside a box of its own
        assert await part.evaluate("one => getComputedStyle(one).overflowY") in ("visible", "clip", "hidden"), part
        assert await part.evaluate("one => one.scrollHeight - one.clientHeight <= 1 || one.closest('.sr, thead, td')")
    await page.locator(".edges summary").click()
    assert await page.locator(".edges details tbody tr").count() == 2
    await expect(page.locator(".edges details tbody tr").last).to_contain_text("They come from network 9.")


async def test_the_underscore_of_an_id_is_told_from_the_line_below_a_link(opened, seeded):
    page = await opened()
    for name in ("list", "alert", "decisions"):
        await page.goto(addresses(seeded)[name])
        style = await page.locator("a.id").first.evaluate(
            "link => [getComputedStyle(link).textUnderlineOffset, getComputedStyle(link).textDecorationLine]"
        )
        assert style == ["5px", "underline"], name


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_long_name_pushes_nothing_out_of_sight(opened, served, width):
    ring, name = [0xFA0000 + place for place in range(5)], "W" * 120
    await served.summarise(*ring, score=3.0, account=name)
    campaign = await served.open_campaign(*ring, at=newest(), key="long")
    line = Line(client_ref(ring[0]), name)
    async with session_scope(served.engine) as db:
        await organisations.give(db, Table(False, (line,)), "ana", served.now, verified=True)
    events = np.zeros(30, EVENT)
    events["client"], events["model"], events["status"], events["at"] = ring[0], 78, 200, served.now - 60
    rows = served.app.state.scoring.empty(np.array(ring[:1], np.uint64))
    served.app.state.scoring.step(rows, events, served.now)
    place = int(partition_of(np.array(ring[:1], np.uint64), served.app.state.settings.partitions)[0])
    await served.redis.set(row_key(place, ring[0]), rows[0].tobytes())
    await served.redis.hset("names:models", "0000004e", name)
    page = await opened(width=width)
    for address in (f"/clients?account={name}", f"/campaigns/{campaign}", f"/clients/{client_ref(ring[0])}"):
        await page.goto(address)
        assert name in await page.content()
        hidden = (
            "[...document.querySelectorAll('.sheet, .card')].filter((box) => box.scrollWidth > box.clientWidth).length"
        )
        assert await page.evaluate(hidden) == 0, address


async def test_from_sign_in_to_a_closed_alert_with_the_keyboard_alone(opened, served):
    alert = await served.open_alert(0xABCDEF01, 15.0, sentence="It wraps everything in one wording.", at=newest())
    page = await opened(signed_in=False)
    await page.goto("/")
    await expect(page.locator("#token")).to_be_focused()
    await page.keyboard.type("an-admin-token-for-tests")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{served.url}/alerts")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("j")
    first = page.locator("a[data-row]").first
    await expect(first).to_be_focused()
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await expect(first).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/alerts/{alert}")
    await page.keyboard.press("c")
    await expect(page.locator("#disposition")).to_be_focused()
    await page.keyboard.type("Distillation c")
    await page.keyboard.press("Tab")
    await page.keyboard.type("ask j and c and g q: typing is not a shortcut")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".notice.good")).to_contain_text("Closed.")
    await expect(page).to_have_url(re.compile(f"/alerts/{alert}$"))  # the script takes off what says it
    await expect(page.locator("main")).to_contain_text("Distillation confirmed")
    await page.keyboard.press("g")
    await page.keyboard.press("c")
    await page.wait_for_url("**/clients")


async def test_a_page_needs_no_script(opened, seeded):
    page = await opened(java_script_enabled=False)
    await page.click("a[data-row] >> nth=0")
    await page.wait_for_url("**/alerts/al_*")
    await page.click("summary >> nth=0")
    await expect(page.locator("details[open] td").first).to_contain_text("UTC")
    await page.click("text=Copy as Markdown")
    await page.wait_for_url("**/markdown")  # a busy machine shows the old page for a moment
    assert (await page.content()).count("## Why") == 1
    await page.goto(f"/alerts/{seeded['closed']}")
    await page.fill("#reason", "new facts")
    await page.click("button:has-text('Reopen')")
    await page.wait_for_url("**?done=reopened")
    await page.select_option("#disposition", "benign_expected")
    await page.click("button:has-text('Close alert')")
    await page.wait_for_url("**?done=closed")
    await page.click("text=Sign out")
    await page.wait_for_url("**/signin?out")


async def test_a_decision_is_made_and_revoked_without_a_script(opened, served, seeded):
    page = await opened(java_script_enabled=False, width=390)
    await page.goto(f"/alerts/{seeded['new']}")
    await page.click("text=Make a decision about this client")
    await expect(page.locator("[name=simulated]")).to_be_checked()
    await page.select_option("#action", "degrade")
    await page.fill("#why-decide", "no need for that many answers")
    await page.click("button:has-text('Decide')")
    await expect(page.locator("[role=alert]")).to_contain_text("Nothing was changed")
    await expect(page.locator("#why-decide")).to_have_value("no need for that many answers")
    await expect(page.locator("#max_n")).to_be_focused()  # though no script runs, and the page is long
    await expect(page.locator("#max_n-problem")).to_be_in_viewport()
    await page.fill("#max_n", "1")
    await page.uncheck("[name=simulated]")
    await page.click("button:has-text('Decide')")
    await expect(page.locator("h1")).to_have_text("Degrade for 4 hours, real?")
    await page.click("button:has-text('Change the order')")
    await expect(page.locator("#max_n")).to_have_value("1")
    await page.click("button:has-text('Decide')")
    await page.click("button:has-text('Degrade for 4 hours, real: client cl_')")
    await page.wait_for_url("**?done=decided")
    await expect(page.locator("main")).to_contain_text("At most 1 answer to a prompt")
    await page.click("text=All decisions about this client")
    row = page.locator("tr", has_text="Degrade")
    await row.locator("summary").click()
    await row.locator("input[type=text]").fill("asked their engineer")
    await row.locator("button").click()
    await page.wait_for_url("**/decisions?client=cl_*&done=revoked")
    await page.goto("/decisions?shown=ended")
    await expect(page.locator("main")).to_contain_text("asked their engineer (admin)")


async def test_what_was_typed_outlives_a_session_that_ends(opened, served):
    alert = await served.open_alert(0x5E55, 14.0, sentence="Somebody types for long.")
    page = await opened(java_script_enabled=False, width=390)
    await page.goto(f"/alerts/{alert}")
    await page.select_option("#disposition", "test")
    await page.fill("#note", "ten minutes\nof typing")
    await page.context.clear_cookies()
    await page.click("button:has-text('Close alert')")
    await expect(page.locator(".notice.warn")).to_contain_text("What you entered is kept")
    await page.fill("#token", "an-admin-token-for-tests")
    await page.press("#token", "Enter")
    await page.click("button:has-text('Go on with what was entered')")
    await expect(page.locator("#note")).to_have_value("ten minutes\nof typing")
    await page.click("button:has-text('Close alert')")
    await page.wait_for_url("**?done=closed")


async def test_hostile_text_stays_text(opened, served, tools):
    hostile = tools.hostile
    alert = await served.open_alert(0xBAD, 15.1, sentence=hostile)
    page = await opened()
    dialogs = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for address in ("/alerts?state=all", f"/alerts/{alert}", f"/clients/{client_ref(0xBAD)}"):
        await page.goto(address)
        assert hostile in await page.locator("main").inner_text()
        assert "49" not in await page.title()
    await page.goto(f"/alerts/{alert}")
    await page.select_option("#disposition", "test")
    await page.fill("#note", hostile)
    await page.click("button:has-text('Close alert')")
    await expect(page.locator(".notice.good")).to_contain_text("Closed.")
    assert await page.locator(".note", has_text=hostile).count() == 1
    assert await page.evaluate("window.violations") == []
    assert dialogs == []


async def test_arrivals_wait_behind_a_button(opened, served):
    page = await opened()
    await page.clock.install()
    await page.goto("/alerts?state=all")
    rows = await page.locator("a[data-row]").all_inner_texts()
    await served.open_alert(0xFEED, 13.0, sentence="It came while somebody was reading.", at=newest())
    await page.clock.fast_forward("00:16")
    button = page.locator("[data-new]")
    await expect(button).to_have_text("1 new alert")
    await expect(page.locator("#said")).to_have_text("1 new alert")
    assert await page.locator("a[data-row]").all_inner_texts() == rows
    await button.click()
    await expect(page.locator("a[data-row]").first).to_contain_text("It came while")


async def test_a_link_from_another_site_finds_the_reviewer_signed_in(opened, served, seeded):
    page = await opened()
    wanted = f"{served.url}/alerts/{seeded['critical']}"
    await page.goto(served.url.replace("127.0.0.1", "localhost") + "/signin")
    await page.evaluate("address => { location.href = address }", wanted)
    await page.wait_for_url(wanted)
    await expect(page.locator("h1")).to_contain_text("It wraps 94 %")


async def test_copying_and_help(opened, seeded):
    page = await opened(permissions=["clipboard-read", "clipboard-write"])
    await page.goto(f"/alerts/{seeded['critical']}")
    await page.keyboard.press("m")
    await expect(page.locator("#said")).to_contain_text("clipboard")
    text = await page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("# It wraps 94 %")
    await page.keyboard.press("?")
    await expect(page.locator("#shortcuts")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#shortcuts")).to_be_hidden()
    await page.goto("/help")
    await page.click("[data-shortcuts-toggle]")
    await page.goto("/alerts")
    await page.keyboard.press("?")
    await expect(page.locator("#shortcuts")).to_be_hidden()


async def test_print_leaves_the_controls_out(opened, seeded):
    page = await opened()
    await page.goto(f"/alerts/{seeded['critical']}")
    await page.emulate_media(media="print")
    for selector in (".top", ".actions", ".foot"):
        await expect(page.locator(selector)).to_be_hidden()
    await expect(page.locator("h1")).to_be_visible()


async def test_a_colleague_who_was_faster_is_explained(opened, served):
    alert = await served.open_alert(0xC011, 14.0, sentence="Two people read this one.")
    mine, theirs = await opened(), await opened()
    await mine.goto(f"/alerts/{alert}")
    await theirs.goto(f"/alerts/{alert}")
    await theirs.click("button:has-text('Claim')")
    await expect(theirs.locator(".notice.good")).to_contain_text("Claimed")
    await mine.select_option("#disposition", "false_positive")
    await mine.fill("#note", "three minutes of typing")
    await mine.click("button:has-text('Close alert')")
    await expect(mine.locator("[role=alert]")).to_contain_text("Nothing was changed")
    await expect(mine.locator("#note")).to_have_value("three minutes of typing")
    await mine.click("button:has-text('Close alert')")
    await expect(mine.locator(".notice.good")).to_contain_text("Closed.")
