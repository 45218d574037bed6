"""Pages neither repeat nor lose a row, whatever is added between them, in both directions."""

import base64
import json

import pytest
import sqlalchemy as sa

from app.errors import CursorMismatch, InvalidInput
from app.models import Client
from app.models.base import moment
from app.models.client import client_ref
from app.store.db import read_scope, session_scope
from app.store.page import LIMIT, Key, digest, paginate, sort_keys

NOW = 1_800_000_000.0
MARK = digest("clients")
SORTS = {"score": Client.score, "last_seen": Client.last_seen, "requests": Client.requests, "group": Client.peer_group}


def a_client(number, score, at=NOW, requests=0):
    return Client(
        id=client_ref(number),
        first_seen=moment(at),
        last_seen=moment(at),
        requests=requests,
        in_tokens=0,
        out_tokens=0,
        level=0,
        score=score,
        peer_group="a",
    )


async def add(engine, *clients):
    async with session_scope(engine) as session:
        session.add_all(clients)


async def page(engine, sort, cursor, limit, mark=MARK):
    async with read_scope(engine) as session:
        return await paginate(session, sa.select(Client), sort_keys(sort, SORTS, Client.id), mark, cursor, limit)


async def walk(engine, sort, limit, between=None):
    found, cursor = [], None
    while True:
        here = await page(engine, sort, cursor, limit)
        found += [client.id for client in here.items]
        if not here.has_more:
            return found
        if between is not None:
            await between()
        cursor = here.next_cursor


@pytest.mark.parametrize("sort", ["score", "-score", "-last_seen", "requests,-score", "-group,last_seen"])
@pytest.mark.parametrize("limit", [1, 7, 50])
async def test_every_row_once_in_order(database, sort, limit):
    await add(database, *(a_client(n, n % 5 / 3, NOW + n % 7, n % 3) for n in range(50)))
    found = await walk(database, sort, limit)
    async with read_scope(database) as session:
        keys = sort_keys(sort, SORTS, Client.id)
        order = [key.column.desc() if key.descending else key.column.asc() for key in keys]
        assert found == list(await session.scalars(sa.select(Client.id).order_by(*order)))
    assert len(set(found)) == 50


async def test_rows_added_meanwhile_neither_repeat_nor_hide_others(database):
    await add(database, *(a_client(n, float(n)) for n in range(0, 40, 2)))
    added = iter(range(1, 80, 2))

    async def between():
        number = next(added)
        await add(database, a_client(number, float(number)), a_client(1000 + number, 1000.0 + number))

    before = {client_ref(n) for n in range(0, 40, 2)}
    found = await walk(database, "-score", 3, between)
    assert len(found) == len(set(found))
    assert before <= set(found)


async def test_back_again_the_same_way(database):
    await add(database, *(a_client(n, n / 7) for n in range(10)))
    first = await page(database, "-score", None, 4)
    second = await page(database, "-score", first.next_cursor, 4)
    third = await page(database, "-score", second.next_cursor, 4)
    assert (first.prev_cursor, third.next_cursor, len(third.items)) == (None, None, 2)
    back = await page(database, "-score", third.prev_cursor, 4)
    assert [c.id for c in back.items] == [c.id for c in second.items]
    front = await page(database, "-score", back.prev_cursor, 4)
    assert [c.id for c in front.items] == [c.id for c in first.items]
    assert front.prev_cursor is None
    await add(database, a_client(99, 99.0))
    newer = await page(database, "-score", second.prev_cursor, 10)
    assert newer.items[0].id == client_ref(99)


async def test_an_empty_table_is_one_empty_page(database):
    empty = await page(database, "score", None, 10)
    assert (empty.items, empty.next_cursor, empty.prev_cursor, empty.has_more) == ([], None, None, False)


async def test_a_cursor_of_another_filter_is_refused(sqlite_database):
    await add(sqlite_database, *(a_client(n, float(n)) for n in range(3)))
    first = await page(sqlite_database, "score", None, 1)
    with pytest.raises(CursorMismatch, match="another filter"):
        await page(sqlite_database, "score", first.next_cursor, 1, digest("other"))


def text(*parts):
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%%%",
        "\u00e9",
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
        text(),
        text("n"),
        text("x", MARK, 1.0, "a"),
        text("n", MARK, 1.0),
        text("n", MARK, "a", "a"),
        text("n", MARK, True, "a"),
        text("n", MARK, 2**70, "a"),
        text("n", MARK, 1.0, "a\0"),
        text("n", MARK, None, None),
        text("n", MARK, [], {}),
        text("n", [], 1.0, "a"),
    ],
)
async def test_what_is_no_cursor_is_refused(sqlite_database, cursor):
    with pytest.raises(CursorMismatch):
        await page(sqlite_database, "score", cursor, 1)


async def test_a_date_beyond_the_calendar_is_refused(sqlite_database):
    with pytest.raises(CursorMismatch):
        await page(sqlite_database, "last_seen", text("n", MARK, 2**62, "a"), 1)


@pytest.mark.parametrize("limit", [0, -1, LIMIT + 1])
async def test_limits_are_bounded(sqlite_database, limit):
    with pytest.raises(InvalidInput, match="limit"):
        await page(sqlite_database, "score", None, limit)


@pytest.mark.parametrize("sort", ["secret_hash", "--score", "score,other", "score," * 40])
def test_only_named_columns_sort(sort):
    with pytest.raises(InvalidInput, match="sort: choose from score"):
        sort_keys(sort, SORTS, Client.id)


def test_the_tie_breaker_ends_every_order():
    assert sort_keys("score,-requests", SORTS, Client.id)[-1] == Key(Client.id, descending=False)
    assert sort_keys("", SORTS, Client.id) == (Key(Client.id, descending=True),)
