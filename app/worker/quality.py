"""How complete the picture of a window is: events dropped and time unwatched, from the others' heartbeats."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

from app.store.heartbeat import Heartbeat

SPACING_SECONDS = 60.0
KEPT_SAMPLES = 8 * 24 * 60  # eight days: a little more than the engine's window
WATCHED_ROLES = ("gateway", "extractor")
KEPT_PROCESSES = 1_000  # whose counters are remembered: one that restarts again and again has another name each time


class Quality:
    """Sums counters over processes that come and go, and remembers the sums over time."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._last: dict[str, float] = {}
        self._dropped = 0.0
        self._fail_open = 0.0
        self._heard: float | None = None  # the tick at which an extractor was last there
        self._samples: deque[tuple[float, float, float]] = deque([(now, 0.0, 0.0)], maxlen=KEPT_SAMPLES)

    def observe(self, beats: Sequence[Heartbeat], now: float, ticks: float) -> None:
        """Take in the heartbeats of one time: `now` in epoch seconds, `ticks` by a monotonic clock."""
        for beat in beats:
            if beat.role in WATCHED_ROLES:
                dropped = sum(value for name, value in beat.counters.items() if "dropped" in name)
                # What a process dropped before we first looked has no known time: `known_since` stands for it.
                unseen = 0.0 if beat.started >= self._since else dropped
                self._dropped += max(0.0, dropped - self._last.get(beat.key, unseen))
                self._last.pop(beat.key, None)
                self._last[beat.key] = dropped
        while len(self._last) > KEPT_PROCESSES:
            del self._last[next(iter(self._last))]  # the one heard of longest ago
        self._watch(any(beat.role == "extractor" for beat in beats), ticks)
        if now - self._samples[-1][0] >= SPACING_SECONDS:
            self._samples.append((now, self._dropped, self._fail_open))

    def window(self, start: float) -> dict[str, float]:
        """What is known to be missing since `start`; `known_since` is when this worker began to look."""
        samples = list(self._samples)
        index = max(0, bisect_right(samples, start, key=lambda sample: sample[0]) - 1)
        _, dropped, fail_open = samples[index]
        return {
            "dropped_events": self._dropped - dropped,
            "fail_open_seconds": round(self._fail_open - fail_open, 1),
            "known_since": self._since,
        }

    def _watch(self, there: bool, ticks: float) -> None:
        """Add the time that passed without an extractor: the gateway then lets traffic by unseen.

        A heartbeat that Redis still holds is a living one; by the hosts' clocks, which may differ or be
        stepped, nothing is judged.
        """
        if there:
            self._heard = ticks
        elif self._heard is not None:
            self._fail_open += ticks - self._heard
            self._heard = ticks
