"""A token bucket: how often one client may ask."""

from __future__ import annotations


class Bucket:
    """Full at first; `rate` tokens a second come back, up to `burst`. A request takes one."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = float("-inf")

    def take(self, ticks: float) -> float:
        """Seconds until the next token, by a monotonic clock; 0 where one was there and is now taken."""
        if ticks > self._at:
            if self._at > float("-inf"):
                self._tokens = min(self._burst, self._tokens + (ticks - self._at) * self._rate)
            self._at = ticks
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate
