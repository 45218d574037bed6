"""How complete the picture of a window is: events dropped and time failed open, from the others' heartbeats."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable

from app.store.heartbeat import Heartbeat

SPACING_SECONDS = 60.0
KEPT_SAMPLES = 4 * 24 * 60  # four days, a little more than an alert's window
DROPPED = ("dropped", "copies_dropped", "events_dropped", "blocks_dropped", "channel_dropped")
FAIL_OPEN = ("fail_open_seconds",)
WATCHED_ROLES = ("gateway", "extractor")


class Quality:
    """Sums counters over processes that come and go, and remembers the sums over time."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._last: dict[tuple[str, str], tuple[float, float]] = {}
        self._totals = (0.0, 0.0)
        self._samples: deque[tuple[float, float, float]] = deque([(now, 0.0, 0.0)], maxlen=KEPT_SAMPLES)

    def observe(self, beats: Iterable[Heartbeat], now: float) -> None:
        """Take in the heartbeats of one time, epoch seconds."""
        for beat in beats:
            if beat.role not in WATCHED_ROLES:
                continue
            key = (beat.role, beat.instance)
            seen = _sum(beat, DROPPED), _sum(beat, FAIL_OPEN)
            before = self._last.get(key, (0.0, 0.0))
            self._last[key] = seen
            dropped, fail_open = (max(0.0, new - old) for new, old in zip(seen, before, strict=True))
            self._totals = self._totals[0] + dropped, self._totals[1] + fail_open
        if now - self._samples[-1][0] >= SPACING_SECONDS:
            self._samples.append((now, *self._totals))

    def window(self, start: float) -> dict[str, float]:
        """What is known to be missing since `start`; `known_since` is when this worker began to look."""
        samples = list(self._samples)
        index = max(0, bisect_right(samples, start, key=lambda sample: sample[0]) - 1)
        _, dropped, fail_open = samples[index]
        return {
            "dropped_events": self._totals[0] - dropped,
            "fail_open_seconds": self._totals[1] - fail_open,
            "known_since": self._since,
        }


def _sum(beat: Heartbeat, names: tuple[str, ...]) -> float:
    return float(sum(beat.counters.get(name, 0) for name in names))
