"""The strongest edges of a campaign, replaced as a whole where they changed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.found import EDGES_KEPT, HOLDERS_KEPT, Edge, Found
from app.models.campaign_edge import CampaignEdge
from app.models.client import client_number, client_ref
from app.store.page import digest


async def write(session: AsyncSession, campaign_id: str, found: Found, before: str = "") -> str:
    """Replace the stored edges by the strongest ones; returns their mark. Writes nothing where it is known."""
    edges = sorted(found.edges, key=lambda edge: (-edge.weight, edge.kind, edge.token))[:EDGES_KEPT]
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


def stored(row: CampaignEdge) -> Edge:
    """An edge as the linker said it."""
    holders = tuple(client_number(client) for client in row.holders)
    return Edge(row.kind, int(row.token, 16), row.members, row.clients, row.weight, row.sentence, holders)
