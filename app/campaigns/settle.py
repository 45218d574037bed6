"""What holds whatever is written: a client is in one open campaign at most, and no open one holds two kept apart.

Members who have to leave do so here, and what a campaign says of its size follows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import constraints, history, identity, members
from app.campaigns.identity import Constraints
from app.models.base import moment
from app.models.campaign import Campaign
from app.models.campaign_member import CampaignMember
from app.models.client import client_ref
from app.models.vocabulary import Disposition, State
from app.store.db import LINKING_LOCK, chunks, take_turns
from detectors.base import Level

GROWN = 2.0  # times its size at the last word of it: worth a step of history
ELSEWHERE = "it belongs to another campaign now"
KEPT_APART = "a reviewer keeps it apart from others"
Crowd = Mapping[int, CampaignMember]


async def alone(session: AsyncSession) -> None:
    """Begin a transaction that changes who is in which campaign: no other one, nor the linker, does so meanwhile.

    Else a pass could open a campaign for clients that a split is just moving into one.
    """
    await take_turns(session, LINKING_LOCK)


async def settle(
    session: AsyncSession, campaign: Campaign, clients: Collection[int], now: float, *, keeps: bool = True
) -> None:
    """Set right which open campaigns hold clients of whom a reviewer just said something.

    `keeps`: whether those who are in this campaign and in another one stay in this one.
    """
    await session.flush()
    held = sorted(await _holding(session, clients), key=lambda one: (one.id == campaign.id) != keeps)
    crowds = await members.present(session, [one.id for one in held])
    said = await constraints.load(session)
    home: dict[int, str] = {}
    for one in held:
        crowd: Crowd = crowds[one.id]
        elsewhere = crowd.keys() & home.keys()
        if crowd and len(elsewhere) == len(crowd):
            await members.leave(session, crowd.values(), ELSEWHERE, now)
            absorb(session, one, min(home[client] for client in elsewhere), now)
            continue
        crowd = await leave(session, one, crowd, elsewhere, ELSEWHERE, now)
        crowd = await keep_apart(session, one, crowd, said, now)
        home.update(dict.fromkeys(crowd, one.id))
    await session.flush()


async def keep_apart(
    session: AsyncSession, campaign: Campaign, crowd: Crowd, said: Constraints, now: float
) -> dict[int, CampaignMember]:
    """Who may stay in an open campaign: of members that are kept apart the most do, and the others leave."""
    groups = identity.apart(frozenset(crowd), said) if crowd else []
    return await leave(session, campaign, crowd, frozenset[int]().union(*groups[1:]), KEPT_APART, now)


async def leave(
    session: AsyncSession, campaign: Campaign, crowd: Crowd, leaving: Collection[int], reason: str, now: float
) -> dict[int, CampaignMember]:
    """Some leave, at once; who is left."""
    rest = {client: one for client, one in crowd.items() if client not in leaving}
    if len(rest) < len(crowd):
        await members.leave(session, [crowd[client] for client in leaving], reason, now)
        count(campaign, rest.values())
        shrink(session, campaign, now)
        if is_outdated(campaign):
            clear(session, campaign, now)
    return rest


def count(campaign: Campaign, crowd: Collection[CampaignMember]) -> None:
    """Size and requests as the members have them, where no reading says it."""
    campaign.size, campaign.requests = len(crowd), sum(one.requests for one in crowd)


def shrink(session: AsyncSession, campaign: Campaign, now: float) -> None:
    """A step of history where half of the members left since the last word of its size."""
    if GROWN * campaign.size <= int(campaign.latest.get("told_size") or campaign.evidence.get("size") or 1):
        campaign.latest = campaign.latest | {"told_size": campaign.size}
        history.step(session, campaign, "shrank", history.SYSTEM, {"size": campaign.size}, now)


def is_outdated(campaign: Campaign) -> bool:
    """Whether most of whom the newest reading is about belong to another campaign: it says nothing of the rest."""
    return 2 * campaign.size < int(campaign.latest.get("size") or 0)


def clear(session: AsyncSession, campaign: Campaign, now: float) -> None:
    """The level falls, where there is one; what was at review stays in the queue."""
    if campaign.level < Level.WATCH:
        return
    campaign.reached = max(campaign.reached, campaign.level)
    campaign.level = int(Level.NONE)
    history.step(session, campaign, "cleared", history.SYSTEM, {"size": campaign.size}, now)


def shut(campaign: Campaign, disposition: Disposition, note: str, actor: str, now: float) -> None:
    """Set what a closed campaign carries."""
    campaign.state, campaign.disposition = State.CLOSED, disposition
    campaign.closed_at, campaign.closed_by = moment(now), actor
    campaign.closed_size, campaign.note = campaign.size, note or None


def absorb(session: AsyncSession, campaign: Campaign, into: str, now: float) -> None:
    """Close a campaign all of whose members another one took over; the reviewer finds the way by `merged_into`."""
    note = "All its members were found to belong to another campaign."
    shut(campaign, Disposition.DUPLICATE, note, history.SYSTEM, now)
    campaign.merged_into = into
    count(campaign, ())
    history.step(session, campaign, "merged", history.SYSTEM, {"into": into}, now)


async def homes(session: AsyncSession, clients: Iterable[int]) -> dict[int, str]:
    """The open campaign that each of these clients is in, if it is in one."""
    found = await members.present(session, [one.id for one in await _holding(session, list(clients))])
    wanted = frozenset(clients)
    return {client: name for name, crowd in found.items() for client in crowd if client in wanted}


async def _holding(session: AsyncSession, clients: Collection[int]) -> list[Campaign]:
    """The open campaigns that hold any of the clients, locked in one order."""
    names: set[str] = set()
    query = sa.select(CampaignMember.campaign_id).join(Campaign, Campaign.id == CampaignMember.campaign_id)
    query = query.where(CampaignMember.left_at.is_(None), Campaign.state != State.CLOSED).distinct()
    refs = [client_ref(client) for client in sorted(clients)]
    for part in chunks(refs):
        names.update(await session.scalars(query.where(CampaignMember.client_id.in_(part))))
    found: list[Campaign] = []
    ordered = sorted(names)
    for part in chunks(ordered):
        some = sa.select(Campaign).where(Campaign.id.in_(part)).order_by(Campaign.id)
        found += await session.scalars(some.with_for_update().execution_options(populate_existing=True))
    return found
