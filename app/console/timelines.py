"""When a client asked, as pages draw it: timelines with the numbers behind them, frozen or live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from app.console import charts, words
from detectors.said import count as counted


@dataclass(frozen=True, slots=True)
class Plot:
    """A request timeline: the drawing and everything its text alternative needs."""

    title: str
    drawing: Markup
    points: tuple[tuple[float, int], ...]
    top: int
    first: float
    last: float
    summary: str


def frozen_points(items: Iterable[Mapping[str, Any]]) -> list[tuple[float, int]]:
    """The (start in epoch seconds, requests) pairs of a frozen timeline."""
    return [
        (datetime.fromisoformat(str(item["start"])).timestamp(), int(item["requests"]))
        for item in items
        if item.get("start") and item.get("requests") is not None
    ]


def plot(title: str, points: Iterable[Sequence[float]], step_seconds: float, slots: int) -> Plot | None:
    """The last `slots` steps of a timeline, without holes, from (start, requests); None where all are empty."""
    counts = {int(start // step_seconds): int(amount) for start, amount in points if amount}
    if not counts:
        return None
    last = max(counts)
    steps = range(last - slots + 1, last + 1)
    whole = tuple((step * step_seconds, counts.get(step, 0)) for step in steps)
    amounts = [amount for _, amount in whole]
    active, top = sum(1 for amount in amounts if amount), max(amounts)
    unit = "minutes" if step_seconds < words.HOUR else "hours"
    summary = (
        f"{counted(sum(amounts), 'request')}, active in {active} of {slots} {unit}, "
        f"at most {words.count(top)} in one {unit.removesuffix('s')}"
    )
    drawing = charts.timeline(whole, step_seconds)
    return Plot(title, drawing, whole, top, steps[0] * step_seconds, (last + 1) * step_seconds, summary)


def plots(minutes: Iterable[Sequence[float]], hours: Iterable[Sequence[float]]) -> list[Plot]:
    """The last active hour by minute and three days by hour, those that hold anything: none says how long ago."""
    both = (
        plot("By minute, the hour up to the last request", minutes, words.MINUTE, 60),
        plot("By hour, the three days up to the last request", hours, words.HOUR, 72),
    )
    return [item for item in both if item]
