"""The way in: with a token, slowly when guessing, and back to where one wanted to go."""

import time

import pytest

from app.console import signin
from app.console.throttle import FAILURES


async def test_in_and_out(console, visitor, tools):
    answer = await tools.sign_in(visitor, following="/clients?level=review")
    assert (answer.status_code, answer.headers["location"]) == (303, "/clients?level=review")
    page = await visitor.get("/alerts")
    assert "admin" in page.text
    out = await visitor.post("/signout", data={"csrf": tools.form_token(page)})
    assert out.headers["location"] == "/signin?out"
    assert "signed out" in (await visitor.get(out.headers["location"])).text
    assert (await visitor.get("/alerts")).status_code == 303


async def test_signing_out_ends_the_session_on_the_server(visitor, tools):
    await tools.sign_in(visitor)
    kept = visitor.cookies["stillwatch_session"]
    await visitor.post("/signout", data={"csrf": tools.form_token(await visitor.get("/alerts"))})
    visitor.cookies.set("stillwatch_session", kept)
    assert (await visitor.get("/alerts")).status_code == 303


@pytest.mark.parametrize("token", ["", "wrong", "x" * 4000, "caf\u00e9", "swt_' OR 1=1 --"])
async def test_a_wrong_token_is_refused_and_never_shown_again(visitor, tools, token):
    answer = await tools.sign_in(visitor, token)
    assert answer.status_code == 401
    assert "not valid" in answer.text
    assert not token or token not in answer.text


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "/signout", "javascript:1"]
)
async def test_the_way_back_never_leaves_the_house(visitor, tools, wanted):
    page = await visitor.get("/signin", params={"next": wanted})
    assert "evil" not in page.text
    assert (await tools.sign_in(visitor, following=wanted)).headers["location"] == "/alerts"


async def test_the_sign_in_form_must_come_from_our_page(console, tools):
    form = {"token": tools.token, "next": "/alerts"}
    async with tools.browse(console) as bare:
        assert (await bare.post("/signin", data=form)).status_code == 403
        page = await bare.get("/signin")
        assert (await bare.post("/signin", data=form)).status_code == 403
        assert (await bare.post("/signin", data=form | {"csrf": tools.form_token(page)})).status_code == 303


async def test_guessing_is_throttled_by_address_and_success_is_not(console, tools):
    async with tools.browse(console, client=("198.51.100.7", 1)) as guesser:
        for _ in range(FAILURES + 3):
            assert (await tools.sign_in(guesser)).status_code == 303
        for _ in range(FAILURES):
            assert (await tools.sign_in(guesser, "wrong")).status_code == 401
        answer = await tools.sign_in(guesser)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert "Too many" in answer.text
    async with tools.browse(console, client=("198.51.100.8", 1)) as other:
        assert (await tools.sign_in(other)).status_code == 303


async def test_a_clock_that_is_set_back_shuts_nobody_out_for_longer(console, tools, monkeypatch):
    async with tools.browse(console, client=("198.51.100.9", 1)) as guesser:
        for _ in range(FAILURES):
            assert (await tools.sign_in(guesser, "wrong")).status_code == 401
        back = time.time() - 7200
        monkeypatch.setattr(signin.time, "time", lambda: back)
        answer = await tools.sign_in(guesser)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 60
