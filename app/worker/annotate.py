"""Marks on events that only the ledger can make: whose signature is presented, and what was refused to others before.

The same events are marked alike however often they are read: writes say the same again, and what is counted is
counted up to the event's own time.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.errors import Unavailable
from app.store.ledger import ANSWER, ISSUED, REFUSED, Ledger, Notes, Place, Seen
from app.store.sights import Sights
from app.worker.sift import Sifted, sift
from detectors.engine import taken

Accounts = Callable[[Sequence[int]], list[str]]
"""The accounts of clients, empty where unknown."""

MOVED_SECONDS = 10.0  # from the end of the refusal to the same body from somebody else
FAN_OUT = 3  # conversations, none its own, in which a signature is fanned out
ASKED_EVENTS = 16_384  # in one exchange with the ledger: more would not come back in time
CLOSE_MINUTES = 4  # that lie so close are all asked about, without a look which of them hold an event
MOST_SUSPECTS = 1_000  # of one batch
RETRY_SECONDS = (0.5, 10.0)
KEEP_SECONDS = 10.0  # between two looks at the ledger's size

logger = logging.getLogger(__name__)


class Annotator:
    """Calls the ledger for each batch; what it counts goes to `counts`. Without the ledger events stay as they are."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        counts: Counter[str],
        clock: Callable[[], float] = time.monotonic,
        sights: Sights | None = None,
    ) -> None:
        self.size = 0  # bytes of the ledger at the last look
        self._ledger = ledger
        self._accounts = accounts
        self._counts = counts
        self._clock = clock
        self._sights = sights
        self._retry_at = 0.0
        self._backoff = RETRY_SECONDS[0]
        self._next_keep = clock() + KEEP_SECONDS

    def __call__(self, events: NDArray[np.void], now: float) -> NDArray[np.void]:
        """The events with `foreign` and `moved` filled in; the very array where there is nothing to fill in."""
        if not len(events):
            return events
        if self._clock() < self._retry_at:
            self._counts["ledger_events_unmarked"] += len(events)
            return events
        marked = events
        try:
            marked = self._in_parts(events, now)
            if self._sights is not None:
                self._sights.note(events)
            if self._clock() >= self._next_keep:
                self._next_keep = self._clock() + KEEP_SECONDS
                self.size = self._ledger.keep(now)
                if self._sights is not None:
                    self._sights.flush()
        except Unavailable as error:
            self._failed(error, len(events) if marked is events else 0)
            return marked
        self._backoff = RETRY_SECONDS[0]
        return marked

    def _failed(self, error: Unavailable, events: int) -> None:
        if self._backoff == RETRY_SECONDS[0]:
            logger.warning("the ledger failed: events go without its marks", extra={"error": error})
        self._counts["ledger_errors"] += 1
        self._counts["ledger_events_unmarked"] += events
        self._retry_at = self._clock() + self._backoff
        self._backoff = min(2.0 * self._backoff, RETRY_SECONDS[1])

    def _in_parts(self, events: NDArray[np.void], now: float) -> NDArray[np.void]:
        """`_mark` for so many events at a time as the ledger answers for in time."""
        parts = [events[start : start + ASKED_EVENTS] for start in range(0, len(events), ASKED_EVENTS)]
        marked = [self._mark(part, now) for part in parts]
        if all(new is old for new, old in zip(marked, parts, strict=True)):
            return events
        return marked[0] if len(marked) == 1 else np.concatenate(marked)

    def _mark(self, events: NDArray[np.void], now: float) -> NDArray[np.void]:
        found = sift(events)
        told = _notes(events, found)
        seen = self._ledger.exchange(told, now)
        foreign = self._foreign(taken(events, found.shown), told, seen, now)
        moved = self._moved(events, found.asked, seen.refused)
        if not foreign.any() and not len(moved):
            return events
        marked = events.copy()
        marked["foreign"][found.shown] = foreign
        marked["moved"][moved] = 1
        self._counts["signatures_foreign"] += int((foreign > 0).sum())
        self._counts["bodies_moved"] += len(moved)
        return marked

    def _foreign(self, events: NDArray[np.void], told: Notes, seen: Seen, now: float) -> NDArray[np.uint8]:
        """The level of each event that presents a signature."""
        levels = np.zeros(len(events), np.uint8)
        again = [told.issued[seen.again], told.issues["client"][seen.again]]
        first = self._ledger.again(again[0], again[1], now)
        place = np.searchsorted(told.presented, events["presented"])
        issuer = seen.issuers[place]
        other = events["client"] != issuer["client"]
        apart = _apart(events, issuer)
        suspects = np.flatnonzero(seen.known[place] & (other | apart))
        if len(suspects) > MOST_SUSPECTS:
            self._counts["signatures_left_out"] += len(suspects) - MOST_SUSPECTS
            suspects = suspects[:MOST_SUSPECTS]
        if not len(suspects):
            if first:
                self._ledger.places([], [], first, now)
            return levels
        events, issuer, other, apart = events[suspects], issuer[suspects], other[suspects], apart[suspects]
        places = [_place(event) for event in events[apart]]
        holders = [(int(one["presented"]), int(one["client"])) for one in events[other]]
        counts, held = self._ledger.places(places, holders, first, now)
        contexts = np.zeros(len(events), np.int64)
        contexts[apart] = counts
        another = other.copy()
        another[other] = ~np.array(held, np.bool_)
        same, known = self._related(events["client"], issuer["client"])
        one = another & ~same & (apart | known)
        two = apart & (contexts >= FAN_OUT)
        levels[suspects] = np.where(two, 2 + (events["elicitation"] != 0), one)
        return levels

    def _moved(self, events: NDArray[np.void], asked: NDArray[np.intp], refused: NDArray[np.void]) -> NDArray[np.intp]:
        """The places of events whose body was refused to another account within seconds before."""
        if not len(refused) or not len(asked):
            return asked[:0]
        cells = np.zeros(1 << 16, np.bool_)
        cells[refused["body"] & np.uint64(0xFFFF)] = True
        asked = asked[cells[events["body"][asked] & np.uint64(0xFFFF)]]  # nearly all can be left out at once
        refused = refused[np.argsort(refused["body"], kind="stable")]
        left = np.searchsorted(refused["body"], events["body"][asked], side="left")
        right = np.searchsorted(refused["body"], events["body"][asked], side="right")
        near = np.flatnonzero(right > left)[:MOST_SUSPECTS]
        pairs = [(int(asked[k]), other) for k in near for other in range(left[k], min(right[k], left[k] + 64))]
        if not pairs:
            return asked[:0]
        mine, theirs = (np.array(column, np.intp) for column in zip(*pairs, strict=True))
        waited = events["at"][mine] - refused["end"][theirs]
        moved = (waited >= 0.0) & (waited <= MOVED_SECONDS) & (events["client"][mine] != refused["client"][theirs])
        mine, theirs = mine[moved], theirs[moved]
        same, _ = self._related(events["client"][mine], refused["client"][theirs])
        return np.unique(mine[~same])

    def _related(
        self, one: NDArray[np.uint64], other: NDArray[np.uint64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which pairs of clients are of one account, and of which both accounts are known."""
        clients = np.unique(np.concatenate([one, other])).tolist()
        if not clients:
            return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
        names = dict(zip(clients, self._accounts(clients), strict=True))
        pairs = [(names[a], names[b]) for a, b in zip(one.tolist(), other.tolist(), strict=True)]
        known = np.array([bool(a and b) for a, b in pairs], np.bool_)
        alike = np.array([a == b for a, b in pairs], np.bool_)
        return (known & alike) | (one == other), known


def _apart(events: NDArray[np.void], issuer: NDArray[np.void]) -> NDArray[np.bool_]:
    """Whether a signature stands in a conversation that is not its own, by the opening and by what is before it."""
    opening = (events["opening"] != issuer["opening"]) & (events["opening"] != 0) & (issuer["opening"] != 0)
    return np.asarray(opening & (events["context"] != issuer["context"]) & (events["context"] != 0), np.bool_)


def _place(event: np.void) -> Place:
    return Place(int(event["presented"]), int(event["client"]), int(event["opening"]), float(event["at"]))


def _notes(events: NDArray[np.void], found: Sifted) -> Notes:
    """What the batch writes to the ledger, and asks of it."""
    issued, first = np.unique(events["issued"][found.signed], return_index=True)
    first = found.signed[first]
    issues = np.zeros(len(issued), ISSUED)
    for name, field in (("client", "client"), ("opening", "opening"), ("context", "body"), ("at", "at")):
        issues[name] = events[field][first]
    shown = np.unique(events["presented"][found.shown])
    refused, answers = _refused(events, found.refused), _answers(events, found.answered)
    return Notes(issued, issues, shown, refused, _minutes(events, found), answers)


def _minutes(events: NDArray[np.void], found: Sifted) -> list[int]:
    """The minutes in which a body may have been refused that was sent again by those who are asked about."""
    if not len(found.asked):
        return []
    first, last = int((found.first - MOVED_SECONDS) / 60.0), int(found.last / 60.0)
    if last - first < CLOSE_MINUTES:
        return list(range(first, last + 1))
    at = events["at"][found.asked]
    near = np.concatenate([at, at - MOVED_SECONDS])
    return [int(one) for one in np.unique((near / 60.0).astype(np.int64))]


def _refused(events: NDArray[np.void], told: NDArray[np.intp]) -> NDArray[np.void]:
    refused = np.zeros(len(told), REFUSED)
    refused["body"], refused["client"] = events["body"][told], events["client"][told]
    # The copy in another's hands before the refusal came was no answer to it.
    refused["end"] = events["at"][told] + np.clip(np.nan_to_num(events["duration"][told]), 0.0, 600.0)
    return refused


def _answers(events: NDArray[np.void], long: NDArray[np.intp]) -> NDArray[np.void]:
    answers = np.empty(len(long), ANSWER)
    answers["gist"], answers["client"] = events["answer_gist"][long], events["client"][long]
    answers["at"] = np.clip(events["at"][long], 0, 2**32 - 1)
    answers["answer"] = events["answer"][long] & np.uint64(0xFFFFFFFF)
    return answers
