"""The gateway's counters: plain integers in the hot path, read by metrics, status and the hand-off."""

from __future__ import annotations

from app.store.frames import OUTCOMES


class Counts:
    """What this process has done since it began."""

    __slots__ = ("in_flight", "outcomes", "overloaded")

    def __init__(self) -> None:
        self.in_flight = 0
        self.overloaded = 0  # requests refused because too many were being served
        self.outcomes = [0] * len(OUTCOMES)  # by index into OUTCOMES

    @property
    def requests(self) -> int:
        """Requests that have ended, whatever the outcome."""
        return sum(self.outcomes)
