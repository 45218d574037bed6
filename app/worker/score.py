"""The loop: read blocks, fold them into their clients' rows, record findings, commit."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.alerts.lifecycle import FindingInput
from app.errors import LeaseLost, Unavailable
from app.store import decisions
from app.store.redis import Link
from app.store.rows import Claim, Loaded, Rows
from app.store.stream import Blocks, lag_command, written_at
from app.worker.clocks import revive, timely
from app.worker.link import Handover
from app.worker.partitions import Leases
from app.worker.quality import Quality
from app.worker.record import Recorder
from app.worker.sift import unknown
from detectors import mixed
from detectors.base import Level
from detectors.engine import Engine, taken

MOST_EVENTS = 120_000  # of one batch, when much waits: its fixed cost is shared, and it takes about 0.2 s
MOST_CLIENTS = 20_000  # of one batch: their rows are held at once, about 4 KB each
BLOCK_EVENTS = 256  # of a full block, as the extractor writes them
FULL_BATCH_BLOCKS = -(-MOST_EVENTS // BLOCK_EVENTS)
MOST_BLOCKS = 16 * FULL_BATCH_BLOCKS  # read at once where blocks are small
RECORD_SECONDS = 1.0  # of a batch, after which no more of its findings are begun: its lease has four in all
PACE_SECONDS = 0.2  # a partition with little to do is visited this often: a batch has a fixed cost
CAREFUL_ATTEMPTS = 3  # first batches that died with their worker, before one block is tried at a time
QUARANTINE_ATTEMPTS = 6  # and before that block is moved aside unread

Annotate = Callable[[NDArray[np.void], float], NDArray[np.void]]
"""Events in, the same events with what only the ledger knows out."""

Mark = tuple[int, float, int, int, float]
"""What tells one finding from another: client, time, requests, level and score."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scored:
    """A batch after the engine: rows to commit, findings to record, summaries of all and of the findings' clients."""

    rows: NDArray[np.void]
    parts: NDArray[np.void]  # and those of what mixed clients' traffic is kept apart in
    findings: list[FindingInput]
    summaries: NDArray[np.void]
    found: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Admitted:
    """What of a batch is scored: rows and events of its clients; how many rows are `fresh`, and were `reset`."""

    rows: NDArray[np.void]
    events: NDArray[np.void]
    fresh: int
    reset: int


@dataclass(slots=True)
class Pace:
    """How a partition is read: adapts to the size of its blocks, to a slow server and to trouble."""

    events: int = MOST_EVENTS
    blocks: int = FULL_BATCH_BLOCKS
    next_visit: float = 0.0  # monotonic seconds

    def went_well(self, blocks: Blocks) -> None:
        """Read more at once next time, where less than a batch came of all that was asked for."""
        self.events = min(MOST_EVENTS, 4 * self.events)
        if blocks.entries < self.blocks or not len(blocks.events):
            return
        fit = MOST_EVENTS * blocks.entries // len(blocks.events)
        self.blocks = min(MOST_BLOCKS, max(FULL_BATCH_BLOCKS, min(fit, 2 * self.blocks)))

    def went_slowly(self, events: int) -> None:
        """Read half of what it was, which was perhaps too much for a timeout."""
        self.events = max(BLOCK_EVENTS, min(self.events, events) // 2)

    def went_wrong(self) -> None:
        """Read one block at a time, to tell which one it is."""
        self.events = 1
        self.blocks = FULL_BATCH_BLOCKS


class Scorer:
    """Scores batches of owned partitions; what it counts goes to `counts`."""

    def __init__(
        self,
        link: Link,
        rows: Rows,
        engine: Engine,
        recorder: Recorder,
        quality: Quality,
        partitions: int,
        counts: Counter[str],
        handover: Handover | None = None,
        annotate: Annotate | None = None,
    ) -> None:
        self.backlog = 0  # blocks that waited at the last look, over owned partitions
        self._link = link
        self._rows = rows
        self._engine = engine
        self._recorder = recorder
        self._quality = quality
        self._partitions = partitions
        self._counts = counts
        self._handover = handover
        self._annotate = annotate
        self._paces: dict[int, Pace] = {}
        self._recorded: dict[int, set[Mark]] = {}  # in the database, of batches that are not committed
        self._heads: dict[int, float] = {}  # when the oldest block that waits was written, epoch seconds

    def lag_seconds(self, now: float) -> float:
        """How long the oldest block that waits has waited; 0 where none does."""
        return max(0.0, now - min(self._heads.values(), default=now))

    def round(self, leases: Leases, now: float, clock: Callable[[], float], go_on: Callable[[], bool]) -> bool:
        """One batch of each owned partition that is due; whether there was work. Raises Unavailable.

        `go_on` is asked before each batch: it may renew the leases, and ends the round with False.
        """
        owned = sorted(leases.owned)
        lags = [int(lag) for lag in self._link.pipeline([lag_command(p) for p in owned])]
        self.backlog = sum(lags)
        self._heads = {p: self._heads.get(p, now) for p, lag in zip(owned, lags, strict=True) if lag}
        busy = False
        for partition, lag in zip(owned, lags, strict=True):
            pace = self._paces.setdefault(partition, Pace())
            if lag == 0 or (lag < FULL_BATCH_BLOCKS and clock() < pace.next_visit):
                continue
            if not go_on():
                break
            claim = leases.owned.get(partition)
            if claim is None:
                continue
            pace.next_visit = clock() + PACE_SECONDS
            try:
                busy |= self.batch(claim, pace, now)
            except LeaseLost:
                self._counts["leases_lost"] += 1
                leases.drop(partition)
                self._recorded.pop(partition, None)
            except Unavailable:
                pace.went_slowly(pace.events)
                raise
        return busy

    def batch(self, claim: Claim, pace: Pace, now: float) -> bool:
        """Score and commit one batch; whether it advanced. Raises LeaseLost and Unavailable."""
        suspect = self._begin(claim, pace)
        blocks = self._rows.fetch(claim, self._partitions, pace.blocks, pace.events, MOST_CLIENTS)
        if blocks is None:
            self._unmark(claim)
            return False
        self._heads[claim.partition] = written_at(blocks.first)
        if suspect:
            self._quarantine(claim, blocks, "its batch died with its worker again and again")
            return True
        loaded = self._admitted(blocks, self._rows.load(claim, blocks.clients))
        events, ahead = timely(loaded.events, now)
        self._counts["events_ahead"] += ahead
        try:
            if self._annotate is not None and len(events):
                events = self._annotate(events, now)
            scored = self._score(claim, loaded.rows, events, now)
        except Unavailable:  # Redis, as the parts' rows were asked for: nothing is wrong with the batch
            raise
        except Exception:  # noqa: BLE001 - the loop's edge: one bad block must not end it; counted
            self._poisoned(claim, pace, blocks)
            return True
        if not self._record(claim, scored, now):
            pace.went_slowly(len(blocks.events))
            return False
        self._rows.commit(claim, blocks, scored.rows, scored.parts)
        self._recorded.pop(claim.partition, None)
        self._heads[claim.partition] = written_at(blocks.last)
        pace.went_well(blocks)
        self._recorder.touch(scored.summaries)
        if self._handover is not None:
            self._handover.give(events)
        self._counts["events_unauthenticated"] += len(blocks.events) - len(events)
        self._counts["rows_fresh"] += loaded.fresh
        self._counts["rows_reset"] += loaded.reset
        self._count(blocks)
        return True

    def _admitted(self, blocks: Blocks, loaded: Loaded) -> Admitted:
        """The batch without the keys that nobody knows; as it is, without a copy, where there are none."""
        events, rows = blocks.events, loaded.rows
        if loaded.fresh and (found := unknown(events, blocks.clients, loaded.absent)) is not None:
            events, rows = (
                taken(some, np.flatnonzero(~gone)) for some, gone in zip((events, rows), found, strict=True)
            )
        return Admitted(rows, events, loaded.fresh - len(loaded.rows) + len(rows), loaded.reset)

    def _begin(self, claim: Claim, pace: Pace) -> bool:
        """Leave a mark before the first batch of a claim; whether its head has to be moved aside unread.

        The mark goes with the first commit. Where it stays, the worker died in between.
        """
        if claim.tried:
            return False
        claim.tried = True
        self._link.call("INCR", claim.keys.attempts)
        if claim.attempts >= CAREFUL_ATTEMPTS:
            pace.went_wrong()
        return claim.attempts >= QUARANTINE_ATTEMPTS

    def _unmark(self, claim: Claim) -> None:
        """Take the mark back where a batch ends without a commit and without a death."""
        self._link.call("DEL", claim.keys.attempts)
        claim.tried = False

    def _score(self, claim: Claim, rows: NDArray[np.void], events: NDArray[np.void], now: float) -> Scored:
        def apart(some: NDArray[np.uint64]) -> NDArray[np.void]:
            found = self._rows.load(claim, some, "parts").rows
            revive(self._engine, found, now)
            return found

        self._counts["rows_ahead"] += revive(self._engine, rows, now)
        stepped = mixed.step(self._engine, rows, events, now, apart)
        findings, parts = stepped.findings, stepped.rows
        summaries = self._engine.summary(rows)
        self._counts["parts"] += len(parts)
        self._counts["parts_left_out"] += stepped.left_out
        if not len(findings):
            return Scored(rows, parts, [], summaries, summaries[:0])
        traffic = self._engine.summary(stepped.seen)
        inputs = [
            self._input(finding, row, stepped.apart[part] if part >= 0 else None, summary, now)
            for finding, row, part, summary in zip(findings, stepped.seen, stepped.because, traffic, strict=True)
        ]
        found = summaries[np.searchsorted(rows["client"], findings["client"])]
        return Scored(rows, parts, inputs, summaries, found)

    def _input(
        self, finding: np.void, row: np.void, part: np.void | None, summary: np.void, now: float
    ) -> FindingInput:
        return FindingInput(
            client=int(finding["client"]),
            level=int(finding["level"]),
            previous=int(finding["previous"]),
            score=float(finding["score"]),
            requests=int(finding["requests"]),
            at=float(finding["at"]),
            explanation=mixed.explain(self._engine, row, part, now, int(finding["level"])),
            traffic={
                "requests": int(summary["requests"]),
                "tokens_in": int(summary["in_tokens"]),
                "tokens_out": int(summary["out_tokens"]),
            },
            activity=self._engine.activity(row),
            quality=self._quality.window(float(summary["first"])),
        )

    def _record(self, claim: Claim, scored: Scored, now: float) -> bool:
        """Findings first, so that nothing is acknowledged that is not recorded; False where some of them are not.

        They are recorded piece by piece: what is recorded stays so, and is passed over when the batch comes again. So
        each visit gets on by a piece at least, however slow the database is.
        """
        known = self._recorded.setdefault(claim.partition, set())
        left = [place for place, one in enumerate(scored.findings) if _mark(one) not in known]
        done, until = 0, time.monotonic() + RECORD_SECONDS
        while done < len(left):
            if done and time.monotonic() >= until:
                return self._wait(claim)
            some = left[done : done + self._recorder.at_once]
            findings = [scored.findings[place] for place in some]
            try:
                made = self._recorder.findings(findings, scored.found[some], now)
            except Unavailable:
                return self._wait(claim)
            known.update(map(_mark, findings))
            for finding, summary in zip(findings, scored.found[some], strict=True):
                if max(finding.level, finding.previous) >= Level.REVIEW:
                    self._quality.owe(finding.client, float(summary["first"]), finding.at)
            self._link.pipeline([part for decision in made for part in decisions.commands(decision.as_entry())])
            self._counts["decisions"] += len(made)
            done += len(some)
        self._recorder.all_recorded()
        self._counts["findings"] += len(scored.findings)
        return True

    def _wait(self, claim: Claim) -> bool:
        """Give a batch up whose findings are not all recorded; False."""
        self._counts["batches_waiting"] += 1
        self._rows.release()
        self._unmark(claim)
        return False

    def _poisoned(self, claim: Claim, pace: Pace, blocks: Blocks) -> None:
        self._counts["engine_errors"] += 1
        if blocks.entries > 1:
            logger.exception("the engine failed on a batch: its blocks are tried one at a time")
            pace.went_wrong()
            self._rows.release()
            return
        self._quarantine(claim, blocks, "the engine failed on it", failed=True)

    def _quarantine(self, claim: Claim, blocks: Blocks, why: str, *, failed: bool = False) -> None:
        self._rows.quarantine(claim, blocks)
        self._counts["poison_blocks"] += blocks.entries
        self._counts["poison_events"] += len(blocks.events)
        logger.error("moved a block aside", exc_info=failed, extra={"partition": claim.partition, "why": why})

    def _count(self, blocks: Blocks) -> None:
        self._counts["batches"] += 1
        self._counts["blocks"] += blocks.entries
        self._counts["events"] += len(blocks.events)
        self._counts["blocks_rejected"] += blocks.rejected
        self._counts["events_misplaced"] += blocks.misplaced


def _mark(finding: FindingInput) -> Mark:
    return finding.client, finding.at, finding.requests, finding.level, finding.score
