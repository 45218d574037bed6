"""Train the re-ranker that ships: composed harvests against ordinary clients and hard negatives, by account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.detection import copies, dataset, harvests, jobs, lookalikes, pipelines
from bench.detection import profile as profiles
from bench.detection.compose import Account, Script
from bench.detection.dataset import Plan, Scale, World
from bench.detection.growing import BLIND, PROGRAMS, TREES, Seen, grown, read_names
from bench.detection.lists import Lists, made
from bench.detection.recorded import Recorded
from bench.detection.sources import TRAINING
from detectors import calibrate, fitting, likeness, rerank
from detectors.base import Detector
from detectors.engine import Engine
from detectors.reference import Reference

SEED = "R1"
EACH = 80  # harvesters of each variant
ORDINARY, HARD_EACH = 2_400, 48
SINGLES, EIGHTS = 120, 24  # operators under cover, by how many accounts they have
CAP, DAYS = 200, 7.0
PENALTIES = (0.003, 0.01, 0.03, 0.1)
NON_COMMERCIAL = ("alpaca_en",)
_CHUNK, _FOLDS = 60, 8
HARD: tuple[Script, ...] = (
    jobs.harness, jobs.judge, jobs.pass_at_k, jobs.repeated_scoring, jobs.optimiser, jobs.test_sets, jobs.quizzes,
    jobs.sample_data, jobs.help_pages, jobs.voting,
    jobs.writer, jobs.studio, jobs.essay_marks, jobs.red_team, jobs.release_day, jobs.auditor, jobs.moderation,
    pipelines.crew, pipelines.report, pipelines.memory_chat, pipelines.rag_metrics, pipelines.graded_suite,
    *lookalikes.GROUPS.values(),
)  # fmt: skip
"""Ordinary uses that look most like harvests, members of ordinary groups among them: drawn more often than common."""


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


def varied(world: World) -> World:
    """The world with the texts of ordinary clients among the harvesters' lists.

    A forest that saw lists of few sources alone takes their wording and its breadth for the harvest: with the same
    texts on both sides, what is done with them must tell.
    """
    by: dict[str, dict[str, Any]] = {}
    for language, kinds in world.lists.by.items():
        pools = world.pools.others.get(language, world.pools)
        asked = tuple(dict.fromkeys([*pools.questions, *(turns[0].text for turns in pools.dialogues)]))
        more = {
            "instructions": (("questions", asked), ("short", pools.short)),
            "maths": (("exercises", pools.maths), *made(language, world.split)["maths"]),
            "code": (("programs", pools.code),),
        }
        by[language] = {
            kind: tuple({name: (name, texts) for name, texts in (*named, *more.get(kind, ()))}.values())
            for kind, named in kinds.items()
        }
    return replace(world, lists=Lists(by))


def reworded(world: World) -> World:
    """The world with templates in further wordings and under house rules, which neither split's tests have."""
    others = {name: replace(one, split=TRAINING) for name, one in world.pools.others.items()}
    return replace(world, pools=replace(world.pools, split=TRAINING, others=others))


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


def crowd(world: World, seed: str, ordinary: int = ORDINARY) -> Iterator[Plan]:
    """Operators of one and of eight accounts, covered in part, and an ordinary client like each of them.

    The likes have a harvester's arrivals, language and lengths: trees that saw them do not take lengths for harvests.
    """
    scale = Scale(0, 1 + SINGLES * ordinary // ORDINARY, EIGHTS * ordinary // ORDINARY, 0, 2 * CAP, DAYS)
    pairs = list(dataset.harvesting(world, f"{seed}/crowd", scale))
    yield from dataset.ordinary(world, f"{seed}/crowd/o", ordinary // 2, 2 * CAP, DAYS)
    for plan in pairs:
        yield plan
        yield dataset.control(world, plan, f"{seed}/crowd")


def accounts(world: World, seed: str, each: int = EACH, ordinary: int = ORDINARY) -> Iterator[Account]:
    """The same, composed."""
    return (
        dataset.build(world, plan) for plan in chain(plans(world, seed, each, ordinary), crowd(world, seed, ordinary))
    )


def observe(engine: Engine, some: Iterable[Account]) -> Seen:
    """What the engine's reference says of the accounts at each of their looks: as they are, with answers that nobody
    sees, and with marks put on.
    """
    parts: list[list[fitting.Snapshot]] = []
    labels: dict[int, tuple[int, str, str]] = {}  # account, family, kind
    held: list[Account] = []

    def settle() -> None:
        if held:
            parts.append(fitting.observe(engine, np.concatenate([one.events for one in held])))
            held.clear()

    for place, one in enumerate(some):
        for copy in (one, copies.unseen(one), copies.marked(one)):
            labels[copy.client] = place, one.family, one.persona
            held.append(copy)
        if len(held) >= _CHUNK:
            settle()
    settle()
    evidence, who, numbers = [], [], []
    for look, shot in enumerate(fitting.join(parts), 1):
        rows = shot.rows.copy()
        rows["look"], rows["group"] = look, engine.judge.group(rows)
        judged = engine.judge.judge(rows, 0.0)
        evidence.append(calibrate.nats(judged.p))
        numbers.append(likeness.numbers(engine.detectors, rows, judged.scores))
        who.append(shot.clients)
    number, family, kind = zip(*(labels[client] for client in np.concatenate(who).tolist()), strict=True)
    account = np.array(number, np.intp)
    weight = 1.0 / np.bincount(account)[account]
    names = np.array(family, np.str_), np.array(kind, np.str_)
    return Seen(np.concatenate(evidence), account, *names, weight, np.concatenate(numbers))


def _recorded(seen: Seen, programs: Recorded, known: Sequence[str]) -> dict[str, Any]:
    """What the recorded programs are, and how those are ranked of whose tool training held no run.

    A program's name begins with its tool's; those written by hand for the recording count as one tool.
    """
    names, place = np.unique(programs.program, return_inverse=True)
    tools, tool = np.unique([name.split("_")[0] for name in names], return_inverse=True)
    folds = Random(0).choices(range(_FOLDS), k=len(tools))
    harvest = np.zeros(len(names), np.bool_)
    harvest[place] = programs.harvest
    best = np.zeros(len(names))
    read = likeness.chosen(read_names(known), known)
    for fold in range(_FOLDS):
        out = np.array(folds)[tool[place]] == fold
        kept = Recorded(*(part[~out] for part in programs))
        told = grown(seen, known, TREES // 4, kept).share(programs.numbers[out][:, read])
        np.maximum.at(best, place[out], told)
    label, none = np.where(harvest, PROGRAMS, ""), np.full(len(names), "")
    apart = Seen(np.zeros((len(names), 0)), np.arange(len(names)), label, none,
                 np.ones(len(names)), np.zeros((len(names), 0)))  # fmt: skip
    return {"programs": len(names), "harvests": int(harvest.sum()), "auc_left_out": round(_area(best, apart), 3)}


def grow(
    reference: Reference, detectors: Sequence[Detector], seen: Seen, programs: Recorded | None = None
) -> Reference:
    """The reference with a joint score, grown on the accounts; how it does on families left out, in `about`."""
    held = seen.account % 5 >= 3
    learn, other = seen.some(~held), seen.some(held)
    known = likeness.names(detectors)
    read = likeness.chosen(read_names(known), known)
    out = {}
    for family in sorted(set(other.family) - {""}):
        part, tried = learn.some(learn.family != family), other.some((other.family == family) | (other.family == ""))
        few = grown(part, known, TREES // 4)  # enough to rank; fifteen whole forests would take minutes
        out[str(family)] = round(_area(few.share(tried.numbers[:, read]), tried), 3)
    half = grown(learn, known)
    about = {
        "trees": half.trees,
        "numbers": len(read),
        "families_left_out_of_training": list(BLIND),
        "accounts": len(np.unique(seen.account)),
        "harvesters": len(np.unique(seen.account[seen.harvests])),
        "auc": round(_area(half.share(other.numbers[:, read]), other), 4),
        "auc_of_a_family_left_out": out,
    }
    if programs is not None:
        about["recorded_programs"] = _recorded(seen, programs, known)
    forest = grown(seen, known, programs=programs)
    # The line of the linear re-ranker does not fit the forest's log-odds: no probability until one is drawn for them.
    return replace(reference, forest=forest, platt=(0.0, 0.0), about=reference.about | {"joint_score": about})


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
