"""What reviewers said about who belongs together, kept until they say otherwise: read by the linker and every pass.

Split and merge each take back what they contradict, and nothing else: what was said of third clients stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import identity
from app.campaigns.identity import Constraints, Sides
from app.models.base import moment, new_id
from app.models.campaign_constraint import CANNOT, MUST, CampaignConstraint, CampaignSide
from app.models.client import client_number, client_ref
from app.store.db import chunks


async def load(session: AsyncSession) -> Constraints:
    """Every constraint that stands, in the order in which they were made."""
    cannot = await _sides(session, CampaignConstraint.kind == CANNOT)
    must = await _sides(session, CampaignConstraint.kind == MUST)
    return Constraints(
        tuple(cannot[name] for name in sorted(cannot) if all(cannot[name])),
        tuple(must[name][0] for name in sorted(must)),
    )


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
    for some in chunks(rows):
        await session.execute(sa.insert(CampaignSide), some)


async def unite(session: AsyncSession, clients: Iterable[str]) -> None:
    """Keep no two of these clients apart any longer: a reviewer says that they are one."""
    numbers = frozenset(map(client_number, clients))
    for made, sides in await _naming(session, CANNOT, numbers):
        left = identity.united(sides, numbers)
        if left != [sides]:
            await _replace(session, made, left)


async def divide(session: AsyncSession, staying: Iterable[str], moving: Iterable[str]) -> None:
    """Hold nobody of one side together with one of the other any longer: a reviewer says that they are two."""
    stays, moves = frozenset(map(client_number, staying)), frozenset(map(client_number, moving))
    for made, (group, _) in await _naming(session, MUST, moves):
        left = identity.divided(group, stays, moves)
        if left != [group]:
            await _replace(session, made, [(part,) for part in left])


async def _replace(session: AsyncSession, made: CampaignConstraint, left: Iterable[Sequence[frozenset[int]]]) -> None:
    """Put what is left of a constraint in its place, as said by the same reviewer at the same time."""
    await session.execute(sa.delete(CampaignSide).where(CampaignSide.constraint_id == made.id))
    await session.delete(made)
    at = made.made_at.timestamp()
    for sides in left:
        named = [map(client_ref, clients) for clients in sides]
        await add(session, made.kind, made.campaign_id, named, made.reason, made.made_by, at)


async def _naming(session: AsyncSession, kind: str, clients: frozenset[int]) -> list[tuple[CampaignConstraint, Sides]]:
    """The constraints of a kind that name any of the clients, locked, in the order in which they were made.

    Looked for until none is new: another reviewer may have put others in the place of those that were waited for.
    """
    found: dict[str, CampaignConstraint] = {}
    looked: set[str] = set()
    while fresh := await _names(session, kind, clients) - looked:
        looked |= fresh
        for some in chunks(sorted(fresh)):
            query = sa.select(CampaignConstraint).where(CampaignConstraint.id.in_(some))
            rows = await session.scalars(query.order_by(CampaignConstraint.id).with_for_update())
            found.update({one.id: one for one in rows})
    sides: dict[str, Sides] = {}
    for some in chunks(sorted(found)):
        sides |= await _sides(session, CampaignSide.constraint_id.in_(some))
    return [(found[name], sides[name]) for name in sorted(sides)]


async def _names(session: AsyncSession, kind: str, clients: frozenset[int]) -> set[str]:
    """The ids of the constraints of a kind that name any of the clients."""
    names: set[str] = set()
    query = sa.select(CampaignSide.constraint_id).join(CampaignConstraint).where(CampaignConstraint.kind == kind)
    for some in chunks([client_ref(client) for client in sorted(clients)]):
        names.update(await session.scalars(query.where(CampaignSide.client_id.in_(some)).distinct()))
    return names


async def _sides(session: AsyncSession, which: sa.ColumnElement[bool]) -> dict[str, Sides]:
    """The clients on the two sides of constraints; none on the second where the kind has one side."""
    found: dict[str, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    query = sa.select(CampaignSide.constraint_id, CampaignSide.client_id, CampaignSide.side).join(CampaignConstraint)
    for name, client, side in await session.execute(query.where(which)):
        found[name][side].add(client_number(client))
    return {name: (frozenset(one), frozenset(other)) for name, (one, other) in found.items()}
