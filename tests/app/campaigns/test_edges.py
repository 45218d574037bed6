"""Edges are bounded and replaced as a whole."""

from app.campaigns import edges, queries
from app.campaigns.found import EDGES_KEPT, HOLDERS_KEPT, Edge
from app.store.db import read_scope, session_scope


async def test_only_the_strongest_are_kept_with_some_of_their_holders(database, passed, campaigns, found):
    many = tuple(
        Edge("wording", token, 500, 900, float(token % 300), "", tuple(range(1, 501)))
        for token in range(1, EDGES_KEPT + 60)
    )
    await passed(found(*range(1, 501), edges=many))
    (one,) = await campaigns()
    async with read_scope(database) as session:
        kept = await queries.edges(session, one.id)
    assert len(kept) == EDGES_KEPT
    assert [edge.rank for edge in kept] == list(range(1, EDGES_KEPT + 1))
    assert min(edge.weight for edge in kept) > 50
    assert {len(edge.holders) for edge in kept} == {HOLDERS_KEPT}


async def test_the_mark_changes_with_what_is_worth_writing(database, passed, campaigns, found):
    await passed(found(1, 2, 3))
    (one,) = await campaigns()
    async with session_scope(database) as session:
        first = await edges.write(session, one.id, found(1, 2, 3).edges)
        assert await edges.write(session, one.id, found(1, 2, 3).edges, first) == first
        assert await edges.write(session, one.id, found(1, 2, 3, 4).edges, first) != first
