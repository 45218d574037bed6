"""What reviewers said is read as it was written, and can be taken back client by client."""

from app.campaigns import constraints
from app.models.campaign_constraint import CANNOT, MUST
from app.models.client import client_ref
from app.store.db import session_scope

NOW = 1_800_000_100.0


async def test_written_read_and_lifted(database, passed, campaigns, found):
    await passed(found(1, 2, 3, 4))
    (one,) = await campaigns()
    refs = [client_ref(number) for number in (1, 2, 3, 4)]
    async with session_scope(database) as session:
        await constraints.add(session, CANNOT, one.id, (refs[:2], refs[2:]), "why", "ana", NOW)
        await constraints.add(session, MUST, one.id, (refs,), "why", "ana", NOW)
        found_now = await constraints.load(session)
        assert found_now.cannot == ((frozenset({1, 2}), frozenset({3, 4})),)
        assert found_now.must == (frozenset({1, 2, 3, 4}),)
        assert await constraints.lift(session, CANNOT, refs[2:]) == 2
        found_now = await constraints.load(session)
        assert (found_now.cannot, len(found_now.must)) == ((), 1)
