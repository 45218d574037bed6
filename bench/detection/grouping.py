"""Fit the score of whole groups: lines that only rise, over groups of development seeds, each left out once."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from bench.detection import campaigns, linking, texts
from bench.detection.compose import Account
from detectors import registry
from detectors.campaign import Linker, Settings, rows, whole
from detectors.campaign.score import Scoring
from detectors.campaign.whole import FALLING, NAMES, Line, Whole
from detectors.table import Table

SEEDS = tuple(range(1, 13))
DAYS = (0.75, 1.25, 2.0, 3.0, 4.0, 5.0, 6.5, 8.5)  # moments of the week at which groups are looked at
LEAST = 5  # parties of a group that can be reviewed
SURE = 0.75  # a group is a harvest when so many of its members are, and ordinary when fewer than half are
EACH_HARVEST, EACH_KIND = 25, 60  # readings of a campaign, and of a kind of ordinary use, at a moment
KNOTS = (0.02, 0.2, 0.4, 0.6, 0.8, 0.9, 0.98)  # quantiles
PENALTY = 20.0
MARGIN = 0.3  # nats above the highest ordinary group of a seed that was left out: a week has more links than DAYS
SLIGHT = 0.02  # nats: a line that rises less is left out


class Reading(NamedTuple):
    """One choice of a group's members at one moment."""

    seed: int
    moment: float
    numbers: NDArray[np.float64]  # by whole.NAMES
    harvest: float  # share of the members
    clients: frozenset[int]
    kind: str  # the campaign, or what most members do


def observed(accounts: Sequence[Account], seed: int) -> list[Reading]:
    """The groups of one seed at each moment, with everybody's rows told."""
    by = {one.client: one for one in accounts}
    events = linking.ordered(accounts)
    linker, table = linking.fresh(accounts), Table(registry.load())
    out: list[Reading] = []
    start, done = float(events["at"][0]), 0
    for moment in DAYS:
        end = int(np.searchsorted(events["at"], start + moment * 86_400.0))
        for first in range(done, end, linking.BLOCK):
            block = events[first : min(first + linking.BLOCK, end)]
            linker.observe(block)
            table.step(block, float(block["at"][-1]))
        done = end
        linker.tell(rows.ranks(table.engine, table.rows()))
        out += _readings(linker, by, seed, moment)
    return out


def _readings(linker: Linker, by: dict[int, Account], seed: int, moment: float) -> list[Reading]:
    out: dict[frozenset[int], Reading] = {}
    known = linker.graph.clients.known()
    for measured, facts, shown in linker.readings():
        inside, clients = frozenset(known[measured.members].tolist()), frozenset(known[shown].tolist())
        if facts.parties - facts.behind < LEAST or np.isnan(facts.rank) or inside in out:
            continue
        members = [by[client] for client in clients]
        harvest = sum(bool(one.family) for one in members) / len(members)
        kinds = Counter(one.campaign if one.family else linking.kind(one) for one in members)
        held = whole.numbers(measured, facts)
        values = np.array([held[name] for name in NAMES])
        out[inside] = Reading(seed, moment, values, harvest, clients, kinds.most_common(1)[0][0])
    return list(out.values())


class Basis(NamedTuple):
    """Ramps between quantiles of each number; a weight of each ramp that is not negative makes lines that rise."""

    knots: dict[str, NDArray[np.float64]]

    def of(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far each reading is up each ramp: shape (readings, ramps)."""
        parts = []
        for name, at in self.knots.items():
            value = numbers[:, NAMES.index(name)] * _sign(name)
            parts += [np.clip((value - low) / (high - low), 0.0, 1.0) for low, high in pairwise(at)]
        return np.column_stack(parts)


def _sign(name: str) -> float:
    return -1.0 if name in FALLING else 1.0


def basis(numbers: NDArray[np.float64]) -> Basis:
    """Knots at quantiles of what was seen."""
    every = {name: np.unique(np.quantile(numbers[:, k] * _sign(name), KNOTS)) for k, name in enumerate(NAMES)}
    return Basis({name: at for name, at in every.items() if len(at) > 1})


def chosen(readings: Sequence[Reading]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Readings to learn from, and their weights: few of each campaign and kind, both sides alike in all."""
    rng = np.random.default_rng(1)
    of: dict[tuple[int, float, bool, str], list[int]] = defaultdict(list)
    for place, one in enumerate(readings):
        if one.harvest < 0.5 or one.harvest >= SURE:
            of[one.seed, one.moment, one.harvest >= SURE, one.kind].append(place)
    places, weights, sides = [], [], []
    for (_, _, harvest, _), some in of.items():
        few = min(len(some), EACH_HARVEST if harvest else EACH_KIND)
        places.append(rng.choice(some, few, replace=False))
        weights.append(np.full(few, few**-0.5))
        sides.append(np.full(few, harvest))
    weight, side = np.concatenate(weights), np.concatenate(sides)
    weight[side] *= weight[~side].sum() / weight[side].sum()
    return np.concatenate(places), weight / weight.mean()


def solved(ramps: NDArray[np.float64], harvest: NDArray[np.bool_], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ramps' weights by a logistic loss, none of them negative, and the intercept behind them."""

    def loss(at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = ramps @ at[:-1] + at[-1]
        far = weight * (1.0 / (1.0 + np.exp(-odds)) - harvest) / len(harvest)
        value = (weight * np.logaddexp(0.0, np.where(harvest, -odds, odds))).mean()
        held = PENALTY / len(harvest)
        return float(value + held * (at[:-1] ** 2).sum()), np.append(ramps.T @ far + 2.0 * held * at[:-1], far.sum())

    bounds = [(0.0, None)] * ramps.shape[1] + [(None, None)]
    found = minimize(loss, np.zeros(ramps.shape[1] + 1), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x, np.float64)


def held_out(readings: Sequence[Reading]) -> NDArray[np.float64]:
    """Each reading's log-odds by what the other seeds' readings teach."""
    numbers, seed = np.array([one.numbers for one in readings]), np.array([one.seed for one in readings])
    harvest = np.array([one.harvest >= SURE for one in readings])
    ramps = basis(numbers).of(numbers)
    some, weight = chosen(readings)
    out = np.zeros(len(readings))
    for left in np.unique(seed):
        rest = seed[some] != left
        at = solved(ramps[some[rest]], harvest[some[rest]], weight[rest])
        out[seed == left] = ramps[seed == left] @ at[:-1] + at[-1]
    return out


def fit(readings: Sequence[Reading], bar: float, review: float) -> Whole:
    """The lines by all readings; log-odds of `bar` come to `review`, and an ordinary group's mean number to nothing."""
    numbers = np.array([one.numbers for one in readings])
    harvest = np.array([one.harvest >= SURE for one in readings])
    ramps, (some, weight) = basis(numbers), chosen(readings)
    at = solved(ramps.of(numbers[some]), harvest[some], weight)
    ordinary, lines, start, first = numbers[some[~harvest[some]]], {}, float(at[-1]) + review - bar, 0
    for name, knots in ramps.knots.items():
        nats = np.append(0.0, np.cumsum(at[first : first + len(knots) - 1]))
        first += len(knots) - 1
        mean = float(np.interp(ordinary[:, NAMES.index(name)] * _sign(name), knots, nats).mean())
        start += mean
        if nats[-1] < SLIGHT:
            continue
        turn = slice(None, None, int(_sign(name)))
        lines[name] = Line(
            tuple((_sign(name) * knots).round(4)[turn].tolist()), tuple((nats - mean).round(3)[turn].tolist())
        )
    return Whole(round(start, 3), lines)


def bar(readings: Sequence[Reading], odds: NDArray[np.float64]) -> float:
    """The log-odds that no ordinary group of a seed left out reaches, with a margin."""
    return max(float(value) for one, value in zip(readings, odds, strict=True) if one.harvest < 0.5) + MARGIN


def settled(held: Whole, highest: Callable[[float], float]) -> Whole:
    """The same lines, so low that no ordinary campaign of a week is shown nearer to review than MARGIN.

    `highest` tells, for scores lowered by so many nats, how far above review the highest one stands; below -MARGIN
    where there is none. It is asked again after each step: what lies over each other is shown by its better part, so
    that other groups show once some are gone.
    """
    lowered = 0.0
    while (over := highest(lowered)) >= -MARGIN:
        lowered += over + MARGIN
    return held._replace(start=round(held.start - lowered, 3))


def shown(data: Path, seed: int, lowered: float) -> float:
    """How far above review the highest ordinary campaign of a development seed's week stands, nats, were scores lower.

    Review begins MARGIN nats earlier, and the linker does with it what it does; -inf where nothing is shown.
    """
    accounts = list(campaigns.compose(data, seed, "standard", "dev"))
    usual, later = Scoring(), lowered - MARGIN
    scoring = replace(usual, review=usual.review + later, alone=usual.alone + later)
    week = linking.followed(accounts, Settings(scoring=scoring))
    highest = max((group.score for group in week.ordinary), default=-np.inf)
    print(f"seed {seed}, {lowered:.2f} nats lower: {highest - linking.REVIEW - lowered:+.2f}", file=sys.stderr)
    return float(highest - linking.REVIEW - lowered)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write groups.json from development seeds; 2 where the data folder is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection.grouping", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder with data/, or data itself")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--out", type=Path, default=whole.SHIPPED)
    parser.add_argument(
        "--level",
        action="store_true",
        help="keep the lines that ship, and set their level alone, by what weeks of the linker show",
    )
    asked = parser.parse_args(arguments)
    if asked.data is None:
        print("The texts are not in the repository: give their folder.", file=sys.stderr)
        return 2
    data = texts.folder(asked.data)
    held = whole.shipped() if asked.level else fitted(data, asked.seeds)
    _write(asked.out, held)
    if not asked.level and asked.out != whole.SHIPPED:
        print("The level is as it was fitted: weeks of the linker go by the lines that ship.", file=sys.stderr)
        return 0
    whole.shipped.cache_clear()
    return _write(asked.out, settled(held, lambda lowered: max(shown(data, seed, lowered) for seed in asked.seeds)))


def fitted(data: Path, seeds: Sequence[int]) -> Whole:
    """The lines by the groups of these development seeds, review above every ordinary group of a seed left out."""
    readings: list[Reading] = []
    for seed in seeds:
        readings += observed(list(campaigns.compose(data, seed, "standard", "dev")), seed)
        print(f"seed {seed}: {len(readings)} readings so far", file=sys.stderr)
    odds = held_out(readings)
    least = bar(readings, odds)
    above = [one for one, value in zip(readings, odds, strict=True) if value >= least]
    print(f"review at log-odds of {least:.2f}: {len(above)} of {len(readings)} readings of seeds left out")
    return fit(readings, least, linking.REVIEW)


def _write(out: Path, made: Whole) -> int:
    out.write_text(json.dumps(made.document(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
