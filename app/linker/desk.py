"""The linker's side of the database: what reviewers and operators said, and what a pass found."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.campaigns import constraints, indicators, organisations
from app.campaigns.found import Found
from app.campaigns.identity import Constraints
from app.campaigns.indicators import Matched, Published
from app.campaigns.record import Outcome, record
from app.errors import LeaseLost, StillwatchError, Unavailable
from app.models.base import moment
from app.models.client import client_number
from app.models.decision import Decision
from app.models.vocabulary import Action
from app.store.db import LINKING_LOCK, leave, session_scope, take_turns
from app.store.deadline import within

CALL_SECONDS = 60.0  # of one transaction: a campaign of many thousand takes its time, and nobody waits for it
RETRY_SECONDS = 5.0

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """What people said: who belongs to which company, who must and must not be together, who was banned, what is
    looked for."""

    organisations: Mapping[int, str]
    constraints: Constraints
    bans: Mapping[int, float]
    indicators: Published


class Desk:
    """Calls the database from a loop that is not asynchronous; while it is away, calls fail at once.

    `ours` says whether this process is the linker. It is asked once no other linker can write before this
    transaction has ended: whoever takes over later writes later, so that nothing newer is ever overwritten.
    """

    def __init__(self, database: AsyncEngine, counts: Counter[str], ours: Callable[[], bool]) -> None:
        self._database = database
        self._counts = counts
        self._ours = ours
        self._runner = asyncio.Runner()
        self._retry_at = 0.0

    def said(self, now: float) -> Said:
        """Everything that people said; raises Unavailable and LeaseLost."""

        async def work(session: AsyncSession) -> Said:
            named = await organisations.verified(session)
            return Said(
                organisations={client_number(client): name for client, name in named.items()},
                constraints=await constraints.load(session),
                bans=await _bans(session, now),
                indicators=await indicators.published(session, now),
            )

        return self._transact(work)

    def counted(self) -> str:
        """The last entry of the stream whose matches are counted; raises Unavailable and LeaseLost."""
        return self._transact(indicators.counted)

    def write(self, found: Sequence[Found], matched: Sequence[Matched], now: float, place: str = "") -> Outcome:
        """Record a pass, and how often imported indicators matched up to a place in the stream.

        Raises Unavailable and LeaseLost.
        """

        async def work(session: AsyncSession) -> Outcome:
            await indicators.count(session, matched, place)
            return await record(session, found, now)

        return self._transact(work)

    def ask(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """What some work in one transaction comes to; raises Unavailable and LeaseLost."""
        return self._transact(work)

    def close(self) -> None:
        """Close the database's connections and the loop."""
        try:
            self._runner.run(leave(self._database))
        finally:
            self._runner.close()

    def _transact(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        if time.monotonic() < self._retry_at:
            raise Unavailable("the database did not answer a moment ago")

        async def call() -> T:
            async with session_scope(self._database) as session:
                await take_turns(session, LINKING_LOCK)
                if not self._ours():
                    raise LeaseLost("another process is the linker now")
                return await work(session)

        try:
            return self._runner.run(within(CALL_SECONDS, call()))
        except LeaseLost:
            raise
        except Exception as error:
            self._counts["database_errors"] += 1
            self._retry_at = time.monotonic() + RETRY_SECONDS
            if not isinstance(error, StillwatchError):
                logger.exception("a pass could not be recorded: it is tried again")
            raise Unavailable("the database does not answer") from error


async def _bans(session: AsyncSession, now: float) -> dict[int, float]:
    """When clients were blocked for real: whoever takes over from them soon after is looked at.

    A block that was taken back before it began is none.
    """
    query = sa.select(Decision.client_id, sa.func.min(Decision.starts_at)).where(
        Decision.action == Action.BLOCK,
        Decision.simulated.is_(False),
        Decision.starts_at > moment(now - 30 * 86_400.0),
        Decision.starts_at <= moment(now),
        sa.or_(Decision.revoked_at.is_(None), Decision.revoked_at > Decision.starts_at),
    )
    found = await session.execute(query.group_by(Decision.client_id))
    return {client_number(client): at.timestamp() for client, at in found}
