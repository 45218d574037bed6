"""The router as a whole: what a visitor reaches, and under which rules."""

import re

import pytest


async def test_home_leads_to_the_alerts(visitor):
    answer = await visitor.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")


async def test_every_answer_carries_the_policy(console, reviewer):
    ids = await console.seed()
    paths = ["/", "/signin", "/alerts", "/alerts/arrivals", f"/alerts/{ids['new']}", f"/alerts/{ids['new']}/markdown"]
    for path in [*paths, "/clients", "/status", "/help", "/alerts/al_missing", "/static/app.js", "/static/none"]:
        headers = (await reviewer.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'"), path
        assert headers["x-content-type-options"] == "nosniff", path
        assert "no-store" in headers["cache-control"] or path.startswith("/static/"), path


async def test_pages_hold_nothing_inline(console, reviewer):
    ids = await console.seed()
    for path in ("/alerts", f"/alerts/{ids['critical']}", "/clients", "/status", "/help", "/signin"):
        text = (await reviewer.get(path)).text
        assert not re.search(r"<[^>]+\s(?:style|on[a-z]+)=", text), path
        assert text.count("<script") == 1, path


@pytest.mark.parametrize("kind", ["sqlite_url", "postgres_database"])
async def test_pages_work_on_both_databases(request, redis_url, tmp_path, tools, kind, migrated):
    url = request.getfixturevalue(kind)
    migrated(url)
    async with tools.console_on(url, redis_url, tmp_path) as console:
        ids = await console.seed()
        async with tools.browse(console) as visitor:
            await tools.sign_in(visitor)
            for path in ("/alerts?state=all", f"/alerts/{ids['closed']}", "/clients", "/status"):
                assert (await visitor.get(path)).status_code == 200, path


async def test_an_unknown_address_is_a_page_for_people_and_not_for_machines(visitor):
    page = await visitor.get("/nowhere/at/all", headers={"accept": "text/html,*/*"})
    assert page.status_code == 404
    assert "Nothing is here" in page.text
    for path, accept in (("/nowhere", "application/json"), ("/api/v1/nowhere", "text/html"), ("/metrics", "text/html")):
        answer = await visitor.get(path, headers={"accept": accept})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/json", path
