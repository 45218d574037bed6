"""How many of a week's alerts chance alone would bring: Benjamini-Hochberg over all clients that were compared."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.alert import Alert
from app.models.alert_event import AlertEvent
from app.models.base import moment
from app.models.client import Client
from detectors.fuse import AT_ONCE, agreed_score
from detectors.reference import LOOKS, Reference

WINDOW_SECONDS = 7 * 86400.0  # as long as the window of a client's rows, for which a reference's shares hold
LEVEL = 0.1  # the share of ordinary clients that is put up with among the alerts called beyond chance
ALERTS = 20_000  # of one batch, the newest: to leave others out makes each q larger, never smaller
KEPT_SECONDS = 60.0  # a batch is made anew after that, and earlier where it is quickly made:
EFFORT = 0.01  # making them takes no more of the time than that
GIVEN_NATS = 1e-3  # two scores no further apart are the same: one was stored with fewer digits


@dataclass(frozen=True, slots=True)
class Odds:
    """What a reference says of its own ordinary clients: how many of them would come to review."""

    share: float  # that comes to review in one window
    least: float  # the smallest share that so few ordinary clients resolve
    agreed: float  # the score, nats, that stands for two families which agree

    def p(self, nats: float) -> float:
        """The share of ordinary clients whose alert opens `nats` over its threshold, or higher."""
        return max(self.share * math.exp(-max(nats, 0.0)), self.least)


@dataclass(frozen=True, slots=True)
class Chance:
    """The alerts of a week beside what chance would bring; None where the reference does not say, or nobody came."""

    since: datetime
    clients: int  # that were compared
    reviewed: int  # of them, by their score
    tripwires: int  # of them by a tripwire alone, which no score orders
    expected: float | None = None  # ordinary clients at review, were all of them ordinary
    resolvable: float | None = None  # the smallest q that so few alerts of so many clients can have
    complete: bool = True  # False: there were more alerts than a batch takes
    q: Mapping[str, float] = field(default_factory=dict)  # by alert
    beyond: int = 0  # clients whose q is LEVEL or less


class Opened(NamedTuple):
    """An alert as it opened; score and threshold are those of that moment, nats."""

    id: str
    client: str
    score: float
    threshold: float
    tripwire: bool

    def nats(self, agreed: float) -> float:
        """How far the score is over its threshold; 0 where it is the one `agreed`, which is given and not measured."""
        return 0.0 if abs(self.score - agreed) < GIVEN_NATS else self.score - self.threshold


def odds_of(reference: Reference | None) -> Odds | None:
    """What the reference says of its own clients, counted as any conformal p; None where it does not say.

    The share is no smaller than the one that its levels were set for.
    """
    if reference is None:
        return None
    about = reference.about
    clients, reviewed = about.get("clients"), about.get("ever_reviewed")
    if not isinstance(clients, int) or not isinstance(reviewed, int) or clients < 1:
        return None
    least = 1.0 / (1.0 + clients)
    share = min(max((1.0 + reviewed) * least, float(about.get("review_rate_asked", 0.0))), 1.0)
    return Odds(share, least, agreed_score(reference))


def adjusted(p: Sequence[float], tests: int) -> list[float]:
    """The q of each p (Benjamini-Hochberg): the least level at which its test is among those called.

    `tests` is the number of all tests; those without a p here have larger ones. Order is that of `p`.
    """
    tests = max(tests, len(p))
    out, least = [1.0] * len(p), 1.0
    order = sorted(range(len(p)), key=p.__getitem__)
    for rank in range(len(p), 0, -1):
        least = min(least, tests * p[order[rank - 1]] / rank)
        out[order[rank - 1]] = least
    return out


def batch(since: datetime, clients: int, opened: Sequence[Opened], odds: Odds | None) -> Chance:
    """What chance has to do with the alerts of so many clients, each client counted once by its rarest."""
    scored = [one for one in opened if not one.tripwire]
    reviewed = {one.client for one in scored}
    told = Chance(
        since,
        clients,
        len(reviewed),
        len({one.client for one in opened} - reviewed),
        complete=len(opened) < ALERTS,
    )
    if odds is None or not clients:
        return told
    rarest: dict[str, float] = {}
    for one in scored:
        rarest[one.client] = min(odds.p(one.nats(odds.agreed)), rarest.get(one.client, 1.0))
    q = dict(zip(rarest, adjusted(list(rarest.values()), clients), strict=True))
    return replace(
        told,
        expected=clients * odds.share,
        resolvable=min(clients * odds.least / len(reviewed), 1.0) if reviewed else None,
        q={one.id: q[one.client] for one in scored},
        beyond=sum(1 for value in q.values() if value <= LEVEL),
    )


async def of_week(session: AsyncSession, reference: Reference | None, now: float) -> Chance:
    """The batch of the last seven days, whatever became of its alerts since.

    An alert counts by the score that it opened with: the highest since then would be a running maximum. It counts
    in the week in which it was opened, so one that came back counts once.
    """
    since = moment(now - WINDOW_SECONDS)
    compared = sa.and_(Client.last_seen >= since, Client.requests >= LOOKS[0])
    clients = await session.scalar(sa.select(sa.func.count()).select_from(Client).where(compared)) or 0
    if not clients:
        return batch(since, 0, (), odds_of(reference))
    score, tripwire = AlertEvent.data["score"].as_float(), Alert.sentence.endswith(AT_ONCE, autoescape=True)
    query = (
        sa.select(Alert.id, Alert.client_id, score, Alert.threshold, tripwire)
        .join(AlertEvent, sa.and_(AlertEvent.alert_id == Alert.id, AlertEvent.sequence == 1))
        .join(Client, Client.id == Alert.client_id)
        .where(Alert.opened_at >= since, compared)
        .order_by(Alert.opened_at.desc(), Alert.id.desc())
        .limit(ALERTS)
    )
    opened = [Opened(*row) for row in await session.execute(query)]
    return batch(since, clients, opened, odds_of(reference))


class Kept:
    """The newest batch of this process: a minute old at most, and not made anew for each who asks."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._made: tuple[Reference | None, Chance] | None = None
        self._until = 0.0  # monotonic seconds

    async def read(self, session: AsyncSession, reference: Reference | None, now: float) -> Chance:
        """The batch against this reference; `now` is epoch seconds."""
        async with self._turn:  # one makes it for all
            start = time.monotonic()
            if self._made is None or self._made[0] is not reference or start >= self._until:
                self._made = reference, await of_week(session, reference, now)
                ended = time.monotonic()
                self._until = ended + min((ended - start) / EFFORT, KEPT_SECONDS)
            return self._made[1]
