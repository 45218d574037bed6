"""Decisions in pages, the latest made first, narrowed by what a reader asks for."""

from __future__ import annotations

import pytest

from app.alerts import lifecycle
from app.errors import CursorMismatch, NotFound
from app.models.base import moment
from app.policies import manual, queries
from app.policies.manual import Order
from app.policies.queries import DecisionFilter
from app.store.db import read_scope, session_scope

NOW = 1_800_000_100.0


@pytest.fixture
async def filled(database, make_finding):
    """Five clients with the policy's tag each; one of them blocked for an hour, and one tag revoked."""
    async with session_scope(database) as session:
        await lifecycle.record(session, [make_finding(client) for client in range(1, 6)], NOW)
        await manual.make(session, Order("cl_0000000000000001", "block", 3600, "why", simulated=False), "ana", NOW)
        (tag,) = await manual.standing(session, "cl_0000000000000005")
        await manual.revoke(session, tag.id, "why", "ana", NOW + 1)
    return database


async def test_filters_and_pages(filled):
    async def found(now=NOW + 5, **narrowed):
        async with read_scope(filled) as session:
            page = await queries.list_decisions(session, DecisionFilter(**narrowed), None, 50, moment(now))
        return [(int(one.client_id[3:], 16), str(one.action)) for one in page.items]

    assert len(await found()) == 6
    assert (await found())[0] == (1, "block")
    assert len(await found(active=True)) == 5
    assert await found(active=False) == [(5, "tag")]
    assert len(await found(NOW + 7200, active=True)) == 4
    assert await found(simulated=False) == await found(action="block") == [(1, "block")]
    assert sorted(await found(client="cl_0000000000000001")) == [(1, "block"), (1, "tag")]
    async with read_scope(filled) as session:
        assert await queries.counts(session, moment(NOW + 5)) == {False: 1, True: 4}


async def test_a_cursor_leads_on_and_belongs_to_its_filter(filled):
    async with read_scope(filled) as session:
        first = await queries.list_decisions(session, DecisionFilter(), None, 4, moment(NOW))
        second = await queries.list_decisions(session, DecisionFilter(), first.next_cursor, 4, moment(NOW + 99))
        with pytest.raises(CursorMismatch):
            await queries.list_decisions(session, DecisionFilter(active=True), first.next_cursor, 4, moment(NOW))
        one = await queries.get_decision(session, first.items[0].id)
        for name in ("dc_1", "dc_019a8c2e-7b1f-7c3d-9e4f-2a6b8c0d1e2f"):
            with pytest.raises(NotFound):
                await queries.get_decision(session, name)
    assert (len(first.items), len(second.items), second.next_cursor) == (4, 2, None)
    assert one is first.items[0]
