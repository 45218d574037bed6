"""The composed benchmark: ordinary accounts, harvesters with a matched control each, by seed, size and split."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

import numpy as np

from bench.detection import arrivals, harvests, jobs, lists, personas, sources, store
from bench.detection import compose as composing
from bench.detection import profile as profiles
from bench.detection.arrivals import Moment
from bench.detection.compose import ALONE, EPOCH, Account, Ask, Habits, Maker, Script, client_id
from bench.detection.harvests import VARIANTS, Variant
from bench.detection.lists import Lists
from bench.detection.profile import Profile
from bench.detection.sources import Pools, Split

Size = Literal["small", "standard", "large"]
COVERS = (0.0, 0.5, 0.8, 0.9, 0.95)
LEAST = 30  # requests that a cover must leave of the harvest; an account with fewer in all is as it is


class Scale(NamedTuple):
    """How much of everything a size has."""

    ordinary: int
    singles: int  # harvests by one account
    eights: int  # by eight accounts each
    crowds: int  # by twenty-five
    cap: int  # requests composed for an account
    days: float


SCALES: dict[str, Scale] = {
    "small": Scale(60, 8, 0, 0, 1_200, 1.0),
    "standard": Scale(400, 32, 7, 1, 400, 7.0),
    "large": Scale(3_000, 208, 14, 4, 250, 7.0),
}


@dataclass(frozen=True, slots=True)
class World:
    """Everything accounts of one split are drawn from."""

    split: Split
    pools: Pools
    lists: Lists


@dataclass(frozen=True, slots=True)
class Plan:
    """One account before it is composed."""

    name: str
    script: Script
    profile: Profile
    persona: str
    cap: int
    days: float
    variant: Variant | None = None
    source: str = ""
    campaign: str = ""
    pair: int = -1
    grey: bool = False
    cover: float = 0.0
    habits: Habits = ALONE
    late: float = 0.0  # seconds after the beginning
    evasion: str = ""
    throughput: float = 1.0


def missing(data: Path) -> list[str]:
    """The files of a data folder that are not there."""
    absent = sources.missing(data, (*sources.PERMISSIVE, *sources.CHECK_ONLY))
    return [*absent, *lists.missing(data), *arrivals.missing(data)]


def world(data: Path | None, split: Split) -> World:
    """The texts and lists of a split; raises FileNotFoundError naming what the folder lacks."""
    if data is not None and (absent := missing(data)):
        raise FileNotFoundError(f"{data} lacks {', '.join(absent)}: give the data folder, or none for made-up texts")
    return World(split, sources.pools(data, split), lists.read(data, split))


def compose(data: Path | None, seed: int, size: Size, split: Split = "test") -> Iterator[Account]:
    """All accounts of one benchmark, ordinary ones first; from disk where they were composed before."""
    key = store.digest(data, seed, size, split)
    name = f"{size}-{split}-{seed}{'' if data else '-made'}"
    return store.cached(name, key, composed(data, seed, SCALES[size], split))


def composed(data: Path | None, seed: int, scale: Scale, split: Split) -> Iterator[Account]:
    """The same at any scale, made anew."""
    made = world(data, split)
    pairs = list(harvesting(made, f"{split}/{seed}", scale))
    for plan in ordinary(made, f"{split}/{seed}/o", scale.ordinary - len(pairs), scale.cap, scale.days):
        yield build(made, plan)
    for plan in permitted(made, f"{split}/{seed}", scale.ordinary // 40 if pairs else 0, scale.cap, scale.days):
        yield build(made, plan)
    for plan in pairs:
        harvester = build(made, plan)
        yield harvester
        yield build(made, control(made, plan, f"{split}/{seed}"))


def build(made: World, plan: Plan) -> Account:
    """Compose one account."""
    rng = Random(f"{plan.name}/time")
    profile = plan.profile
    span = plan.days * arrivals.DAY
    moments: list[Moment] = []
    for _ in range(4):  # a law that begins in a pause of days is begun elsewhere
        moments = composing.timed(made.pools, profile, rng, profile.a_day, plan.cap, span)
        if len(moments) >= min(plan.cap, LEAST, profile.a_day * plan.days / 2.0):
            break
    moments = moments or [Moment(60.0, 0, True)]
    client = client_id(plan.name)
    start = EPOCH + plan.late + rng.uniform(0.0, 3_600.0)
    events, mask = composing.compose(client, plan.script, made.pools, profile, plan.name, moments, start, plan.habits)
    order = np.argsort(events["at"], kind="stable")
    variant = plan.variant
    return Account(
        client=client, persona=plan.persona, family=variant.family if variant else "", events=events[order],
        source=plan.source, campaign=plan.campaign, pair=plan.pair, arrival=profile.arrival, grey=plan.grey,
        cover=plan.cover, variant=variant.name if variant else "", evasion=plan.evasion, throughput=plan.throughput,
        language=profile.language, a_day=profile.a_day, harvested=mask[order],
    )  # fmt: skip


def ordinary(made: World, seed: str, count: int, cap: int, days: float) -> Iterator[Plan]:
    """So many ordinary clients: the arrival first, then a kind of use that comes with it."""
    for number in range(count):
        name = f"{seed}/{number}"
        rng = Random(f"{name}/plan")
        profile = profiles.draw(rng, made.pools)
        script = persona(rng, profile.kind)
        yield Plan(name, script, profile, script.__name__, cap, days)


def permitted(made: World, seed: str, count: int, cap: int, days: float) -> Iterator[Plan]:
    """Teams that make training data with permission: reported apart, for no traffic tells them."""
    for number in range(count):
        name = f"{seed}/permitted/{number}"
        profile = profiles.draw(Random(f"{name}/plan"), made.pools)
        script = jobs.permitted_synthesis
        yield Plan(name, script, profile, script.__name__, cap, days, grey=True)


def persona(rng: Random, kind: str) -> Script:
    """An ordinary kind of use that comes with an arrival, by how common it is."""
    able = [(script, weight) for script, weight in personas.WEIGHTS if kind in personas.kinds_of(script)]
    return rng.choices([script for script, _ in able], [weight for _, weight in able])[0]


def harvesting(made: World, seed: str, scale: Scale) -> Iterator[Plan]:
    """Operators: each with a variant, a list, a template and settings, on one, eight or twenty-five accounts."""
    sizes = [1] * scale.singles + [8] * scale.eights + [25] * scale.crowds
    order = Random(f"{seed}/variants")
    deck: list[Variant] = []
    pair = 0
    for number, size in enumerate(sizes):
        deck = deck or order.sample(VARIANTS, len(VARIANTS))
        for plan in operator(made, f"{seed}/h/{number}", deck.pop(), size, scale):
            yield replace(plan, pair=pair)
            pair += 1


def operator(made: World, seed: str, variant: Variant, size: int, scale: Scale) -> Iterator[Plan]:
    """One operator's accounts: shards of one list, one template and one pace, habits of their own."""
    rng = Random(f"{seed}/operator")
    first = profiles.draw(rng, made.pools)
    language = first.language
    source, items = source_of(made, rng, variant, language)
    cover = rng.choice(COVERS) if rng.random() < 0.45 else 0.0
    reworded = rng.random() < 0.3
    shared = rng.sample(list(items), len(items))
    a_day = arrivals.rate(rng)
    for number in range(size):
        name = f"{seed}/{number}"
        own = Random(f"{name}/plan")
        profile = profiles.draw(own, made.pools, dialects=variant.dialects)
        profile = replace(profile, language=language, local=first.local, a_day=a_day if size > 1 else profile.a_day)
        other = persona(own, profile.kind)
        script = harvests.covered(harvests.script(variant, shared[number::size]), other, cover)
        yield Plan(
            name, script, profile, other.__name__ if cover else "", scale.cap, scale.days, variant, source,
            campaign=seed if size > 1 else "", cover=cover, habits=Habits(seed, 0.8 if reworded else 0.0),
        )  # fmt: skip


def source_of(made: World, rng: Random, variant: Variant, language: str) -> tuple[str, Sequence[str]]:
    """A list for a variant in a language, and its name."""
    if variant.kind == "documents":
        return f"documents-{language}", harvests.items_of(made.pools, language, (), "documents")
    return rng.choice(made.lists.sources(language, variant.kind))


def control(made: World, plan: Plan, seed: str) -> Plan:
    """An ordinary client with the harvester's arrival, volume and language, and the nearest lengths at hand."""
    rng = Random(f"{seed}/control/{plan.pair}")
    drawn = profiles.draw(rng, made.pools)
    like = plan.profile
    profile = replace(
        drawn, language=like.language, kind=like.kind, law=like.law, arrival=like.arrival, a_day=like.a_day
    )
    wanted = _lengths(made, plan)
    near: list[tuple[float, Plan]] = []
    for script, _ in personas.WEIGHTS:
        if like.kind in personas.kinds_of(script):
            name = f"{seed}/control/{plan.pair}/{script.__name__}"
            one = Plan(name, script, profile, script.__name__, plan.cap, plan.days, pair=plan.pair, late=plan.late)
            got = _lengths(made, one)
            near.append((abs(got[0] - wanted[0]) + 0.5 * abs(got[1] - wanted[1]) + rng.random() * 0.5, one))
    near.sort(key=lambda one: one[0])
    return near[min(int(rng.expovariate(0.7)), len(near) - 1)][1]


def _lengths(made: World, plan: Plan) -> tuple[float, float]:
    """The logs of the median payload and answer of an account's first requests."""
    maker = Maker(Random(f"{plan.name}/text"), made.pools, plan.profile, plan.habits)
    asks = plan.script(maker)
    sent, got = [], []
    for number in range(12):
        maker.moment = Moment(float(number), number // 2, number % 2 == 0)
        ask: Ask = next(asks)
        turns = [one for one in ask.messages if one.role == "user"]
        sent.append(len(turns[-1].text) if turns else 0)
        got.append(len(ask.answer) if ask.answer is not None else ask.chars)
    return math.log1p(float(np.median(sent))), math.log1p(float(np.median(got)))
