"""What was typed outlives a session that ended in the middle, and nothing of it is carried out unseen."""

from __future__ import annotations

import re
from html import unescape

import pytest
from starlette.requests import Request

from app.console import door
from app.models.client import client_ref

NUMBER = 0x3FA94C21B7D0E815
OURS = {"origin": "http://console.test"}


def hidden(page):
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    return {name: unescape(value) for name, value in found}


@pytest.fixture
async def alert(console):
    await console.summarise(NUMBER, score=15.2, level=2)
    return await console.open_alert(NUMBER, 15.4)


async def go_on(visitor, tools, path, form):
    """Send a form without a session, sign in, and go on with what was entered."""
    visitor.cookies.clear()
    page = await visitor.post(path, data=form | {"csrf": "of a session that ended"}, headers=OURS)
    assert (page.status_code, page.headers.get("location")) == (401, None)
    assert "What you entered is kept" in page.text
    wrong = await visitor.post("/signin", data=hidden(page) | {"token": "mistyped"})
    assert wrong.status_code == 401
    page = await visitor.post("/signin", data=hidden(wrong) | {"token": tools.token})
    assert "Nothing was changed yet." in page.text
    assert f'action="{path}"' in page.text
    assert tools.token not in page.text
    again = await visitor.post(path, data=hidden(page) | {"step": "change"})
    assert again.status_code == 200
    return again.text


async def test_a_note_is_in_its_form_again(visitor, tools, alert):
    form = {"version": "1", "disposition": "test", "note": "<b>ten minutes of typing</b>"}
    page = await go_on(visitor, tools, f"/alerts/{alert}/close", form)
    assert ">&lt;b&gt;ten minutes of typing&lt;/b&gt;</textarea>" in page
    assert '<option value="test" selected' in page
    assert "Close alert" in page  # it is not closed


@pytest.mark.parametrize("place", ["alert", "client"])
async def test_an_order_is_in_its_form_again_and_was_not_given(console, visitor, tools, alert, place):
    path = f"/alerts/{alert}" if place == "alert" else f"/clients/{client_ref(NUMBER)}"
    form = {"action": "block", "duration": "3600", "why": "they resell it", "step": "confirm"}
    page = await go_on(visitor, tools, f"{path}/decide", form)
    assert '<option value="block" selected' in page
    assert "they resell it</textarea>" in page
    assert "<b>Block</b>" not in page


async def test_what_was_typed_about_a_campaign_is_there_again(console, visitor, tools):
    path = f"/campaigns/{(await console.seed_campaigns())['campaign']}"
    order = {"action": "block", "duration": "3600", "why": "one operator", "expected": "25", "version": "1"}
    page = await go_on(visitor, tools, f"{path}/decide", order)
    assert "one operator</textarea>" in page
    page = await go_on(visitor, tools, f"{path}/revoke", {"reason": "their own run", "version": "1"})
    assert "None stands." in page
    member = client_ref(NUMBER)
    page = await go_on(visitor, tools, f"{path}/split", {f"m_{member}": "on", "split_reason": "two customers"})
    assert f'name="m_{member}" aria-label="Move {member} out" checked>' in page
    assert 'value="two customers"' in page


async def test_a_reason_to_revoke_is_there_again(console, visitor, tools, alert):
    await tools.sign_in(visitor)
    path = re.search(r'action="(/decisions/dc_[^"]+)"', (await visitor.get("/decisions")).text).group(1)
    page = await go_on(visitor, tools, path, {"reason": "a mistake"})
    assert 'value="a mistake"' in page
    assert '<details class="revoke" open>' in page


@pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
async def test_nothing_is_kept_that_another_site_may_have_sent(visitor, origin):
    headers = {"origin": origin} if origin else {}
    answer = await visitor.post("/alerts/al_1/close", data={"note": "not mine"}, headers=headers)
    assert answer.headers["location"] == "/signin?next=/alerts/al_1/close&unsaved"


@pytest.mark.parametrize(("note", "kept"), [("short", {"note": "short"}), ("ä" * door.MOST, {})])
def test_only_what_the_sign_in_form_can_carry_is_kept(note, kept):
    headers = [(b"origin", b"https://console.test"), (b"host", b"console.test")]
    request = Request({"type": "http", "headers": headers, "state": {"form": {"note": note, "csrf": "x", "step": "y"}}})
    assert door.keeps(request) == kept
