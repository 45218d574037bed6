"""Write down what the linker found: new campaigns, joins, leaves and levels, in the caller's transaction.

Saying the same pass twice changes nothing the second time. Nothing here commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.alerts.evidence import instant, jsonable
from app.campaigns import constraints, edges, history, identity, members, settle
from app.campaigns.clock import set_right
from app.campaigns.found import Found
from app.campaigns.identity import Constraints, Known
from app.models.base import moment, new_id
from app.models.campaign import OURS, Campaign
from app.models.campaign_member import CampaignMember
from app.models.vocabulary import Disposition, State
from detectors.base import Level

FORMAT = 1  # of the frozen document
CALM_SECONDS = 3600.0  # without being found, after which a campaign counts as calm
LEAVE_SECONDS = 7 * 86400.0  # without being linked, after which a member has left
PAST_SECONDS = 30 * 86400.0  # without being found, after which a closed campaign is past
BENIGN = frozenset({Disposition.BENIGN_EXPECTED, Disposition.FALSE_POSITIVE, Disposition.TEST})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many campaigns a pass opened, and how many it refreshed."""

    opened: int
    refreshed: int


@dataclass(slots=True)
class _Pass:
    """What a pass has done so far."""

    campaigns: Mapping[str, Campaign]  # that were there before it
    crowd: Mapping[str, dict[int, CampaignMember]]  # their members then
    said: Constraints
    now: float
    opened: int = 0
    refreshed: int = 0
    matched: set[str] = field(default_factory=set)  # campaigns that are not closed and were found
    claimed: dict[int, str] = field(default_factory=dict)  # client: the one of these that has it
    covered: dict[int, str] = field(default_factory=dict)  # client: the closed one that it was found in again

    def claim(self, campaign: Campaign, found: Found) -> None:
        """Everybody who was found is a member of this campaign, and of no other that is not closed."""
        self.matched.add(campaign.id)
        self.claimed.update(dict.fromkeys(found.members, campaign.id))

    def taken(self, name: str) -> dict[int, str]:
        """Who has whom, as it concerns the members of one campaign.

        A closed campaign takes its own back from one that was found without them, and from no other: whom a reviewer
        is to judge never vanishes from the queue because of an earlier verdict.
        """
        return self.covered | self.claimed if name in self.matched else self.claimed


async def record(session: AsyncSession, found: Iterable[Found], now: float) -> Outcome:
    """Open, refresh and re-open campaigns by what a pass found; reviewers' constraints are obeyed here too.

    Only a finding of the level WATCH or higher opens one. Everybody of a found campaign is a member of exactly
    one campaign that is not closed, unless a closed one goes on as before: then whoever was in another stays there.
    """
    campaigns = {campaign.id: campaign for campaign in await _standing(session, now)}
    crowd = await members.present(session, campaigns)
    set_right([*campaigns.values(), *(one for some in crowd.values() for one in some.values())], now)
    said = await constraints.load(session)
    for name, standing in campaigns.items():
        if standing.state != State.CLOSED:  # an earlier release could bring together who is kept apart
            crowd[name] = await settle.keep_apart(session, standing, crowd[name], said, now)
    known = [Known(name, frozenset(crowd[name]), one.state != State.CLOSED, one.key) for name, one in campaigns.items()]
    done = _Pass(campaigns, crowd, said, now)
    goes_on: list[tuple[Found, Campaign]] = []
    for one, same in identity.place(found, known, said):
        campaign = campaigns.get(same or "")
        if campaign is not None and _is_older(one, campaign):
            continue
        if campaign is None or campaign.state != State.CLOSED:
            await _take(session, done, one, campaign)
        elif _outgrew(campaign, one, crowd[campaign.id]):
            await _begin(session, done, one, campaign)
        else:
            goes_on.append((one, campaign))
    await _go_on(session, done, goes_on, [one for one in known if one.open and one.id not in done.matched])
    for name, campaign in campaigns.items():
        if campaign.state != State.CLOSED:
            await _let_go(session, campaign, crowd[name], done.taken(name), now, name in done.matched)
    await session.flush()
    return Outcome(done.opened, done.refreshed)


async def _take(session: AsyncSession, done: _Pass, found: Found, campaign: Campaign | None) -> None:
    """The newest word on an open campaign, or a new one where it is worth one."""
    if campaign is not None:
        await _refresh(session, campaign, found, done.crowd[campaign.id], done.now)
        done.refreshed += 1
        done.claim(campaign, found)
    elif found.level >= Level.WATCH:
        await _begin(session, done, found, None)


async def _begin(session: AsyncSession, done: _Pass, found: Found, before: Campaign | None) -> None:
    done.claim(await _open(session, found, before, done.now), found)
    done.opened += 1


async def _go_on(
    session: AsyncSession, done: _Pass, goes_on: Sequence[tuple[Found, Campaign]], left: Iterable[Known]
) -> None:
    """Closed campaigns that were found as before, each perhaps together with one of the open ones that are left.

    The verdict stands for whom it was about. An open one that the others were found in keeps all its members, takes
    whoever is new, and goes by its own number, so that it is known again once the two fall apart.
    """
    others = [one.only(one.members.keys() - done.crowd[closed.id].keys()) for one, closed in goes_on]
    for (one, closed), other, name in zip(goes_on, others, identity.assign(others, left), strict=True):
        own = done.crowd[closed.id]
        await _refresh(session, closed, one, own, done.now)
        done.refreshed += 1
        done.covered.update(dict.fromkeys(own.keys() & one.members.keys(), closed.id))
        beside = done.campaigns.get(name or "")
        if beside is not None and not _is_older(one, beside):
            crowd = frozenset(done.crowd[beside.id])
            part = identity.fitting(one.only(other.members.keys() | (one.members.keys() & crowd)), crowd, done.said)
            await _take(session, done, replace(part, key=beside.key), beside)


def _is_older(found: Found, campaign: Campaign) -> bool:
    """Whether a newer pass was written before this one: it knows better, also who belongs to it."""
    return moment(found.at) < campaign.seen_at


async def _standing(session: AsyncSession, now: float) -> Sequence[Campaign]:
    """The newest episode of every campaign that was not merged away, locked in one order.

    A closed one that was not found for a month is left alone: what comes after that is another campaign. So is an open
    one that has nobody left: it is known by its members, so nothing is found of it, and only a reviewer closes it.
    """
    is_open = Campaign.state != State.CLOSED
    lately = sa.or_(
        sa.and_(is_open, Campaign.size > 0), sa.and_(sa.not_(is_open), Campaign.seen_at > moment(now - PAST_SECONDS))
    )
    later = sa.orm.aliased(Campaign)
    followed = sa.exists().where(later.previous_id == Campaign.id)
    query = sa.select(Campaign).where(Campaign.merged_into.is_(None), sa.not_(followed), lately).order_by(Campaign.id)
    found = await session.scalars(query.with_for_update().execution_options(populate_existing=True))
    return list(found)


def _outgrew(campaign: Campaign, found: Found, crowd: dict[int, Any]) -> bool:
    """Whether a closed campaign went on: a fifth more members since its closing, half more after a benign verdict."""
    if found.level < Level.REVIEW:
        return False
    least, share = (3, 0.5) if campaign.disposition in BENIGN else (2, 0.2)
    fresh = len(found.members.keys() - crowd.keys())
    return fresh >= max(least, share * (campaign.closed_size or 0))


def document(found: Found) -> dict[str, Any]:
    """The newest word on a campaign, as JSON."""
    said: dict[str, Any] = jsonable(
        {
            "at": instant(found.at),
            "level": int(found.level),
            "score": found.score,
            "threshold": found.threshold,
            "size": len(found.members),
            "requests": found.requests,
            "sentence": found.sentence,
            **found.evidence,
        }
    )
    return said


async def _open(session: AsyncSession, found: Found, before: Campaign | None, now: float) -> Campaign:
    campaign_id = new_id("cp", now)
    said = document(found)
    campaign = Campaign(
        id=campaign_id,
        key=found.key,
        episode=before.episode + 1 if before is not None else 1,
        previous_id=before.id if before is not None else None,
        state=State.NEW,
        level=int(found.level),
        reached=int(found.level),
        score=float(found.score),
        threshold=float(found.threshold),
        size=len(found.members),
        requests=found.requests,
        sentence=found.sentence,
        evidence={"format": FORMAT, "id": campaign_id, **said},
        latest=said,
        opened_at=moment(now),
        updated_at=moment(now),
        seen_at=moment(found.at),
        version=0,
    )
    session.add(campaign)
    data = {"size": campaign.size, "score": campaign.score, "level": campaign.level, "episode": campaign.episode}
    history.step(session, campaign, "opened", history.SYSTEM, data, now)
    await session.flush()
    await members.join(session, campaign.id, found, found.members, now)
    mark = await edges.write(session, campaign.id, found.edges)
    campaign.latest = said | _beside(campaign.size, mark, campaign.threshold)
    return campaign


def _beside(told_size: int, edges_mark: str, score_threshold: float | None) -> dict[str, Any]:
    """What `latest` keeps beside the reading, under the names of OURS."""
    return dict(zip(OURS, (told_size, edges_mark, score_threshold), strict=True))


async def _refresh(session: AsyncSession, campaign: Campaign, found: Found, crowd: dict[int, Any], now: float) -> None:
    """The newest word; who joined; while it is open also the peak, and a step where the picture changed."""
    was, told = campaign.level, int(campaign.latest.get("told_size") or campaign.evidence.get("size") or 1)
    mark = str(campaign.latest.get("edges_mark") or "")
    campaign.seen_at, campaign.key = moment(found.at), found.key
    if campaign.state == State.CLOSED:
        campaign.latest = document(found) | _beside(told, mark, campaign.score_threshold)
        return
    await members.join(session, campaign.id, found, found.members.keys() - crowd.keys(), now)
    await members.seen(session, crowd, found)
    mark = await edges.write(session, campaign.id, found.edges, mark)
    campaign.size, campaign.requests = len(found.members.keys() | crowd.keys()), found.requests
    campaign.level = int(found.level)
    campaign.reached = max(campaign.reached, was, campaign.level)
    if campaign.level >= Level.WATCH:
        campaign.sentence = found.sentence
    peak = campaign.score_threshold
    if found.score > campaign.score:
        campaign.score, peak = float(found.score), float(found.threshold)
    campaign.threshold = float(found.threshold)
    data = {"score": float(found.score), "size": campaign.size}
    if (was >= Level.REVIEW) != (campaign.level >= Level.REVIEW):
        kind = "cleared" if was >= Level.REVIEW else "escalated"
        history.step(session, campaign, kind, history.SYSTEM, data, now)
    campaign.latest = document(found) | _beside(told, mark, peak)
    if campaign.size >= settle.GROWN * told:
        campaign.latest = campaign.latest | {"told_size": campaign.size}
        history.step(session, campaign, "grew", history.SYSTEM, data, now)


async def _let_go(
    session: AsyncSession,
    campaign: Campaign,
    crowd: dict[int, Any],
    claimed: Mapping[int, str],
    now: float,
    matched: bool,
) -> None:
    """Members that belong to another campaign now or were long not linked leave; what has nobody left is absorbed."""
    elsewhere = {client for client in crowd if claimed.get(client, campaign.id) != campaign.id}
    idle = {client for client, one in crowd.items() if client not in claimed and _is_idle(one.seen_at, now)}
    await members.leave(session, [crowd[client] for client in elsewhere], settle.ELSEWHERE, now)
    await members.leave(session, [crowd[client] for client in idle - elsewhere], "not linked for seven days", now)
    gone = elsewhere | idle
    if crowd and len(elsewhere) == len(crowd):
        return settle.absorb(session, campaign, min(claimed[client] for client in elsewhere), now)
    if gone and not matched:
        settle.count(campaign, [one for client, one in crowd.items() if client not in gone])
    elif gone:
        campaign.size = max(0, campaign.size - len(gone))
    if gone:
        settle.shrink(session, campaign, now)
    if not matched and (settle.is_outdated(campaign) or _is_calm(campaign, now)):
        settle.clear(session, campaign, now)
    return None


def _is_calm(campaign: Campaign, now: float) -> bool:
    return bool(now - campaign.seen_at.timestamp() > CALM_SECONDS)


def _is_idle(seen_at: Any, now: float) -> bool:
    return bool(now - seen_at.timestamp() > LEAVE_SECONDS)
