"""Whether the model API answers: what a gateway's requests of the last minute came to, as its heartbeat tells it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from app.store.heartbeat import Heartbeat

SECONDS: Final = 60.0
STEP_SECONDS: Final = 5.0  # between two readings that are kept
LEAST: Final = 5  # requests in a minute of which something is said
MOST_OF: Final = 0.9  # of them failed: nearly all
ASKED, FAILED, UNREACHED = "minute_asked", "minute_failed", "minute_unreached"


class Lately:
    """The last minute of one gateway, whose counters only say what it did since it began."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, tuple[float, ...]]] = deque()
        self._last: tuple[float, ...] = ()

    def hear(self, counters: Mapping[str, float], ticks: float) -> None:
        """The gateway's counters now; `ticks` in seconds of a clock that nobody sets."""
        self._last = _counted(counters)
        if not self._kept or ticks - self._kept[-1][0] >= STEP_SECONDS:
            self._kept.append((ticks, self._last))
        while len(self._kept) > 1 and ticks - self._kept[1][0] >= SECONDS:
            self._kept.popleft()

    def gauges(self) -> dict[str, float]:
        """Requests that the model API had to answer, those of them that failed there, and failed connections."""
        if not self._kept:
            return {}
        since = zip(self._last, self._kept[0][1], strict=True)
        return dict(zip((ASKED, FAILED, UNREACHED), (now - then for now, then in since), strict=True))


def _counted(counters: Mapping[str, float]) -> tuple[float, float, float]:
    def of(*names: str) -> float:
        return sum(float(counters.get(name, 0)) for name in names)

    failed = of("requests_upstream_error", "requests_timeout")
    return failed + of("requests_ok", "requests_upstream_truncated"), failed, of("upstream_failed")


@dataclass(frozen=True, slots=True)
class Failing:
    """Nearly all requests of the last minute failed at the model API."""

    asked: int
    failed: int
    reached: bool  # it answered, with errors

    @property
    def what(self) -> str:
        """What the model API does, as the end of a sentence."""
        return "answers with errors" if self.reached else "does not answer"


def failing(beats: Iterable[Heartbeat]) -> Failing | None:
    """Whether that is so, over all gateways; None where it is not, or where too little was asked to tell."""
    gauges = [beat.gauges for beat in beats if beat.role == "gateway"]
    asked, failed, unreached = (sum(int(one.get(name, 0)) for one in gauges) for name in (ASKED, FAILED, UNREACHED))
    if asked < LEAST or failed < MOST_OF * asked:
        return None
    return Failing(asked, failed, reached=2 * unreached < failed)


def reasons(beats: Iterable[Heartbeat]) -> list[str]:
    """The same as a reason of the status; it does not change the mode, for all that is asked is watched."""
    found = failing(beats)
    return [f"the model API {found.what}: {found.failed} of {found.asked} requests failed in a minute"] if found else []
