"""Each step counts the version up."""

import sqlalchemy as sa

from app.campaigns import history
from app.models.campaign import Campaign
from app.models.campaign_event import CampaignEvent
from app.store.db import read_scope, session_scope


async def test_a_step_is_the_version(database, passed, campaigns, found):
    await passed(found(1, 2, 3))
    async with session_scope(database) as session:
        one = (await session.scalars(sa.select(Campaign))).one()
        history.step(session, one, "claimed", "ana", {}, 1_800_000_100.0)
        history.step(session, one, "closed", "ana", {}, 1_800_000_100.0)
    async with read_scope(database) as session:
        steps = list(await session.scalars(sa.select(CampaignEvent).order_by(CampaignEvent.sequence)))
    (kept,) = await campaigns()
    assert [(step.sequence, step.kind) for step in steps] == [(1, "opened"), (2, "claimed"), (3, "closed")]
    assert kept.version == 3
