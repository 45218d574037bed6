"""An order about all members: a look first, then the same order, then back."""

import re

import pytest

ORDER = {"action": "throttle", "duration": "14400", "rate": "6", "burst": "3", "why": "one operator", "simulated": "on"}


@pytest.fixture
async def opened(console):
    return (await console.seed_campaigns())["campaign"]


def hidden(page):
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


async def test_look_decide_and_take_back(console, reviewer, tools, opened):
    path = f"/campaigns/{opened}"
    form = await reviewer.get(f"{path}/order")
    look = await reviewer.post(f"{path}/order", data=ORDER | {"csrf": tools.form_token(form)})
    assert look.status_code == 200
    phrase = "Throttle to 6 requests a minute for 4 hours, simulated: 24 members"
    assert f'<button class="button primary">{phrase}</button>' in look.text
    assert 'id="action"' not in look.text  # no form stands beside the order that another one could be read from
    assert look.text.count("Northwind Analytics") == 1
    fields = hidden(look.text.split(f'action="{path}/decide"')[1].split("</form>")[0])
    assert (fields["expected"], fields["why"]) == ("25", "one operator")
    done = await reviewer.post(f"{path}/decide", data=fields)
    assert done.headers["location"] == f"{path}?done=simulated"
    said = (await reviewer.get(done.headers["location"])).text
    assert "Decided: Throttle, simulated: 24 members. Simulated: the gateways count" in said
    page = await reviewer.get(path)
    assert "<b>Throttle, simulated</b>: 24 members" in page.text
    mute = await reviewer.post(f"{path}/revoke", data={"csrf": tools.form_token(page), "version": "2", "reason": " "})
    assert '<p class="problem" id="revoke_reason-problem">Say why.</p>' in mute.text
    back = await reviewer.post(
        f"{path}/revoke", data={"csrf": tools.form_token(page), "version": "2", "reason": "their own run"}
    )
    assert back.headers["location"] == f"{path}?done=revoked"
    assert "Revoked: 24 decisions. The gateways" in (await reviewer.get(back.headers["location"])).text
    assert "24 decisions taken back" in (await reviewer.get(path)).text


async def test_an_order_is_changed_by_way_of_its_form(reviewer, tools, opened):
    path = f"/campaigns/{opened}"
    order = {name: value for name, value in ORDER.items() if name != "simulated"} | {"action": "block"}
    form = await reviewer.get(f"{path}/order")
    look = await reviewer.post(f"{path}/order", data=order | {"csrf": tools.form_token(form)})
    assert ">Block for 4 hours, real: 24 members</button>" in look.text
    assert f'name="step" value="change" formaction="{path}/order">' in look.text
    fields = hidden(look.text.split(f'action="{path}/decide"')[1].split("</form>")[0])
    again = await reviewer.post(f"{path}/order", data=fields | {"step": "change"})
    assert '<option value="block" selected>' in again.text
    assert 'name="simulated">' in again.text
    assert f'action="{path}/decide"' not in again.text


async def test_a_wrong_order_keeps_what_was_entered(reviewer, tools, opened):
    path = f"/campaigns/{opened}/order"
    form = await reviewer.get(path)
    answer = await reviewer.post(path, data=ORDER | {"csrf": tools.form_token(form), "rate": "many"})
    assert answer.status_code == 422
    assert "Requests a minute" in answer.text
    assert "one operator" in answer.text


async def test_a_campaign_that_grew_since_is_not_decided_about(reviewer, tools, opened):
    path = f"/campaigns/{opened}"
    form = await reviewer.get(f"{path}/order")
    data = ORDER | {"csrf": tools.form_token(form), "version": "1", "expected": "24"}
    answer = await reviewer.post(f"{path}/decide", data=data)
    assert answer.status_code == 409
    assert "25 members now, not 24" in answer.text
