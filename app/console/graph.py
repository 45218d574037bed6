"""The graph of a campaign as SVG: members on a ring, what ties them as numbered hubs inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from detectors.said import count as counted

WIDTH, HEIGHT = 480.0, 340.0
MEMBERS, HUBS = 60, 8  # drawn at most; the rest is counted beside the drawing
NAMED = 16  # up to so many members carry the end of their id


@dataclass(frozen=True, slots=True)
class Node:
    """A member: its id, and whether most of its traffic is other business."""

    client_id: str
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class Hub:
    """What ties members: its number in the table, its kind, and who has it."""

    number: int
    kind: str
    holders: frozenset[str]


@dataclass(frozen=True, slots=True)
class Drawing:
    """The picture, and what was left out of it."""

    svg: Markup
    members_left_out: int
    hubs_left_out: int
    named: bool  # whether the members carry the end of their id


def draw(nodes: Sequence[Node], hubs: Sequence[Hub], members: int) -> Drawing:
    """The graph of a campaign with `members` in all; `nodes` are some of them, `hubs` the strongest first."""
    shown_hubs = list(hubs)[:HUBS]
    # Who is tied by the same things stands side by side.
    order = sorted(
        list(nodes)[:MEMBERS],
        key=lambda node: ([node.client_id not in hub.holders for hub in shown_hubs], node.client_id),
    )
    places = {node.client_id: _on_ring(place, len(order), 1.0) for place, node in enumerate(order)}
    middle = [
        _on_ring(place, len(shown_hubs), 0.42 if len(shown_hubs) > 1 else 0.0) for place in range(len(shown_hubs))
    ]
    body: list[str] = []
    for rank, (hub, at) in enumerate(zip(shown_hubs, middle, strict=True)):
        kind = "tie strongest" if rank == 0 else "tie"
        body += [_line(at, places[node.client_id], kind) for node in order if node.client_id in hub.holders]
    named = len(order) <= NAMED
    body += [_member(node, places[node.client_id], named=named) for node in order]
    body += [_hub(hub, at) for hub, at in zip(shown_hubs, middle, strict=True)]
    label = (
        f"{counted(len(order), 'member')} on a ring, tied by {counted(len(shown_hubs), 'thing')} in the "
        "middle; the table below says which"
    )
    svg = Markup(  # noqa: S704 - numbers, our own class names, and escaped text
        f'<svg class="chart graph" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="{escape(label)}" '
        f'focusable="false">{"".join(body)}</svg>'
    )
    return Drawing(svg, max(0, members - len(order)), max(0, len(hubs) - len(shown_hubs)), named)


def _on_ring(place: int, count: int, radius: float) -> tuple[float, float]:
    angle = 2 * math.pi * place / max(count, 1) - math.pi / 2
    return (
        WIDTH / 2 + radius * (WIDTH / 2 - 30) * math.cos(angle),
        HEIGHT / 2 + radius * (HEIGHT / 2 - 26) * math.sin(angle),
    )


def _line(one: tuple[float, float], other: tuple[float, float], kind: str) -> str:
    return f'<path class="{kind}" d="M{one[0]:.1f} {one[1]:.1f}L{other[0]:.1f} {other[1]:.1f}"/>'


def _member(node: Node, at: tuple[float, float], *, named: bool) -> str:
    title = f"{node.client_id}{', most of its traffic is other business' if node.mixed else ''}"
    dot = f'<circle class="{"member mixed" if node.mixed else "member"}" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="6">'
    text = ""
    if named:
        below = at[1] > HEIGHT / 2
        y = at[1] + (19 if below else -11)
        text = (
            f'<text class="name" x="{at[0]:.1f}" y="{y:.1f}" text-anchor="middle">{escape(node.client_id[-4:])}</text>'
        )
    return f"{dot}<title>{escape(title)}</title></circle>{text}"


def _hub(hub: Hub, at: tuple[float, float]) -> str:
    box = f'<rect class="hub" x="{at[0] - 12:.1f}" y="{at[1] - 12:.1f}" width="24" height="24" rx="5">'
    number = f'<text class="number" x="{at[0]:.1f}" y="{at[1] + 5:.1f}" text-anchor="middle">{hub.number}</text>'
    return f"{box}<title>{escape(f'{hub.number}: {hub.kind}')}</title></rect>{number}"
