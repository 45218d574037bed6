"""Time for the hot path: the loop's own clock, and what to add to it for the time of day."""

from __future__ import annotations

import asyncio
import time

CORRECTION_SECONDS = 1.0  # how soon a stepped system clock is followed


class Clock:
    """`now()` is monotonic, in seconds, and costs next to nothing; `now() + epoch` is seconds since the epoch."""

    def __init__(self) -> None:
        self.now = time.monotonic
        self.epoch = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._correct()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go by the loop's clock from here on."""
        self.now = loop.time
        self._tick(loop)

    def stop(self) -> None:
        """No more corrections."""
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._correct()
        self._timer = loop.call_later(CORRECTION_SECONDS, self._tick, loop)

    def _correct(self) -> None:
        self.epoch = time.time() - self.now()
