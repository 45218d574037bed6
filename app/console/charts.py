"""Charts drawn on the server as SVG: no script, no inline style, a text alternative on each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from app.console import words
from detectors.said import count as counted

SCALE_HEADROOM = 1.12  # empty space right of the longer of score and threshold
LEAST_VISIBLE = 0.6  # a bar of a non-zero value never vanishes, in units of its viewBox


@dataclass(frozen=True, slots=True)
class Part:
    """One evidence family's share of a score."""

    family: str  # names the CSS class
    title: str
    nats: float


def _svg(view: str, kind: str, label: str, body: Sequence[str], *, stretch: bool = True) -> Markup:
    """An SVG element around trusted `body`; `label` is escaped and read aloud in place of the drawing."""
    ratio = ' preserveAspectRatio="none"' if stretch else ""
    spoken = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(f'<svg class="chart {kind}" viewBox="{view}"{ratio} {spoken} focusable="false">{"".join(body)}</svg>')  # noqa: S704 - numbers and our own class names only


def _rect(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> str:
    inside = f"<title>{escape(title)}</title>" if title else ""
    place = f'x="{x:.2f}" y="{y:.2f}" width="{max(width, 0):.2f}" height="{max(height, 0):.2f}"'
    return f'<rect class="{escape(kind)}" {place}>{inside}</rect>'


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def score_bar(score: float, threshold: float, parts: Sequence[Part] = ()) -> Markup:
    """Score against threshold on one line; the parts stack up to the score, largest first."""
    score, threshold = max(_finite(score), 0.0), max(_finite(threshold), 0.0)
    top = max(score, threshold, 1e-9) * SCALE_HEADROOM
    body = [_rect(0, 6, 1000, 12, "track")]
    total = sum(max(part.nats, 0.0) for part in parts)
    if total > 0:
        at = 0.0
        for part in sorted(parts, key=lambda part: -part.nats):
            width = max(part.nats, 0.0) / total * score / top * 1000
            spoken = f"{part.title} {words.signed(part.nats)}"
            body.append(_rect(at, 6, width - 2, 12, f"family-{part.family}", spoken))
            at += width
    else:
        body.append(_rect(0, 6, score / top * 1000, 12, "over" if score >= threshold else "under"))
    body.append(_rect(threshold / top * 1000 - 1.5, 0, 3, 24, "mark"))
    side = "above" if score >= threshold else "below"
    label = f"Score {words.score(score)}, {side} the review threshold of {words.score(threshold)}"
    return _svg("0 0 1000 24", "score-bar", label, body)


def mini_score(score: float, threshold: float, top: float = 0.0) -> Markup:
    """The same in a table cell, to the scale `top` of its column; the numbers stand beside it."""
    score, threshold = max(_finite(score), 0.0), max(_finite(threshold), 0.0)
    top = max(score, threshold, _finite(top), 1e-9) * SCALE_HEADROOM
    kind = "over" if score >= threshold else "under"
    body = [
        _rect(0, 3, 100, 4, "track"),
        _rect(0, 3, score / top * 100, 4, kind),
        _rect(threshold / top * 100 - 0.75, 0, 1.5, 10, "mark"),
    ]
    return _svg("0 0 100 10", "mini-score", "", body)


def share_bar(part: float, kind: str) -> Markup:
    """One term's part, 0 to 1 of the largest; the number stands beside it."""
    width = max(min(_finite(part), 1.0) * 100, LEAST_VISIBLE) if part else 0.0
    body = [_rect(0, 0, 100, 10, "track"), _rect(0, 0, width, 10, kind)]
    return _svg("0 0 100 10", "share-bar", "", body)


def percentile_strip(percentile: float | None, kind: str = "for", standing: str = "") -> Markup:
    """Where a value stands among the peer group, 0 to 100, with ticks at the median and the 99th."""
    if percentile is None or math.isnan(percentile):
        return Markup("")
    at = 4 + min(max(percentile, 0.0), 100.0) * 1.12
    body = [
        _rect(4, 7, 112, 2, "track"),
        _rect(59.5, 4, 1, 8, "tick"),
        _rect(114.4, 4, 1, 8, "tick"),
        f'<path class="{escape(kind)}" d="M{at:.2f} 2.5 l4 5.5 l-4 5.5 l-4 -5.5z"/>',
    ]
    return _svg("0 0 120 16", "strip", f"Among the peer group: {standing}", body, stretch=False)


def timeline(points: Sequence[tuple[float, int]], step_seconds: float) -> Markup:
    """Requests a minute or an hour as bars, oldest first; (start in epoch seconds, requests) each."""
    top = max((amount for _, amount in points), default=0)
    body = [_rect(0, 50, len(points) * 10, 0.6, "grid"), _rect(0, 0, len(points) * 10, 0.6, "grid")]
    for place, (start, amount) in enumerate(points):
        height = max(amount / top * 100, LEAST_VISIBLE * 2) if amount and top else 0.0
        title = f"{words.utc_short(start)}: {counted(amount, 'request')}"
        body.append(_rect(place * 10 + 1, 0, 8, 100, "hit", title))
        if height:
            body.append(_rect(place * 10 + 1, 100 - height, 8, height, "bar", title))
    total = sum(amount for _, amount in points)
    active = sum(1 for _, amount in points if amount)
    unit = "minutes" if step_seconds < words.HOUR else "hours"
    label = (
        f"{counted(total, 'request')} in {len(points)} {unit}; "
        f"active in {active} of them; at most {words.count(top)} in one"
    )
    return _svg(f"0 0 {max(len(points), 1) * 10} 100", "timeline", label, body)
