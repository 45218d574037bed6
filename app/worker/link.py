"""Hands scored events on to the linker; scoring never waits for it: what finds no room is left out and counted."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from app.errors import Unavailable
from app.store import linking
from app.store.redis import Link

REDIS_SECONDS = 0.5  # the longest that a batch is held up by this, once in BACKOFF_SECONDS
BACKOFF_SECONDS = 5.0
LOOK_SECONDS = 1.0  # between two looks whether there is room again
LATELY_SECONDS = 60.0  # after which what was left out is the past

logger = logging.getLogger(__name__)


class Handover:
    """Appends events to the linker's stream while it has room, over a connection of its own.

    Counters: linking_events, linking_left_out, linking_errors.
    """

    def __init__(self, url: str, counts: Counter[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._link = Link(url, REDIS_SECONDS)
        self._counts = counts
        self._clock = clock
        self._waiting = 0
        self._next_look = self._retry_at = 0.0
        self._left_out_at = -LATELY_SECONDS

    @property
    def waiting(self) -> int:
        """Events in the linker's stream, read by it or not, when this worker last handed some on, or looked.

        A number and no lag: what the linker has read stays there until its next snapshot.
        """
        return self._waiting

    @property
    def leaves_out(self) -> bool:
        """Whether something was left out within the last minute."""
        return self._clock() - self._left_out_at < LATELY_SECONDS

    def give(self, events: NDArray[np.void]) -> None:
        """Pass on the events of a committed batch; never raises where Redis fails."""
        if not len(events):
            return
        now = self._clock()
        if now < self._retry_at:
            self._leave_out(len(events), now)
            return
        try:
            self._give(events, now)
        except Unavailable as error:
            self._counts["linking_errors"] += 1
            self._leave_out(len(events), now)
            self._retry_at = now + BACKOFF_SECONDS
            logger.warning("events do not reach the linker; scoring goes on", extra={"error": error})

    def _give(self, events: NDArray[np.void], now: float) -> None:
        if self._waiting + len(events) > linking.MOST_EVENTS:
            if now < self._next_look:
                self._leave_out(len(events), now)
                return
            self._next_look = now + LOOK_SECONDS
            self._waiting = linking.waiting(*self._link.pipeline(linking.waiting_commands()))
            if self._waiting + len(events) > linking.MOST_EVENTS:
                self._leave_out(len(events), now)
                return
        replies = self._link.pipeline(linking.publish_commands(events))
        self._waiting = linking.waiting(*replies[-2:])
        self._counts["linking_events"] += len(events)

    def _leave_out(self, count: int, now: float) -> None:
        self._counts["linking_left_out"] += count
        self._left_out_at = now

    def close(self) -> None:
        """Close the connection."""
        self._link.close()
