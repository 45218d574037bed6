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

    def wait(self, ticks: float) -> float:
        """Seconds until the next token, by a monotonic clock; 0 where one is there, which stays."""
        if ticks > self._at:
            if self._at > float("-inf"):
                self._tokens = min(self._burst, self._tokens + (ticks - self._at) * self._rate)
            self._at = ticks
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate

    def take(self, ticks: float) -> float:
        """The same, but a token that is there is taken."""
        wait = self.wait(ticks)
        if not wait:
            self._tokens -= 1
        return wait
