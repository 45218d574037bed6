"""The strongest edges of a campaign, replaced as a whole where they changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import queries
from app.campaigns.found import EDGES_KEPT, HOLDERS_KEPT, Edge
from app.models.campaign_edge import CampaignEdge
from app.models.client import client_number, client_ref
from app.store.page import digest


async def read(session: AsyncSession, campaign_id: str) -> list[Edge]:
    """The stored edges, the strongest first, with the members that are named of each."""
    return [
        Edge(
            kind=one.kind,
            token=int(one.token, 16),
            members=one.members,
            clients=one.clients,
            weight=one.weight,
            sentence=one.sentence,
            holders=tuple(client_number(client) for client in one.holders),
        )
        for one in await queries.edges(session, campaign_id)
    ]


async def write(session: AsyncSession, campaign_id: str, found: Iterable[Edge], before: str = "") -> str:
    """Replace the stored edges by the strongest of these; returns their mark. Writes nothing where it is known."""
    edges = sorted(found, key=lambda edge: (-edge.weight, edge.kind, edge.token))[:EDGES_KEPT]
    mark = digest([(edge.kind, edge.token, edge.members, edge.clients, round(edge.weight, 1)) for edge in edges])
    if mark == before:
        return mark
    connection = await session.connection()
    await connection.execute(sa.delete(CampaignEdge).where(CampaignEdge.campaign_id == campaign_id))
    if edges:
        rows = [{"campaign_id": campaign_id, "rank": rank, **values(edge)} for rank, edge in enumerate(edges, 1)]
        await connection.execute(sa.insert(CampaignEdge), rows)
    return mark


def values(edge: Edge) -> dict[str, Any]:
    """An edge as the database keeps it, but for its campaign and its rank there."""
    return {
        "kind": edge.kind[:64],
        "token": f"{edge.token:016x}",
        "members": int(edge.members),
        "clients": int(edge.clients),
        "weight": float(edge.weight),
        "sentence": edge.sentence,
        "holders": [client_ref(client) for client in edge.holders[:HOLDERS_KEPT]],
    }
