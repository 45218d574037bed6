"""What goes wrong becomes a page that says what to do; nothing of the frame is needed for it."""

import pytest
from starlette.requests import Request

from app.console import route
from app.errors import Unavailable


@pytest.mark.parametrize("path", ["/alerts", "/alerts/al_1", "/clients?level=review", "/status", "/help"])
async def test_without_a_session_a_page_leads_to_the_sign_in_and_back(visitor, path):
    answer = await visitor.get(path)
    assert answer.status_code == 303
    target = answer.headers["location"]
    page = await visitor.get(target)
    assert f'name="next" value="{path}"' in page.text
    assert ("Sign in to open the page that you asked for." in page.text) is (path != "/alerts")


async def test_a_form_without_a_session_leads_to_the_sign_in(visitor):
    answer = await visitor.post("/alerts/al_1/close", data={})
    assert answer.headers["location"] == "/signin?next=/alerts/al_1/close&unsaved"
    page = await visitor.get(answer.headers["location"])
    assert "so nothing was changed" in page.text
    assert 'class="notice warn"' in page.text
    assert (await visitor.post("/signout", data={})).headers["location"] == "/signin?next=/alerts"


async def test_a_script_without_a_session_is_told_so(visitor):
    for headers in ({"accept": "application/json"}, {"accept": "text/html", "sec-fetch-mode": "cors"}):
        assert (await visitor.get("/alerts/arrivals", headers=headers)).status_code == 401


async def test_a_link_from_another_site_takes_one_more_hop(visitor):
    answer = await visitor.get("/alerts/al_1?x=%22%3E%3Cb%3E", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0; url=/alerts/al_1?' in answer.text
    assert "<b>" not in answer.text


async def test_what_is_not_there_is_said(reviewer):
    for path in ("/alerts/al_missing", "/clients/cl_0000000000000000", "/clients/%27%3B--", "/alerts/%00"):
        answer = await reviewer.get(path)
        assert answer.status_code == 404, path
        assert "mistyped, or belong to another installation" in answer.text
        assert "Nothing is here" in answer.text


async def test_a_cursor_of_another_list_is_explained(console, reviewer):
    answer = await reviewer.get("/alerts", params={"cursor": "bm9uc2Vuc2U"})
    assert answer.status_code == 400
    assert "Start again from the first page." in answer.text
    assert "no cursor of ours" not in answer.text
    answer = await reviewer.get("/clients", params={"level": "watch", "cursor": "bm9uc2Vuc2U"})
    assert '<a class="button" href="/clients?level=watch">Go to the first page</a>' in answer.text


async def test_the_database_away_is_a_503_that_says_what_still_works(console, reviewer, tmp_path):
    await console.engine.dispose()
    (tmp_path / "test.db").rename(tmp_path / "gone.db")
    (tmp_path / "test.db").mkdir()
    try:
        answer = await reviewer.get("/alerts")
    finally:
        (tmp_path / "test.db").rmdir()
        (tmp_path / "gone.db").rename(tmp_path / "test.db")
    assert answer.status_code == 503
    assert "model API are not affected" in answer.text
    assert (await reviewer.get("/alerts")).status_code == 200


def test_an_error_needs_no_frame():
    request = Request({"type": "http", "path": "/alerts", "query_string": b"", "headers": []})
    page = route.failure(Unavailable("the database does not answer"), request)
    assert page.status_code == 503
    assert b"The database does not answer." in page.body
    assert b"<nav" not in page.body
