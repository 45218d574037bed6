"""What the heartbeats of all processes say together, and from when on it is worth telling."""

from __future__ import annotations

from collections.abc import Iterable

from app.store.heartbeat import Heartbeat

LATE_SECONDS = 60.0  # scoring that is this far behind is late
TAKE_UP_SECONDS = 10.0  # within which every gateway has followed a change of the mode and said so


def total(beats: Iterable[Heartbeat], *parts: str) -> float:
    """The sum over processes of every counter whose name holds one of `parts`."""
    return sum(
        float(value)
        for beat in beats
        for name, value in beat.counters.items()
        if any(part in name for part in parts) and isinstance(value, int | float)
    )


def dropped(beats: Iterable[Heartbeat] | None) -> float | None:
    """Copies and events that were dropped since the processes started; None where that is not known.

    None for `beats`: Redis is away. No count is no zero while nobody who may drop some tells any.
    """
    living = list(beats or ())
    count = total(living, "dropped")
    return count if count or {"gateway", "extractor"} <= {beat.role for beat in living} else None


def lag_seconds(beats: Iterable[Heartbeat]) -> float | None:
    """How far the slowest worker is behind; None where none says."""
    said = [
        float(value)
        for beat in beats
        if beat.role == "worker"
        for name, value in beat.gauges.items()
        if "lag" in name and name.endswith("seconds")
    ]
    return max(said, default=None)


def mode_version(beat: Heartbeat) -> float:
    """The newest change of the mode that a gateway has heard of; 0 where it says none."""
    return float(beat.counters.get("mode_version", 0))


def behind_mode(beats: Iterable[Heartbeat], version: float, age_seconds: float) -> list[Heartbeat]:
    """Gateways that have not taken up the change of the mode to `version`, made `age_seconds` ago."""
    if age_seconds < TAKE_UP_SECONDS:
        return []
    return [beat for beat in beats if beat.role == "gateway" and mode_version(beat) != version]
