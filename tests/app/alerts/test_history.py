"""Each step counts the version up."""

import sqlalchemy as sa

from app.alerts import history
from app.models import AlertEvent
from app.models.base import moment
from app.store.db import read_scope, session_scope

NOW = 1_800_000_100.0


async def test_a_step_is_the_version(database, make_finding):
    from app.alerts import lifecycle
    from app.models import Alert

    async with session_scope(database) as session:
        await lifecycle.record(session, [make_finding()], NOW)
        alert = (await session.scalars(sa.select(Alert))).one()
        history.step(session, alert, "cleared", history.SYSTEM, {"score": 1.0}, NOW + 1)
        history.step(session, alert, "escalated", history.SYSTEM, {"score": 20.0}, NOW + 2)
    async with read_scope(database) as session:
        events = list(await session.scalars(sa.select(AlertEvent).order_by(AlertEvent.sequence)))
        assert [(event.sequence, event.kind) for event in events] == [(1, "opened"), (2, "cleared"), (3, "escalated")]
        assert events[2].at == moment(NOW + 2)
