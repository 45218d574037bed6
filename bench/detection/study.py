"""One seed's study: its clients judged by the product, by the product without each part, and by every baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.detection import ablation, adaptive, metrics, together
from bench.detection.baselines import registry as baselines
from bench.detection.compose import Account
from bench.detection.evaluate import Observed, decide, evidence, join, observe
from bench.detection.judging import FOLDS, Fold, Judged, chance, folds, judge
from bench.detection.ours import Ours, Tiers, tiers
from detectors import registry
from detectors.base import Level
from detectors.engine import Engine
from detectors.reference import Reference

LOCAL = "Stillwatch, fused score"
ORDER = "Stillwatch, re-ranked"
REVIEW = "Stillwatch, two kinds of evidence"
SHIPPED = "Stillwatch, shipped reference"
TOGETHER = "Stillwatch, with campaigns"
CLAIMS = (0.05, 0.01, 0.002)
"""P-values that a sentence may quote, and that are checked."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Study:
    """All figures of one seed; nothing of the clients' rows is kept."""

    seed: int
    clients: NDArray[np.void]
    judged: dict[str, Judged]  # at equal false-alarm rates: the product's orders, then the baselines
    tiers: dict[str, Tiers]  # the product at its own levels, by reference
    alone: dict[str, Tiers]  # baselines at the levels they ship with
    unknown: Judged  # the product where neither reference nor level ever saw the persona
    parts: dict[str, tuple[float, float]]  # share found at each of RATES without a part, or with one alone
    left_out: dict[str, dict[str, tuple[metrics.Share, metrics.Share]]]  # column, value: re-ranker without it, and with
    told: tuple[NDArray[np.float64], NDArray[np.bool_]]  # probabilities and truth, each client from its fold
    claims: dict[float, tuple[int, int]]  # ordinary clients' p-values at or below each of CLAIMS, of so many
    evasions: dict[str, metrics.Share]


def calibrating(accounts: Iterable[Account]) -> Observed:
    """Ordinary clients that fit references and set levels for every seed, and are never tested."""
    seen = observe(registry.shipped(), accounts, baselines.WATCHERS)
    seen.clients["calibration"] = True
    return seen


def conduct(
    seed: int,
    accounts: Iterable[Account],
    shipped: Reference | None,
    calibration: Observed | None = None,
    evaders: Iterable[Account] = (),
    say: Say = lambda _: None,
    *,
    linked: together.Linked | None = None,
    brief: bool = False,
) -> Study:
    """Everything on one seed's accounts; `linked` is what linking these and the calibration clients found.

    `brief` leaves out ablation, evasions and what is left out in training.
    """
    seen = observe(registry.shipped(), accounts, baselines.WATCHERS)
    if calibration is not None:
        seen = join(calibration, seen)
    say(f"{len(seen.clients):,} clients, {int(seen.clients['requests'].sum()):,} requests, {len(seen.who):,} looks")
    parts = folds(seen)
    ours = Ours(seen, parts, shipped)
    judged = {
        LOCAL: judge(seen, ours.score(), parts),
        ORDER: judge(seen, lambda part: ours.local(part).rank, parts),
        REVIEW: judge(seen, lambda part: ours.decided[part.turn].both, parts),
    }
    at_own = {"local": ours.tiers()}
    if shipped is not None:
        told = decide(evidence(Engine(ours.detectors, shipped), seen), seen)
        judged[SHIPPED] = judge(seen, lambda _: told.score, parts)
        at_own["shipped"] = tiers(seen, told.level, ours.tested)
        if calibration is not None:
            at_own["calibration"] = tiers(seen, told.level, ~ours.tested)
    if linked is not None:
        extra = together.more(linked, seen)
        judged[TOGETHER] = judge(seen, lambda part: ours.decided[part.turn].score + extra, parts)
        at_own |= {f"{name}, linked": together.tiers(one, linked) for name, one in at_own.items()}
    say("judged by the product")
    by_kind = folds(seen, np.unique(seen.clients["kind"], return_inverse=True)[1].astype(np.intp))
    unknown = judge(seen, Ours(seen, by_kind, shipped).score(), by_kind)
    others, alone = _baselines(seen.whole, parts)
    say("judged by the baselines")
    return Study(
        seed=seed,
        clients=seen.clients[ours.tested],
        judged=judged | others,
        tiers=at_own,
        alone=alone,
        unknown=unknown,
        parts={} if brief else ablation.without(ours) | ablation.alone(ours),
        left_out={} if brief else {name: ablation.left_out(ours, name) for name in ("kind", "source")},
        told=_probabilities(ours),
        claims=_claims(ours),
        evasions={} if brief else adaptive.found(ours, parts[0], evaders),
    )


def _baselines(seen: Observed, parts: Sequence[Fold]) -> tuple[dict[str, Judged], dict[str, Tiers]]:
    """Every baseline at equal false-alarm rates, and at the level it ships with where it has one."""
    at_equal, alone = {}, {}
    for one in baselines.all_of(seen):
        at_equal[one.name] = judge(seen, baselines.statistic(one, seen), parts)
        if one.shipped is not None:
            flags = one.shipped(seen, parts[0].fit)
            level = np.where(flags, np.uint8(Level.REVIEW), np.uint8(Level.NONE))
            alone[one.name] = tiers(seen, level, ~seen.clients["calibration"])
    return at_equal, alone


def _probabilities(ours: Ours) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The probability told of each tested client at its last look, by a line fitted on clients of other groups."""
    seen, truth, group = ours.seen, ours.seen.clients["harvest"], chance(ours.seen.clients)
    last = seen.last
    harvest = truth[seen.who]
    told, right = [], []
    for part in ours.parts:
        rank = ours.local(part).rank
        for turn in range(FOLDS):
            tested = last & seen.of(part.test & (group == turn))
            learn = last & seen.of((part.test & (group != turn)) if len(ours.parts) == 1 else ~part.test & ~part.fit)
            if tested.any() and len(np.unique(harvest[learn])) == 2:
                slope, shift = _line(rank[learn], harvest[learn])
                told.append(1.0 / (1.0 + np.exp(-np.clip(slope * rank[tested] + shift, -30.0, 30.0))))
                right.append(harvest[tested])
    return (np.concatenate(told), np.concatenate(right)) if told else (np.zeros(0), np.zeros(0, np.bool_))


def _line(ranks: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Platt's line by damped Newton steps, both classes weighing what they are."""
    middle, spread = float(ranks.mean()), max(float(ranks.std()), 1e-6)
    x = np.column_stack([(ranks - middle) / spread, np.ones(len(ranks))])
    line = np.zeros(2)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ line, -30.0, 30.0)))
        slope = x.T @ (truth - p) - 1e-2 * line
        curve = (x * (p * (1.0 - p))[:, None]).T @ x + 1e-2 * np.eye(2)
        step = np.clip(np.linalg.solve(curve, slope), -1.0, 1.0)
        line += step
        if float(np.abs(step).max()) < 1e-8:
            break
    return float(line[0]) / spread, float(line[1] - line[0] * middle / spread)


def _claims(ours: Ours) -> dict[float, tuple[int, int]]:
    """How often a tested ordinary client's rarest single p-value at its last look is at or below a claim."""
    seen = ours.seen
    last = seen.last
    out = dict.fromkeys(CLAIMS, (0, 0))
    for part in ours.parts:
        rows = last & seen.of(part.test & ~seen.clients["harvest"])
        p = ours.local(part).p[rows]
        for claim in CLAIMS:
            hits, total = out[claim]
            out[claim] = hits + int((p <= claim).sum()), total + p.size
    return out
