"""Train the re-ranker that ships: composed harvests against ordinary clients and hard negatives, by account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection import dataset, harvests, jobs
from bench.detection import profile as profiles
from bench.detection.compose import Account, Script
from bench.detection.dataset import Plan, Scale, World
from bench.detection.lists import Lists, made
from detectors import calibrate, fitting, rerank
from detectors.engine import Engine
from detectors.reference import Reference

EACH = 8  # harvesters of each variant
ORDINARY, HARD_EACH = 500, 10
CAP, DAYS = 200, 7.0
PENALTIES = (0.003, 0.01, 0.03, 0.1)
NON_COMMERCIAL = ("alpaca_en",)
HARD: tuple[Script, ...] = (
    jobs.harness, jobs.judge, jobs.pass_at_k, jobs.repeated_scoring, jobs.optimiser, jobs.test_sets, jobs.voting,
    jobs.writer, jobs.studio, jobs.essay_marks, jobs.red_team, jobs.release_day, jobs.auditor, jobs.moderation,
)  # fmt: skip
"""Ordinary uses that look most like harvests: drawn more often than they are common."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Evidence at every look of every account: one row a look."""

    evidence: NDArray[np.float64]  # (rows, detectors), nats
    account: NDArray[np.intp]
    family: NDArray[np.str_]  # empty for ordinary clients
    importance: NDArray[np.float64]  # an account's looks weigh as much as one row

    @property
    def harvests(self) -> NDArray[np.bool_]:
        """Which rows are of harvesters."""
        return np.asarray(self.family != "", np.bool_)

    def some(self, keep: NDArray[np.bool_]) -> Seen:
        """The rows where `keep` is true."""
        return Seen(self.evidence[keep], self.account[keep], self.family[keep], self.importance[keep])


def permissive(world: World) -> World:
    """The world without lists under non-commercial terms: made-up ones stand in for them."""
    by: dict[str, dict[str, Any]] = {}
    for language, kinds in world.lists.by.items():
        own = made(language, world.split)
        by[language] = {
            kind: tuple(one for one in named if not any(name in one[0] for name in NON_COMMERCIAL)) or own[kind]
            for kind, named in kinds.items()
        }
    return replace(world, lists=Lists(by))


def plans(world: World, seed: str, each: int = EACH, ordinary: int = ORDINARY) -> Iterator[Plan]:
    """Harvesters of every variant, ordinary clients as they are common, and hard negatives."""
    scale = Scale(0, 1, 0, 0, CAP, DAYS)
    for variant in harvests.VARIANTS:
        for number in range(each):
            yield from dataset.operator(world, f"{seed}/{variant.name}/{number}", variant, 1, scale)
    yield from dataset.ordinary(world, f"{seed}/ordinary", ordinary, CAP, DAYS)
    for script in HARD:
        for number in range(max(1, HARD_EACH * ordinary // ORDINARY)):
            name = f"{seed}/hard/{script.__name__}/{number}"
            profile = profiles.draw(Random(f"{name}/plan"), world.pools)
            yield Plan(name, script, profile, script.__name__, CAP, DAYS)


def accounts(world: World, seed: str, each: int = EACH, ordinary: int = ORDINARY) -> Iterator[Account]:
    """The same, composed."""
    return (dataset.build(world, plan) for plan in plans(world, seed, each, ordinary))


def observe(engine: Engine, some: Iterator[Account]) -> Seen:
    """What the engine's reference says of the accounts at each of their looks."""
    rows, who, families = [], [], []
    for number, one in enumerate(some):
        for look, shot in enumerate(fitting.observe(engine, one.events), 1):
            seen = shot.rows.copy()
            seen["look"], seen["group"] = look, engine.judge.group(seen)
            rows.append(calibrate.nats(engine.judge.judge(seen, 0.0).p)[0])
            who.append(number)
            families.append(one.family)
    account = np.array(who, np.intp)
    weight = 1.0 / np.bincount(account)[account]
    return Seen(np.array(rows), account, np.array(families, np.str_), weight)


def train(reference: Reference, seen: Seen) -> Reference:
    """The reference with weights, and how well they do on families that training did not see, in `about`."""
    held = seen.account % 5 >= 3  # two fifths of the accounts: for the probability and for choosing
    learn, other = seen.some(~held), seen.some(held)
    known = tuple(range(len(reference.detectors)))
    left_out = {penalty: _left_out(reference, learn, other, penalty) for penalty in PENALTIES}
    penalty = max(PENALTIES, key=lambda one: float(np.mean(list(left_out[one].values()))))
    weights = rerank.train(learn.evidence, learn.harvests, learn.importance, penalty)
    out = replace(reference, weights=weights.weights, bias=weights.bias)
    ranks = rerank.rank(out, known, other.evidence)
    out = replace(out, platt=rerank.platt(ranks, other.harvests, other.importance))
    told = rerank.probability(out, ranks)
    names = [name for name, _ in reference.detectors]
    about = {
        "weights": {name: round(float(one), 3) for name, one in zip(names, weights.weights, strict=True)},
        "penalty": penalty,
        "accounts": len(np.unique(seen.account)),
        "harvesters": len(np.unique(seen.account[seen.harvests])),
        "auc_of_the_sum": round(_area(other.evidence.sum(axis=1), other), 4),
        "auc_of_the_rank": round(_area(ranks, other), 4),
        "auc_of_a_family_left_out": {name: round(area, 3) for name, area in left_out[penalty].items()},
        "harvest_share_that_probabilities_are_for": 0.5,
        "brier": round(float(np.average((told - other.harvests) ** 2, weights=_even(other))), 4),
    }
    return replace(out, about=reference.about | {"ranking": about})


def _left_out(reference: Reference, learn: Seen, other: Seen, penalty: float) -> dict[str, float]:
    """For each family: the area under the curve of weights that were trained without it."""
    known = tuple(range(len(reference.detectors)))
    out = {}
    for family in sorted(set(other.family) - {""}):
        part = learn.some(learn.family != family)
        weights = rerank.train(part.evidence, part.harvests, part.importance, penalty)
        tried = other.some((other.family == family) | (other.family == ""))
        ranks = rerank.rank(replace(reference, weights=weights.weights, bias=weights.bias), known, tried.evidence)
        out[str(family)] = _area(ranks, tried)
    return out


def _even(seen: Seen) -> NDArray[np.float64]:
    """The rows' importance with both classes brought to the same total."""
    weight = seen.importance.copy()
    for side in (True, False):
        weight[seen.harvests == side] /= max(float(weight[seen.harvests == side].sum()), 1e-12)
    return weight


def _area(ranks: NDArray[np.float64], seen: Seen) -> float:
    """The area under the ROC curve, each row by its importance, ties counted half."""
    values, place = np.unique(ranks, return_inverse=True)
    harvests, ordinary = (
        np.bincount(place[seen.harvests == side], seen.importance[seen.harvests == side], len(values))
        for side in (True, False)
    )
    below = np.cumsum(ordinary) - ordinary / 2.0
    return float((harvests * below).sum() / max(harvests.sum() * ordinary.sum(), 1e-12))
