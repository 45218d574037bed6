"""Plots as SVG by hand: ROC at low false-alarm rates, requests to the flag, reliability."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite, log10
from typing import NamedTuple

WIDTH, HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 250, 40, 52
_COLOURS = (
    "#0b5fa5",
    "#c2410c",
    "#3f7d20",
    "#7c3aa0",
    "#8a6d00",
    "#b0245a",
    "#4b5563",
    "#0f8a8a",
    "#a05a2c",
    "#777777",
)


class Line(NamedTuple):
    """One curve: its name and its points."""

    name: str
    points: Sequence[tuple[float, float]]
    strong: bool = False  # ours


class Axis(NamedTuple):
    """What an axis says, where it begins and ends, and its marks with their words."""

    title: str
    low: float
    high: float
    marks: Sequence[tuple[float, str]]
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value lies, 0 to 1."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low)


def percents(*values: float) -> list[tuple[float, str]]:
    """Marks in percent."""
    return [(value, f"{value:.1%}" if value < 0.01 else f"{value:.0%}") for value in values]


def chart(title: str, x: Axis, y: Axis, lines: Sequence[Line], *, steps: bool = False, diagonal: bool = False) -> str:
    """An SVG of some curves with axes and a legend."""
    body = [_text(_LEFT, 22, title, size=15, weight="bold"), *_grid(x, y)]
    if diagonal:
        body.append(_path([(x.low, x.low), (x.high, x.high)], x, y, "#999999", dash="4 4"))
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        points = [(a, b) for a, b in line.points if isfinite(a) and isfinite(b)]
        body.append(_path(_stairs(points) if steps else points, x, y, colour, width=3.0 if line.strong else 1.5))
        height = _TOP + 8 + 22 * number
        edge = WIDTH - _RIGHT + 16
        body.append(
            f'<line x1="{edge}" y1="{height}" x2="{edge + 18}" y2="{height}" stroke="{colour}" stroke-width="3"/>'
        )
        body.append(_text(edge + 24, height + 4, line.name))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif">'
    )
    paper = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", paper, *body, "</svg>", ""])


def _stairs(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    out: list[tuple[float, float]] = []
    for at, value in points:
        if out:
            out.append((at, out[-1][1]))
        out.append((at, value))
    return out


def _xy(x: Axis, y: Axis, point: tuple[float, float]) -> tuple[float, float]:
    across, up = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    return _LEFT + x.place(point[0]) * across, HEIGHT - _BOTTOM - y.place(point[1]) * up


def _path(points: Sequence[tuple[float, float]], x: Axis, y: Axis, colour: str, *, width: float = 1.0,
          dash: str = "") -> str:  # fmt: skip
    if not points:
        return ""
    steps = " L".join(f"{a:.1f} {b:.1f}" for a, b in (_xy(x, y, point) for point in points))
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="M{steps}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>'


def _text(left: float, top: float, text: str, *, size: int = 12, anchor: str = "start", weight: str = "normal") -> str:
    place = f'x="{left:.1f}" y="{top:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text {place} fill="#222222">{escape(text)}</text>'


def _grid(x: Axis, y: Axis) -> list[str]:
    out = []
    for value, word in x.marks:
        left, bottom = _xy(x, y, (value, y.low))
        out.append(f'<line x1="{left:.1f}" y1="{_TOP}" x2="{left:.1f}" y2="{bottom:.1f}" stroke="#e5e5e5"/>')
        out.append(_text(left, bottom + 18, word, anchor="middle"))
    for value, word in y.marks:
        left, top = _xy(x, y, (x.low, value))
        out.append(f'<line x1="{left:.1f}" y1="{top:.1f}" x2="{WIDTH - _RIGHT}" y2="{top:.1f}" stroke="#e5e5e5"/>')
        out.append(_text(left - 8, top + 4, word, anchor="end"))
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    out.append(_text(middle, HEIGHT - 10, x.title, anchor="middle"))
    out.append(
        f'<text x="16" y="{(_TOP + HEIGHT - _BOTTOM) / 2:.0f}" font-size="12" fill="#222222" text-anchor="middle" '
        f'transform="rotate(-90 16 {(_TOP + HEIGHT - _BOTTOM) / 2:.0f})">{escape(y.title)}</text>'
    )
    return out
