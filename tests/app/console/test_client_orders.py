"""An order about one client, from its alert's page or its own: a real one only after a look."""

from __future__ import annotations

import re

import pytest

from app.models.client import client_ref
from app.store.decisions import STANDING, parse

NUMBER = 0x3FA94C21B7D0E815
CLIENT = client_ref(NUMBER)
BLOCK = {"action": "block", "duration": "604800", "why": "they resell it"}


async def told(console):
    return [parse(text) for text in (await console.redis.hgetall(STANDING)).values()]


def hidden(page, action):
    form = page.text.split(f'action="{action}"')[1].split("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))


@pytest.fixture
async def places(console):
    """The addresses of both pages."""
    await console.summarise(NUMBER, score=15.2, level=2)
    alert = await console.open_alert(NUMBER, 15.4)
    await console.redis.delete(STANDING)
    return {"alert": f"/alerts/{alert}", "client": f"/clients/{CLIENT}"}


@pytest.mark.parametrize("place", ["alert", "client"])
async def test_a_real_one_is_looked_at_then_confirmed(console, reviewer, tools, places, place):
    path = places[place]
    page = await reviewer.get(path)
    assert f'action="{path}/decide"' in page.text
    look = await reviewer.post(f"{path}/decide", data=BLOCK | {"csrf": tools.form_token(page)})
    assert (look.status_code, await told(console)) == (200, [])
    assert f">Block for 7 days, real: client {CLIENT}</button>" in look.text
    assert "Every request is answered with 403." in look.text
    assert "not before somebody switches to enforce: the mode is observe" in look.text
    fields = hidden(look, f"{path}/decide")
    assert {name: fields[name] for name in BLOCK} == BLOCK
    back = await reviewer.post(f"{path}/decide", data=fields | {"step": "change"})
    assert (back.status_code, await told(console)) == (200, [])
    assert '<option value="block" selected>' in back.text
    done = await reviewer.post(f"{path}/decide", data=fields | {"step": "confirm"})
    assert done.headers["location"] == f"{path}?done=decided"
    assert [(one.action, one.simulated) for one in await told(console)] == [("block", False)]
    assert "Decided: Block for 7 days, real. The gateways" in (await reviewer.get(done.headers["location"])).text


async def test_what_a_real_one_replaces_is_named_before(reviewer, tools, places):
    path = places["client"]
    form = BLOCK | {"csrf": tools.form_token(await reviewer.get(path))}
    simulated = await reviewer.post(f"{path}/decide", data=form | {"simulated": "on"})
    assert simulated.headers["location"] == f"{path}?done=simulated"  # takes one click
    look = await reviewer.post(f"{path}/decide", data=form)
    assert "It replaces what stands:" in look.text
    assert "<b>Block, simulated</b>" in look.text


async def test_a_decision_on_an_alert_stands_in_its_history_until_it_ends(reviewer, tools, places):
    path = places["alert"]
    form = BLOCK | {"csrf": tools.form_token(await reviewer.get(path)), "step": "confirm"}
    await reviewer.post(f"{path}/decide", data=form)
    history = (await reviewer.get(path)).text.split('id="history"')[1].split("</section>")[0]
    assert re.search(r"Decided: Block, real, until [^<]* UTC <span class=\"quiet\">by admin<", history)
    assert "they resell it" in history
    decision = re.findall(r"/decisions/(dc_[0-9a-f-]+)/revoke", (await reviewer.get("/decisions")).text)[0]
    await reviewer.post(f"/decisions/{decision}/revoke", data=form | {"reason": "a mistake"})
    history = (await reviewer.get(path)).text.split('id="history"')[1].split("</section>")[0]
    assert re.search(
        r"Block, real: taken back <span class=\"quiet\">by admin</span></span><p class=\"note\">a mistake<", history
    )
    assert "Block, real: taken back by admin: a mistake" in (await reviewer.get(f"{path}/markdown")).text


async def test_what_is_wrong_is_said_at_its_field_which_gets_the_focus(console, reviewer, tools, places):
    for path in places.values():
        page = await reviewer.get(path)
        form = {"csrf": tools.form_token(page), "action": "throttle", "duration": "3600", "rate": "fast", "why": "x"}
        answer = await reviewer.post(f"{path}/decide", data=form)
        assert answer.status_code == 422
        assert 'value="fast" aria-invalid="true" aria-describedby="rate-problem" autofocus' in answer.text
        assert '<p class="problem" id="rate-problem">Requests a minute: give a number' in answer.text
        assert '<a href="#rate">Requests a minute: give a number' in answer.text
        assert answer.text.count("autofocus") == 2  # the other one is in the dialog of the shortcuts
    assert await told(console) == []


async def test_without_the_scope_there_is_no_form(console, tools, places):
    path = places["client"]
    async with tools.browse(console) as reader:
        await tools.sign_in(reader, await console.reviewer("clients:read"))
        page = await reader.get(path)
        assert "Decide by hand" not in page.text
        answer = await reader.post(f"{path}/decide", data=BLOCK | {"csrf": tools.form_token(page)})
        assert answer.status_code == 403
    async with tools.browse(console) as writer:
        await tools.sign_in(writer, await console.reviewer("clients:read", "decisions:write", name="writer"))
        page = await writer.get(path)
        assert '<option value="degrade"' in page.text
        assert '<option value="block"' not in page.text
        form = BLOCK | {"csrf": tools.form_token(page), "action": "tag", "step": "confirm"}
        assert (await writer.post(f"{path}/decide", data=form)).status_code == 303
        missing = await writer.post("/clients/cl_0000000000000001/decide", data=form)
        assert missing.status_code == 404
        assert (await writer.get(f"{path}/decide")).headers["location"] == path
