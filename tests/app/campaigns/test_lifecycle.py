"""A campaign's life in review: one verdict for all, and a way back."""

import pytest

from app.alerts import lifecycle as alerts
from app.campaigns import lifecycle, queries
from app.clients import queries as clients
from app.errors import Conflict, InvalidInput, NotFound, PreconditionFailed, PreconditionRequired
from app.models.client import client_ref
from app.models.vocabulary import State
from app.store.db import read_scope, session_scope

LATER = 1_800_000_500.0


@pytest.fixture
async def one(passed, campaigns, found):
    await passed(found(1, 2, 3))
    return (await campaigns())[0]


async def test_claim_close_and_reopen_step_by_step(database, one):
    async with session_scope(database) as session:
        claimed = await lifecycle.claim(session, one.id, "ana", 1, LATER)
        assert (claimed.state, claimed.assignee, claimed.version) == (State.IN_REVIEW, "ana", 2)
        with pytest.raises(Conflict):
            await lifecycle.claim(session, one.id, "ben", 2, LATER)
        closed = await lifecycle.close(session, one.id, "distillation_confirmed", "sure", "ana", 2, LATER)
        assert (closed.campaign.state, closed.campaign.closed_size, closed.alerts) == (State.CLOSED, 3, 0)
        with pytest.raises(Conflict):
            await lifecycle.close(session, one.id, "test", "", "ana", 3, LATER)
        back = await lifecycle.reopen(session, one.id, "new facts", "ana", 3, LATER)
        assert (back.state, back.disposition, back.closed_at, back.assignee) == (State.NEW, None, None, None)
    async with read_scope(database) as session:
        steps = await queries.history(session, one.id)
    assert [step.kind for step in steps] == ["opened", "claimed", "closed", "reopened"]
    assert [step.sequence for step in steps] == [1, 2, 3, 4]
    assert steps[2].data["disposition"] == "distillation_confirmed"


async def test_closing_takes_the_members_open_alerts_along_on_request_only(database, one, make_finding):
    async with session_scope(database) as session:
        await alerts.record(session, [make_finding(1), make_finding(2), make_finding(77)], LATER)
        closed = await lifecycle.close(
            session, one.id, "false_positive", "a course", "ana", 1, LATER + 1, with_alerts=True
        )
        assert closed.alerts == 2
        assert len(closed.ended) == 2
    async with read_scope(database) as session:
        (mine,) = await clients.alerts_of(session, client_ref(1))
        (other,) = await clients.alerts_of(session, client_ref(77))
    assert (mine.state, mine.disposition) == (State.CLOSED, "false_positive")
    assert one.id in mine.note
    assert other.state == State.NEW
    assert closed.campaign.version == 2


async def test_a_stale_or_missing_version_and_a_wrong_word_are_refused(database, one):
    async with session_scope(database) as session:
        with pytest.raises(PreconditionFailed):
            await lifecycle.claim(session, one.id, "ana", 7, LATER)
        with pytest.raises(PreconditionRequired):
            await lifecycle.claim(session, one.id, "ana", None, LATER)
        with pytest.raises(InvalidInput):
            await lifecycle.close(session, one.id, "bogus", "", "ana", 1, LATER)
        with pytest.raises(NotFound):
            await lifecycle.claim(session, "cp_nothing", "ana", 1, LATER)
        with pytest.raises(Conflict):
            await lifecycle.reopen(session, one.id, "why", "ana", 1, LATER)
