"""The menu shows what the page would show, and nothing that it would refuse."""

import html
import re

import pytest

from app.access.scopes import SCOPES
from app.console import menu

READS = ("alerts:read", "clients:read", "metrics:read")


def shown(page):
    """The addresses of the main menu, and where the mark leads."""
    nav = re.search(r"<nav.*?</nav>", page, re.S).group()
    return re.findall(r'href="([^"]+)"', nav), re.search(r'class="brand" href="([^"]+)"', page).group(1)


@pytest.mark.parametrize("scope", [*READS, "alerts:write"])
async def test_an_entry_is_shown_where_its_page_opens_and_nowhere_else(console, tools, scope):
    secret = await console.reviewer(scope)
    async with tools.browse(console) as visitor:
        landed = (await tools.sign_in(visitor, secret)).headers["location"]
        help_page = (await visitor.get("/help")).text
        answers = {entry.path: (await visitor.get(entry.path)).status_code for entry in menu.ENTRIES}
    opened = [path for path, status in answers.items() if status == 200]
    assert set(answers.values()) <= {200, 403}
    assert shown(help_page) == (opened, landed)
    assert landed == (opened or ["/help"])[0]
    for entry in menu.ENTRIES:
        assert (f"Go to the {entry.goes}<" in help_page) == (entry.path in opened), entry.path
        assert (f'data-key="g {entry.key}"' in help_page) == (entry.path in opened), entry.path


async def test_an_administrator_sees_every_page_and_where_it_stands(reviewer):
    for entry in menu.ENTRIES:
        page = (await reviewer.get(entry.path)).text
        assert shown(page) == ([one.path for one in menu.ENTRIES], "/alerts")
        assert re.findall(r'href="([^"]+)" data-key="g ." aria-current="page"', page) == [entry.path]


async def links(visitor, paths):
    """All addresses that the pages at `paths`, and those that they lead to, link to; with their answers' statuses."""
    found = {}
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path in found or path.startswith(("/assets", "/signout")):
            continue
        answer = await visitor.get(path)
        found[path] = answer.status_code
        if answer.status_code == 200 and answer.headers["content-type"].startswith("text/html"):
            waiting += [html.unescape(one).partition("#")[0] for one in re.findall(r'href="(/[^"]+)"', answer.text)]
    return found


@pytest.mark.parametrize("scope", READS)
async def test_no_page_links_to_a_refusal(console, tools, scope):
    await console.seed()
    await console.seed_campaigns()
    await console.beat("gateway", dropped=14.0)  # which the line above a list tells
    secret = await console.reviewer(scope)
    async with tools.browse(console) as visitor:
        landed = (await tools.sign_in(visitor, secret)).headers["location"]
        found = await links(visitor, [landed, "/alerts?state=closed"] if scope == "alerts:read" else [landed])
    assert [path for path, status in found.items() if status == 403] == []


async def test_a_notice_names_the_status_page_to_those_who_may_read_it(console, tools, reviewer):
    """No process lives, so each list says so."""
    secret = await console.reviewer("alerts:read")
    async with tools.browse(console) as visitor:
        await tools.sign_in(visitor, secret)
        for path in ("/alerts", "/campaigns"):
            page, other = (await visitor.get(path)).text, (await reviewer.get(path)).text
            assert "/status" not in page
            assert page.count("Your token may not read the system status.") == other.count(">System status</a>") == 2


async def test_who_asked_for_a_page_gets_that_page_or_its_refusal(console, tools):
    secret = await console.reviewer("metrics:read")
    async with tools.browse(console) as visitor:
        answer = await tools.sign_in(visitor, secret, following="/clients?level=review")
    assert answer.headers["location"] == "/clients?level=review"


def test_entries_name_scopes_that_exist():
    assert {entry.scope for entry in menu.ENTRIES} == set(READS) <= set(SCOPES)
