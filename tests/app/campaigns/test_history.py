"""Each step counts the version up; others are told of what is to be reviewed, once."""

import sqlalchemy as sa

from app.campaigns import history
from app.models.campaign import Campaign
from app.models.outbox import OutboxMessage
from app.store.db import read_scope, session_scope
from detectors.base import Level


async def test_steps_are_counted_and_only_reviews_are_told(database, passed, campaigns, found):
    await passed(found(1, 2, 3), found(7, 8, key="b", level=Level.WATCH))
    async with session_scope(database) as session:
        for one in await session.scalars(sa.select(Campaign)):
            history.step(session, one, "closed", "ana", {}, 1_800_000_100.0)
            history.step(session, one, "claimed", "ana", {}, 1_800_000_100.0)
    async with read_scope(database) as session:
        told = list(await session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)))
    review, watched = await campaigns()
    assert (review.version, watched.version) == (3, 3)
    assert [one.topic for one in told] == ["campaign.opened", "campaign.closed"]
    assert {one.payload["campaign_id"] for one in told} == {review.id}
    assert "cl_" not in str([one.payload for one in told])
