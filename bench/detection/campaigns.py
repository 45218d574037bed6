"""Campaigns on one clock: many accounts of one operator, those banned and replaced, those that hand work over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np

from bench.detection import dataset, fast, harvests, lookalikes, store
from bench.detection import profile as profiles
from bench.detection.compose import Account, Habits
from bench.detection.dataset import Plan, Size, World
from bench.detection.harvests import VARIANTS, Variant
from bench.detection.sources import Split
from detectors.exchange import Outcome

SHARES = (1.0, 0.5, 0.25, 0.1, 0.05)
EVENTS = ("", "", "", "succession", "displacement")
SAMPLE = 60  # accounts of a larger campaign that are composed; the rest are made from them
FAMILIES = ("prompt list", "reasoning", "grading", "self-instruct", "evolve", "preference", "rewriting", "trajectories")


class Shape(NamedTuple):
    """One campaign: accounts, requests of each, the attack's share of them, other words, and what befalls it."""

    accounts: int
    requests: int
    share: float
    reworded: bool = False
    event: str = ""
    overlap: float = 0.0  # share of the harvest that other accounts send too, to look like independent users

    @property
    def title(self) -> str:
        """The shape in words."""
        extra = (", other words" if self.reworded else "") + (f", {self.event}" if self.event else "")
        extra += f", {self.overlap:.0%} in common" if self.overlap else ""
        return f"{self.accounts} x {self.requests} at {self.share:.0%}{extra}"


class Scale(NamedTuple):
    """How much of everything a size has."""

    ordinary: int
    groups: tuple[int, ...]  # sizes of each group of look-alikes
    shapes: tuple[Shape, ...]


SHAPES = (
    Shape(8, 60, 1.0), Shape(8, 100, 0.5, True), Shape(8, 40, 0.25), Shape(15, 100, 0.1), Shape(15, 100, 0.1, True),
    Shape(15, 20, 1.0, True), Shape(15, 60, 0.5, event="succession"), Shape(15, 60, 0.5, event="displacement"),
    Shape(25, 50, 0.25, True), Shape(25, 100, 0.1), Shape(25, 100, 0.05), Shape(25, 20, 1.0, event="succession"),
    Shape(15, 60, 1.0, overlap=0.2),
)  # fmt: skip
CROWDS = (Shape(100, 40, 0.5), Shape(100, 100, 0.1, True))
SCALES: dict[str, Scale] = {
    "small": Scale(30, (8,), (Shape(8, 25, 1.0), Shape(8, 25, 0.5, event="displacement"))),
    "standard": Scale(500, (8, 30), (*SHAPES, *CROWDS)),
    "large": Scale(
        3_000, (8, 30, 100), (*SHAPES, *SHAPES, *CROWDS, Shape(1_000, 60, 0.5), Shape(1_000, 100, 0.1, True))
    ),
}


def compose(data: Path | None, seed: int, size: Size, split: Split = "test") -> Iterator[Account]:
    """Ordinary accounts, look-alikes and campaigns of one seed; from disk where they were composed before."""
    key = store.digest(data, seed, size, split, more=("campaigns", "fast", "lookalikes"))
    name = f"campaigns-{size}-{split}-{seed}{'' if data else '-made'}"
    return store.cached(name, key, composed(data, seed, SCALES[size], split))


def composed(data: Path | None, seed: int, scale: Scale, split: Split) -> Iterator[Account]:
    """The same at any scale, made anew."""
    made = dataset.world(data, split)
    name = f"campaigns/{split}/{seed}"
    first = min(scale.ordinary, 600)
    sample = []
    for plan in dataset.ordinary(made, f"{name}/o", first, 100, 7.0):
        sample.append(dataset.build(made, plan))
        yield sample[-1]
    yield from fast.background(sample, scale.ordinary - first, f"{name}/o/more")
    for group in lookalikes.GROUPS:
        for size in scale.groups:
            for plan in lookalikes.group(made, group, f"{name}/{group}/{size}", size):
                yield dataset.build(made, plan)
    for number, shape in enumerate(scale.shapes):
        yield from campaign(made, shape, f"{name}/{number}")


def campaign(made: World, shape: Shape, name: str) -> list[Account]:
    """One operator's accounts; `variant` names the harvest, `evasion` the shape."""
    variant = Random(f"{name}/variant").choice([one for one in VARIANTS if one.family in FAMILIES])
    few = min(shape.accounts, SAMPLE)
    accounts = [dataset.build(made, plan) for plan in plans(made, variant, shape, name, few)]
    if shape.event == "succession":
        accounts = succession(accounts, Random(f"{name}/event"))
    if shape.event == "displacement":
        accounts = displacement(accounts, Random(f"{name}/event"))
    accounts = [*accounts, *fast.multiply(tuple(accounts), shape.accounts - few, f"{name}/more")]
    return [replace(one, evasion=shape.title, cover=1.0 - shape.share) for one in accounts]


def plans(made: World, variant: Variant, shape: Shape, name: str, count: int) -> Iterator[Plan]:
    """Shards of one list, one template and one setting; network, program, hours and pace of the account's own."""
    rng = Random(f"{name}/operator")
    first = profiles.draw(rng, made.pools)
    language = first.language
    source, items = dataset.source_of(made, rng, variant, language)
    shared = rng.sample(list(items), len(items))
    habits = Habits(f"{name}/operator", 0.8 if shape.reworded else 0.0)
    for number in range(count):
        own = Random(f"{name}/{number}/plan")
        profile = profiles.draw(own, made.pools, dialects=variant.dialects)
        a_day = max(own.choice((13.0, 26.0, 47.0, 330.0)), shape.requests / 4.0)
        profile = replace(profile, language=language, local=first.local, a_day=a_day)
        shard = shared[number::count]
        if shape.overlap:
            own_part = shard[: round(shape.requests * (1.0 - shape.overlap))]
            shard = [*own_part, *shared[-round(shape.requests * shape.overlap) :]]
        other = dataset.persona(own, profile.kind)
        script = harvests.covered(harvests.script(variant, shard), other, 1.0 - shape.share)
        cover = other.__name__ if shape.share < 1.0 else ""
        yield Plan(
            f"{name}/{number}", script, profile, cover, shape.requests, 7.0, variant, source, campaign=name,
            habits=habits, late=own.uniform(0.0, 43_200.0),
        )  # fmt: skip


def _refused(events: np.ndarray, chosen: np.ndarray, status: int) -> None:
    """No answer to the chosen requests."""
    events["status"][chosen] = status
    events["outcome"][chosen] = int(Outcome.UPSTREAM_ERROR)
    for field in ("answer", "answer_gist", "out_chars", "out_tokens", "kind", "reasoning_chars", "tool_calls"):
        events[field][chosen] = 0


def succession(accounts: list[Account], rng: Random) -> list[Account]:
    """Half the accounts are refused for good after some days; within two days another goes on for each."""
    half = len(accounts) // 2
    out = []
    for number, old in enumerate(accounts[:half]):
        events, harvested = old.events.copy(), store.mask_of(old).copy()
        keep = max(6, int(len(events) * rng.uniform(0.4, 0.8)))
        events, harvested = events[:keep], harvested[:keep]
        _refused(events, np.arange(keep - 3, keep), 403)
        harvested[-3:] = False
        out.append(replace(old, events=events, harvested=harvested))
        if half + number < len(accounts):
            new = accounts[half + number]
            later = new.events.copy()
            later["at"] += float(events["at"][-1]) + rng.uniform(1.0, 40.0) * 3_600.0 - float(later["at"][0])
            out.append(replace(new, events=later))
    return [*out, *accounts[2 * half :]]


def displacement(accounts: list[Account], rng: Random) -> list[Account]:
    """Some requests are refused for their rate, and come again from another account within seconds."""
    events = [one.events.copy() for one in accounts]
    masks = [store.mask_of(one).copy() for one in accounts]
    moved: list[list[np.ndarray]] = [[] for _ in accounts]
    for number in range(len(accounts)):
        own = np.flatnonzero(masks[number])
        chosen = own[rng.randrange(max(1, len(own) // 3)) :: max(3, len(own) // 5)]
        copies = events[number][chosen].copy()
        _refused(events[number], chosen, 429)
        masks[number][chosen] = False
        target = (number + 1 + rng.randrange(max(1, len(accounts) - 1))) % len(accounts)
        first = events[target][0]
        for field in ("client", "network", "agent", "ja4"):
            copies[field] = first[field]
        copies["at"] += [rng.uniform(0.4, 8.0) for _ in range(len(copies))]
        moved[target].append(copies)
    out = []
    for one, mine, mask, taken in zip(accounts, events, masks, moved, strict=True):
        merged = np.concatenate([mine, *taken])
        label = np.concatenate([mask, np.ones(len(merged) - len(mine), bool)])
        order = np.argsort(merged["at"], kind="stable")
        out.append(replace(one, events=merged[order], harvested=label[order]))
    return out
