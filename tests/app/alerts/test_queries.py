"""Lists and reads of alerts on both kinds of database."""

import pytest

from app.alerts import lifecycle, queries
from app.alerts.queries import AlertFilter
from app.errors import InvalidInput, NotFound
from app.models.base import moment
from app.models.vocabulary import Severity, State
from app.store.db import read_scope, session_scope

NOW = 1_800_000_100.0


@pytest.fixture
async def filled(database, make_finding):
    """Three alerts of clients 1, 2, 3: low, medium and critical; the last is closed."""
    for number, score in ((1, 9.5), (2, 12.0), (3, 20.0)):
        async with session_scope(database) as session:
            await lifecycle.record(session, [make_finding(number, score=score)], NOW + number)
    async with session_scope(database) as session:
        (alert,) = (await queries.list_alerts(session, AlertFilter(severities=("critical",)), None, 10)).items
        await lifecycle.close(session, alert.id, "other_abuse", "", "ada", 1, NOW + 9)
    return database


async def found(engine, **fields):
    async with read_scope(engine) as session:
        page = await queries.list_alerts(session, AlertFilter(**fields), None, 50)
    return [int(alert.client_id[3:], 16) for alert in page.items]


async def test_filters_and_orders(filled):
    assert await found(filled) == [3, 2, 1]
    assert await found(filled, sort="score") == [1, 2, 3]
    assert await found(filled, sort="-severity,created_at") == [3, 2, 1]
    assert await found(filled, states=("new", "in_review")) == [2, 1]
    assert await found(filled, severity_gte=Severity.MEDIUM) == [3, 2]
    assert await found(filled, severities=("low", "critical")) == [3, 1]
    assert await found(filled, client="cl_0000000000000002") == [2]
    assert await found(filled, created_gte=moment(NOW + 2), created_lt=moment(NOW + 3)) == [2]
    assert await found(filled, q="ONE TEMPLATE") == [3, 2, 1]
    assert await found(filled, q="%") == [3, 2, 1]  # the sentence has a percent sign in it
    assert await found(filled, q="_template") == []
    with pytest.raises(InvalidInput):
        await found(filled, sort="note")


async def test_one_alert_and_its_history(filled):
    async with read_scope(filled) as session:
        (alert,) = (await queries.list_alerts(session, AlertFilter(states=("closed",)), None, 10)).items
        assert (await queries.get_alert(session, alert.id)).id == alert.id
        assert [event.kind for event in await queries.history(session, alert.id)] == ["opened", "closed"]
        first = await queries.history_page(session, alert.id, None, 1)
        second = await queries.history_page(session, alert.id, first.next_cursor, 1)
        assert [event.kind for event in (*first.items, *second.items)] == ["opened", "closed"]
        assert [label.verdict for label in await queries.labels_of(session, alert.client_id)] == ["unsure"]


@pytest.mark.parametrize("name", ["", "x", "al_\0", "al_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"])
async def test_what_is_not_there(database, name):
    async with read_scope(database) as session:
        for read in (queries.get_alert, queries.history):
            with pytest.raises(NotFound):
                await read(session, name)


async def test_counts_have_every_state(filled, database):
    async with read_scope(filled) as session:
        assert await queries.counts_by_state(session) == {State.NEW: 2, State.IN_REVIEW: 0, State.CLOSED: 1}
