"""Slow down whoever guesses tokens: failed sign-ins are counted by address, in fixed windows."""

from __future__ import annotations

from app.addresses import group

WINDOW_SECONDS = 60.0
FAILURES = 10  # in a window, from one address
ADDRESSES = 10_000  # remembered at most


class Throttle:
    """Failures only: a client that signs in well is never shut out by its own success.

    `now` is of a monotonic clock, in seconds: one that is set back would keep the door shut for as long.
    """

    def __init__(self, failures: int = FAILURES, window_seconds: float = WINDOW_SECONDS) -> None:
        self._limit = failures
        self._window = window_seconds
        self._seen: dict[str, tuple[float, int]] = {}  # address: start of its window, failures in it

    def wait(self, peer: str, now: float) -> float:
        """Seconds until `peer` may try again; 0 where it may try now."""
        start, failures = self._seen.get(group(peer), (0.0, 0))
        left = start + self._window - now
        return left if failures >= self._limit and left > 0 else 0.0

    def failed(self, peer: str, now: float) -> None:
        """Count one failure."""
        key = group(peer)
        start, failures = self._seen.pop(key, (now, 0))
        if now - start >= self._window:
            start, failures = now, 0
        self._seen[key] = (start, failures + 1)
        while len(self._seen) > ADDRESSES:
            del self._seen[next(iter(self._seen))]  # the one that failed longest ago
