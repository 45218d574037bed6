"""What the worker writes to the database, from a loop that is not asynchronous: findings and client summaries.

While the database is away, calls fail at once until the next try is due, so that partitions without
findings go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.alerts.lifecycle import DecisionOut, FindingInput, note_quality, record
from app.clients import idle
from app.clients.queries import ClientSummary, upsert
from app.errors import Unavailable
from app.models.base import moment
from app.models.decision import Decision
from app.models.vocabulary import Action
from app.policies import mode
from app.policies.decide import outcome
from app.store.db import is_locked_by_us, leave, session_scope
from app.store.deadline import DeadlineExceeded, within
from app.store.mode import Told
from detectors.batch import order_of

CALL_SECONDS = 2.0  # of one transaction, so that no lease runs out meanwhile
FINDINGS = 200  # of one transaction: some 2 ms each, so that a batch with many is recorded piece by piece
ENDING_SECONDS = 10.0  # for which a transaction that was cut off may hold SQLite's lock until the database is away
BACKOFF_SECONDS = (0.2, 5.0)
FLUSH_SECONDS = (2.0, 10.0)  # between flushes: at least, and at most where they would take too large a share
FLUSH_SHARE = 0.05  # of this process's CPU time
FLUSH_CLIENTS = 2_000  # a summary costs about 18 us of CPU
CHUNK = 500  # decisions read by one statement
PENDING_CLIENTS = 200_000  # waiting for a flush; beyond it the ones touched longest ago are left out and counted

T = TypeVar("T")
Work = Callable[[AsyncSession], Awaitable[T]]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Truth:
    """Ids of the decisions that hold, those of them that gateways were not told, and the mode if it was ever set."""

    standing: set[str]
    unsaid: list[DecisionOut]
    mode: Told | None


@dataclass(frozen=True, slots=True)
class Pruned:
    """Which clients were deleted, and whether there may be more to delete."""

    clients: list[int]
    more: bool


class Recorder:
    """Alerts, decisions and client summaries, each call in a transaction of its own.

    `group_name` gives a peer group's name by the number in a summary; actions among `enforce` are decided for real;
    `accounts` gives the accounts of clients as gateways were told, in their order, empty where unknown.
    """

    def __init__(
        self,
        database: AsyncEngine,
        group_name: Callable[[int], str],
        counts: Counter[str],
        enforce: Collection[Action] = (),
        accounts: Callable[[Sequence[int]], Sequence[str]] | None = None,
    ) -> None:
        self.at_once = FINDINGS  # findings that the next transaction should hold; fewer where the database is slow
        self._database = database
        self._group_name = group_name
        self._counts = counts
        self._enforce = frozenset(enforce)
        self._accounts = accounts
        self._runner = asyncio.Runner()
        self._retry_at = 0.0
        self._ending_until = 0.0
        self._backoff = BACKOFF_SECONDS[0]
        self._away_since: float | None = None
        self._pending: list[NDArray[np.void]] = []
        self._looked_at: idle.Place | None = None
        self._next_flush = self._latest_flush = 0.0  # monotonic seconds
        self._cpu_due = 0.0  # CPU seconds of this process

    @property
    def pending(self) -> int:
        """How many touched summaries wait for a flush, repetitions included."""
        return sum(len(part) for part in self._pending)

    def away_seconds(self) -> float:
        """For how long the database has not answered; 0 when it did last time."""
        return 0.0 if self._away_since is None else time.monotonic() - self._away_since

    def findings(self, findings: Sequence[FindingInput], summaries: NDArray[np.void], now: float) -> list[DecisionOut]:
        """Record findings with their clients' summaries in one transaction; raises Unavailable.

        Give no more than `at_once`. It falls where a transaction was cut off at work.
        """
        clients = self._clients(summaries)
        worked = False

        async def work(session: AsyncSession) -> list[DecisionOut]:
            nonlocal worked
            await upsert(session, clients)
            worked = True
            return await record(session, findings, now, self._enforce)

        try:
            return self.transact(work, lambda: worked and len(findings) > 1)
        except Unavailable:
            if worked:
                self.at_once = max(1, min(self.at_once, len(findings)) // 2)
            raise

    def losses(self, found: Mapping[int, Mapping[str, float | None]], now: float) -> None:
        """Note at clients' newest alerts what is known by now of the losses in their windows; raises Unavailable."""
        self.transact(lambda session: note_quality(session, found, now))

    def all_recorded(self) -> None:
        """A batch got through: the next may be recorded in larger pieces.

        Not sooner: the pieces of a batch that comes again go fast up to where it was cut off, and say nothing.
        """
        self.at_once = min(FINDINGS, 2 * self.at_once)

    def truth(self, now: float, told: Collection[str], setting: str) -> Truth:
        """What the database says of decisions and mode, beside what gateways were `told`; raises Unavailable."""
        holds = sa.and_(Decision.revoked_at.is_(None), Decision.expires_at > moment(now))

        async def work(session: AsyncSession) -> Truth:
            standing = set(await session.scalars(sa.select(Decision.id).where(holds)))
            unsaid: list[DecisionOut] = []
            missing = sorted(standing.difference(told))
            for start in range(0, len(missing), CHUNK):
                query = sa.select(Decision).where(Decision.id.in_(missing[start : start + CHUNK]))
                unsaid += [outcome(decision) for decision in await session.scalars(query)]
            return Truth(standing, unsaid, (await mode.present(session, setting)).told())

        return self.transact(work)

    def prune(self, now: float, kept_seconds: float) -> Pruned:
        """Delete some clients that were last seen more than `kept_seconds` ago; raises Unavailable."""
        before, after = moment(now - kept_seconds), self._looked_at
        clients, self._looked_at = self.transact(lambda session: idle.prune(session, before, after))
        return Pruned(clients, self._looked_at is not None)

    def transact(self, work: Work[T], worked: Callable[[], bool] = lambda: False) -> T:
        """The result of `work` in a transaction of its own; raises Unavailable.

        `worked` says whether it is only slow, and not away, when it is cut off at the deadline.
        """
        if time.monotonic() < self._retry_at:
            raise Unavailable("the database did not answer a moment ago")
        if time.monotonic() < self._ending_until and is_locked_by_us(self._database):
            raise Unavailable("a transaction that took too long has not ended yet")  # another would wait for it

        async def call() -> T:
            async with session_scope(self._database) as session:
                return await work(session)

        try:
            result = self._runner.run(within(CALL_SECONDS, call()))
        except Exception as error:
            # Whatever the cause, nothing was recorded, so nothing may be committed: it is tried again.
            if isinstance(error, DeadlineExceeded):
                self._ending_until = time.monotonic() + ENDING_SECONDS
            if isinstance(error, DeadlineExceeded) and worked():
                self._counts["database_slow"] += 1
                logger.warning("the database is slow, fewer findings are recorded at once")
            else:
                self._failed(error)
            raise Unavailable("the database does not answer") from error
        if self._away_since is not None:
            logger.info("the database answers again")
        self._away_since, self._backoff = None, BACKOFF_SECONDS[0]
        return result

    def touch(self, summaries: NDArray[np.void]) -> None:
        """Remember the newest summaries of clients; the next flush writes them."""
        self._pending.append(summaries)
        if len(self._pending) > 1 and self.pending > 2 * PENDING_CLIENTS:
            self._compact()

    def flush(self) -> None:
        """Write summaries that wait, where it is time: so seldom that scoring hardly notices; raises Unavailable."""
        now = time.monotonic()
        if not self._pending or now < self._next_flush:
            return
        begun = time.process_time()
        if now < self._latest_flush and begun < self._cpu_due:
            return
        soonest, latest = FLUSH_SECONDS
        self._next_flush, self._latest_flush = now + soonest, now + latest
        waiting = self._compact()
        chosen = waiting[:FLUSH_CLIENTS]
        clients = self._clients(chosen, None if self._accounts is None else self._accounts(chosen["client"].tolist()))
        self.transact(lambda session: upsert(session, clients))
        self._counts["summaries"] += len(clients)
        rest = waiting[FLUSH_CLIENTS:]
        self._pending = [rest] if len(rest) else []
        ended = time.process_time()
        self._cpu_due = ended + (ended - begun) / FLUSH_SHARE

    def flush_all(self, seconds: float) -> None:
        """Write the summaries that wait, for about `seconds` at most; raises Unavailable."""
        deadline = time.monotonic() + seconds
        while self._pending and time.monotonic() < deadline:
            self._next_flush = self._latest_flush = 0.0
            self.flush()

    def close(self) -> None:
        """Close the database's connections and the loop."""
        try:
            self._runner.run(leave(self._database))
        finally:
            self._runner.close()

    def _compact(self) -> NDArray[np.void]:
        """The newest summary of each client that waits, the client touched longest ago first."""
        kind = self._pending[0].dtype
        # As plain bytes: numpy joins and picks records field by field.
        joined = np.concatenate([part.view(f"V{kind.itemsize}") for part in self._pending])
        clients = joined.view(kind)["client"]
        order = order_of(clients)
        ordered = clients[order]
        last = order[np.append(ordered[1:] != ordered[:-1], np.True_)]
        newest: NDArray[np.void] = joined[np.sort(last)].view(kind)
        left_out = max(0, len(newest) - PENDING_CLIENTS)
        self._counts["summaries_left_out"] += left_out
        self._pending = [newest[left_out:]]
        return self._pending[0]

    def _clients(self, summaries: NDArray[np.void], accounts: Sequence[str] | None = None) -> list[ClientSummary]:
        names = ("client", "first", "last", "requests", "in_tokens", "out_tokens", "level", "score")
        groups = [self._group_name(group) for group in summaries["group"].tolist()]
        columns = (*(summaries[name].tolist() for name in names), groups, accounts or [""] * len(summaries))
        return list(map(ClientSummary, *columns))

    def _failed(self, error: Exception) -> None:
        self._counts["database_errors"] += 1
        if self._away_since is None:
            self._away_since = time.monotonic()
            logger.error("the database failed, scoring waits where it has findings", exc_info=error)
        self._retry_at = time.monotonic() + self._backoff
        self._backoff = min(2 * self._backoff, BACKOFF_SECONDS[1])
