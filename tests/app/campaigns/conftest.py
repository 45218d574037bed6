"""What a pass of the linker says, for the tests of campaigns."""

from __future__ import annotations

import pytest

from app.campaigns.found import Edge, Found, Member
from app.campaigns.record import record
from app.models.campaign import Campaign
from app.store.db import read_scope, session_scope
from detectors.base import Level

NOW = 1_800_000_000.0


def found_of(*clients, key="a1", level=Level.REVIEW, score=14.0, at=NOW, edges=(), requests=40):
    members = {client: Member("the same wording as the others", requests, 0.5) for client in clients}
    edges = edges or (Edge("wording", 0xAB, len(clients), len(clients) + 1, 9.5, "One wording.", clients),)
    sentence = f"{len(clients)} clients send one wording from different networks."
    return Found(key, members, level, score, 9.2, sentence, at, requests * len(clients), edges, {"terms": []})


@pytest.fixture
def found():
    """Makes a found campaign of some clients."""
    return found_of


@pytest.fixture
def now():
    """The moment of the first pass."""
    return NOW


@pytest.fixture
def passed(database):
    """A pass of the linker, in a transaction of its own."""

    async def write(*campaigns, at=NOW):
        async with session_scope(database) as session:
            return await record(session, campaigns, at)

    return write


@pytest.fixture
def campaigns(database):
    """Every campaign there is, oldest first."""

    async def read():
        from sqlalchemy import select

        async with read_scope(database) as session:
            return list(await session.scalars(select(Campaign).order_by(Campaign.id)))

    return read


@pytest.fixture
def members_of(database):
    """The clients of a campaign that have not left."""
    from app.campaigns import queries
    from app.models.client import client_number

    async def read(campaign_id):
        async with read_scope(database) as session:
            return [client_number(one) for one in await queries.member_ids(session, campaign_id)]

    return read
