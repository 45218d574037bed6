"""Cookies no script reads, sessions that are renewed and end, forms that must be ours."""

import re
import time
from http.cookies import SimpleCookie

import pytest
import sqlalchemy as sa

from app.access import sessions, tokens
from app.console.session import FORM_BYTES
from app.models.session import ConsoleSession
from app.store.db import read_scope, session_scope


def cookies_of(answer):
    jar = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        jar.load(line)
    return jar


async def rows(console):
    async with read_scope(console.engine) as db:
        return list(await db.scalars(sa.select(ConsoleSession)))


async def test_the_cookie_is_kept_from_scripts_and_other_sites(visitor, tools):
    cookie = cookies_of(await tools.sign_in(visitor))["stillwatch_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    assert cookie["path"] == "/"
    assert int(cookie["max-age"]) == 12 * 3600
    assert not cookie["secure"]
    assert not cookie["domain"]


async def test_behind_tls_it_is_secure_and_bound_to_the_host(sqlite_url, redis_url, tmp_path, tools, migrated):
    migrated(sqlite_url)
    async with (
        tools.console_on(sqlite_url, redis_url, tmp_path, STILLWATCH_CONSOLE_HTTPS="1") as console,
        tools.browse(console, base_url="https://console.test") as visitor,
    ):
        cookie = cookies_of(await tools.sign_in(visitor))["__Host-stillwatch_session"]
        assert cookie["secure"]
        assert (await visitor.get("/alerts")).status_code == 200


async def test_the_database_holds_only_a_hash(console, visitor, tools):
    value = cookies_of(await tools.sign_in(visitor))["stillwatch_session"].value
    [row] = await rows(console)
    assert value not in (row.id, row.csrf)
    assert row.id == tokens.secret_hash(value)


async def test_a_session_set_from_outside_is_never_adopted(console, visitor, tools):
    visitor.cookies.set("stillwatch_session", "chosen-by-an-attacker")
    value = cookies_of(await tools.sign_in(visitor))["stillwatch_session"].value
    assert value != "chosen-by-an-attacker"
    async with tools.browse(console, cookies={"stillwatch_session": "chosen-by-an-attacker"}) as attacker:
        assert (await attacker.get("/alerts")).status_code == 303


async def test_signing_in_again_renews_the_session_and_ends_the_old_one(console, visitor, tools):
    first = cookies_of(await tools.sign_in(visitor))["stillwatch_session"].value
    second = cookies_of(await tools.sign_in(visitor))["stillwatch_session"].value
    assert first != second
    assert [row.id for row in await rows(console)] == [tokens.secret_hash(second)]


async def test_a_session_ends_after_twelve_hours(console, visitor, tools):
    async with session_scope(console.engine) as db:
        principal = await tokens.authenticate(db, tools.token, console.now)
        value = await sessions.begin(db, principal, time.time() - 12 * 3600 - 1)
    visitor.cookies.set("stillwatch_session", value)
    assert (await visitor.get("/alerts")).headers["location"] == "/signin?next=/alerts"


async def test_a_session_ends_with_its_token(console, visitor, tools):
    secret = await console.reviewer("alerts:read")
    await tools.sign_in(visitor, secret)
    assert (await visitor.get("/alerts")).status_code == 200
    async with session_scope(console.engine) as db:
        token = next(item for item in await tokens.list_tokens(db) if item.name == "reader")
        await tokens.revoke_token(db, token.id, console.now)
    assert (await visitor.get("/alerts")).status_code == 303


@pytest.mark.parametrize("token", [None, "", "0" * 43])
@pytest.mark.parametrize("step", ["claim", "close", "reopen"])
async def test_a_form_without_its_token_changes_nothing(console, reviewer, token, step):
    alert = await console.open_alert(0x3FA94C21B7D0E815)
    form = {"version": "1", "disposition": "test", "reason": "x"} | ({} if token is None else {"csrf": token})
    answer = await reviewer.post(f"/alerts/{alert}/{step}", data=form)
    assert answer.status_code == 403
    assert "out of date" in answer.text
    assert "1" in (await reviewer.get(f"/alerts/{alert}")).text
    assert ">New<" in (await reviewer.get(f"/alerts/{alert}")).text


async def test_the_form_token_of_another_session_is_refused(console, reviewer, tools):
    alert = await console.open_alert(0x3FA94C21B7D0E815)
    async with tools.browse(console) as other:
        await tools.sign_in(other)
        stolen = tools.form_token(await other.get(f"/alerts/{alert}"))
    assert (await reviewer.post(f"/alerts/{alert}/claim", data={"version": "1", "csrf": stolen})).status_code == 403


@pytest.mark.parametrize(
    "body", [b"x" * (FORM_BYTES + 1), b"a=%ff", b"&".join(b"f%d=1" % n for n in range(50)), b"\xff\xfe"]
)
async def test_a_form_that_is_not_ours_is_refused(reviewer, body):
    answer = await reviewer.post(
        "/signout", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 422
    assert (await reviewer.get("/alerts")).status_code == 200


async def test_after_signing_in_anew_a_form_that_came_too_late_leads_back_to_its_alert(console, reviewer, tools):
    alert = (await console.seed())["new"]
    token = tools.form_token(await reviewer.get(f"/alerts/{alert}"))
    reviewer.cookies.clear()
    late = await reviewer.post(f"/alerts/{alert}/close", data={"csrf": token, "version": "1", "disposition": "test"})
    form = await reviewer.get(late.headers["location"])
    following = re.search(r'name="next" value="([^"]+)"', form.text).group(1)
    fields = {"csrf": tools.form_token(form), "token": tools.token, "next": following}
    back = await reviewer.post("/signin", data=fields)
    assert back.headers["location"] == f"/alerts/{alert}/close"
    assert (await reviewer.get(back.headers["location"])).headers["location"] == f"/alerts/{alert}"
