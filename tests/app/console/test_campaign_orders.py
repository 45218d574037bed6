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
    assert "Decide about 24 members" in look.text
    assert look.text.count("Northwind Analytics") == 1
    fields = hidden(look.text.split(f'action="{path}/decide"')[1].split("</form>")[0])
    assert (fields["expected"], fields["why"]) == ("25", "one operator")
    done = await reviewer.post(f"{path}/decide", data=fields)
    assert done.headers["location"] == f"{path}?done=simulated"
    page = await reviewer.get(path)
    assert "<b>Throttle, simulated</b>: 24 members" in page.text
    back = await reviewer.post(
        f"{path}/revoke", data={"csrf": tools.form_token(page), "version": "2", "reason": "their own run"}
    )
    assert back.headers["location"] == f"{path}?done=revoked"
    assert "24 decisions taken back" in (await reviewer.get(path)).text


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
