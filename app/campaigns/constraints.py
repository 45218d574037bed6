"""What reviewers said about who belongs together, kept for ever: written by split and merge, read by the linker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.identity import Constraints
from app.models.base import moment, new_id
from app.models.campaign_constraint import CANNOT, MUST, CampaignConstraint, CampaignSide
from app.models.client import client_number

CHUNK = 500  # rows of one statement


async def load(session: AsyncSession) -> Constraints:
    """Every constraint that stands, in the order in which they were made."""
    kinds = dict((await session.execute(sa.select(CampaignConstraint.id, CampaignConstraint.kind))).all())
    sides: dict[tuple[str, int], set[int]] = defaultdict(set)
    query = sa.select(CampaignSide.constraint_id, CampaignSide.client_id, CampaignSide.side)
    for name, client, side in await session.execute(query):
        sides[name, side].add(client_number(client))
    cannot = tuple(
        (frozenset(sides[name, 0]), frozenset(sides[name, 1]))
        for name in sorted(kinds)
        if kinds[name] == CANNOT and sides[name, 0] and sides[name, 1]
    )
    must = tuple(frozenset(sides[name, 0]) for name in sorted(kinds) if kinds[name] == MUST and sides[name, 0])
    return Constraints(cannot, must)


async def add(
    session: AsyncSession,
    kind: str,
    campaign_id: str,
    sides: Sequence[Iterable[str]],
    reason: str,
    actor: str,
    now: float,
) -> None:
    """Write a constraint about clients that exist."""
    made = CampaignConstraint(
        id=new_id("cc", now), campaign_id=campaign_id, kind=kind, reason=reason, made_by=actor, made_at=moment(now)
    )
    session.add(made)
    await session.flush()
    rows = [
        {"constraint_id": made.id, "client_id": client, "side": side}
        for side, clients in enumerate(sides)
        for client in sorted(set(clients))
    ]
    for start in range(0, len(rows), CHUNK):
        await session.execute(sa.insert(CampaignSide), rows[start : start + CHUNK])


async def lift(session: AsyncSession, kind: str, clients: Iterable[str]) -> int:
    """Take clients out of the constraints of a kind: a reviewer said the opposite later. How many entries went."""
    names = sorted(set(clients))
    gone = 0
    for start in range(0, len(names), CHUNK):
        of_kind = sa.select(CampaignConstraint.id).where(CampaignConstraint.kind == kind)
        query = sa.delete(CampaignSide).where(
            CampaignSide.client_id.in_(names[start : start + CHUNK]), CampaignSide.constraint_id.in_(of_kind)
        )
        gone += (await session.execute(query.execution_options(synchronize_session=False))).rowcount  # type: ignore[attr-defined]
    return gone
