"""Whole: a group whose members' own rows are told, in nats: the sum of fitted lines, each of which only rises."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from detectors.campaign.signals import TYPICAL, Facts, Measured
from detectors.campaign.tells import Kind

SHIPPED = Path(__file__).parents[1] / "shipped" / "groups.json"
TERMS: dict[str, tuple[str, ...]] = {
    "members_rank": ("lead", "lead_low", "lead_size"),
    "size": ("size",),
    "own_networks": ("networks",),
    "own_programs": ("programs",),
    "items_apart": ("apart",),
    "topics_alike": ("alike",),
    "same_parameters": ("same", "same_seldom"),
    "answers_taken": ("taken", "grading", "asks_all", "streamed", "no_longer", "structured", "multi_turn"),
    "shared_wording": ("exact", "dense", "scarce", "front", "tools"),
    "moved_requests": ("moved",),
}
"""Which numbers a term of the score adds up."""
NAMES = tuple(name for names in TERMS.values() for name in names)
FALLING = frozenset({"streamed", "no_longer", "structured", "multi_turn"})
"""The numbers that never speak for a harvest; all others never speak against one."""
_SHARES = ("grading", "asks_all", "streamed", "no_longer", "structured", "multi_turn")
_FORMAT = 2
_LEAST, _MOST = -6.0, 6.0  # log-odds of a row above most ordinary clients'
_EVERY, _FAR = 4.0, 3.2  # a mean over more than so many members says more, as their logarithm grows, so far
_UNKNOWN = 0.7  # topics that cannot be compared


class Line(NamedTuple):
    """What a number comes to: straight between knots, flat outside of them."""

    at: tuple[float, ...]
    nats: tuple[float, ...]

    def of(self, value: float) -> float:
        """The nats of a value."""
        place = bisect_right(self.at, value)
        if place == 0 or place == len(self.at):
            return self.nats[0 if place == 0 else -1]
        low, high = self.at[place - 1], self.at[place]
        return self.nats[place - 1] + (self.nats[place] - self.nats[place - 1]) * (value - low) / (high - low)


class Whole(NamedTuple):
    """The fitted lines, and what a group begins with."""

    start: float
    lines: dict[str, Line]

    def terms(self, m: Measured, facts: Facts) -> dict[str, float]:
        """The nats of each term; what a group begins with counts with the members' rows."""
        held, out = numbers(m, facts), {}
        for term, names in TERMS.items():
            nats = [self.lines[name].of(held[name]) for name in names if name in self.lines]
            if nats:
                out[term] = sum(nats)
        out["members_rank"] = out.get("members_rank", 0.0) + self.start
        return out

    def nats(self, name: str, value: float) -> float:
        """What one number comes to."""
        return self.lines[name].of(value) if name in self.lines else 0.0

    def document(self) -> dict[str, Any]:
        """As JSON."""
        lines = {name: [list(line.at), list(line.nats)] for name, line in sorted(self.lines.items())}
        return {"format": _FORMAT, "start": self.start, "lines": lines}


def parse(document: Mapping[str, Any]) -> Whole:
    """From JSON; raises ValueError where it is none, or its lines are not ones that only rise, or fall."""
    if document.get("format") != _FORMAT:
        raise ValueError("not the lines of a group's score, or of another version")
    lines = {str(name): Line(tuple(at), tuple(nats)) for name, (at, nats) in document["lines"].items()}
    for name, line in lines.items():
        steps = np.diff(line.nats) * (-1.0 if name in FALLING else 1.0)
        if len(line.at) != len(line.nats) or (np.diff(line.at) <= 0.0).any() or (steps < 0.0).any():
            raise ValueError(f"the line of {name} turns")
    return Whole(float(document["start"]), lines)


@cache
def shipped() -> Whole:
    """What ships with this version."""
    return parse(json.loads(SHIPPED.read_text("utf-8")))


def numbers(m: Measured, facts: Facts) -> dict[str, float]:
    """What the lines read of a group."""
    size = len(m.members)
    recipe, front, top = m.of(Kind.RECIPE), m.of(Kind.HEAD), m.wording
    same = recipe.members / size if recipe else 0.0
    lead, low = (min(max(one, _LEAST), _MOST) for one in (facts.lead, facts.lead_low))
    independent = math.log(max(facts.parties, 1))
    return {
        "lead": lead,
        "lead_low": low,
        "lead_size": (low - TYPICAL) * min(max(independent - math.log(_EVERY), 0.0), _FAR),
        "size": independent,
        "networks": m.networks,
        "programs": m.programs,
        "apart": m.apart,
        "alike": _UNKNOWN if math.isnan(m.alike) else m.alike,
        "same": same,
        "same_seldom": same * math.log(facts.people / recipe.df) if recipe else 0.0,
        "taken": m.taken,
        **{name: m.share(name) for name in _SHARES},
        "exact": m.exact,
        "dense": m.dense,
        "scarce": -math.log1p(top.df) if top else 0.0,
        "front": front.members / size if front else 0.0,
        "tools": m.exact_tools,
        "moved": math.log1p(facts.moves),
    }
