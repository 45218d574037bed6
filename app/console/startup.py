"""Which processes are still starting: after a start, nobody is missing who has not had the time to report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.store.heartbeat import LIFE_SECONDS, Heartbeat

GRACE_SECONDS = 150.0  # a worker on a slow machine takes more than a minute to load what it scores with


@dataclass(slots=True)
class Startup:
    """What this console has heard since it began; `at` in epoch seconds, `ticks` by a monotonic clock."""

    at: float
    ticks: float
    heard: set[str] = field(default_factory=set)

    def waiting(self, beats: Sequence[Heartbeat] | None, ticks: float) -> frozenset[str]:
        """Roles that are silent and may be starting: who was heard once, or has had its time, is missing.

        In the first seconds Redis can still hold what processes of an earlier start said last.
        """
        age = ticks - self.ticks
        alive = {beat.role for beat in beats or ()}
        self.heard |= {beat.role for beat in beats or () if age > LIFE_SECONDS or beat.started >= self.at}
        if beats is None or age > GRACE_SECONDS:
            return frozenset()
        return frozenset({"gateway", "extractor", "worker", "linker"} - alive - self.heard)
