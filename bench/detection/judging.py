"""Judging at equal false-alarm rates: fit on some ordinary clients, set levels on others, test on the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.detection import metrics
from bench.detection.evaluate import Observed

FOLDS = 5
RATES = (0.01, 0.001)
GRID = np.geomspace(0.0005, 0.1, 24)
"""False-alarm rates of the ROC curve."""


class Fold(NamedTuple):
    """Masks of clients: ordinary ones to fit on, ordinary ones that set the level, and all that are tested."""

    turn: int
    fit: NDArray[np.bool_]
    level: NDArray[np.bool_]
    test: NDArray[np.bool_]


Statistic = Callable[[Fold], NDArray[np.float64]]
"""From the clients to fit on to one number for each look, higher for more suspicious."""


def folds(seen: Observed, group: NDArray[np.intp] | None = None) -> list[Fold]:
    """Ways to part the clients, each tested once; matched pairs stay together.

    With calibration clients one way: half of them fits, half sets the level, all others are tested. Without, or with
    a `group` of each client that decides instead of chance, five: of the four fifths that are not tested two fit and
    two set the level; calibration clients of the group that is tested stay out altogether.
    """
    clients = seen.clients
    held = clients["calibration"]
    half = _mixed(clients["client"]) % np.uint64(2) == 0
    if held.any() and group is None:
        return [Fold(0, held & half, held & ~half, ~held)]
    if held.any() and group is not None:
        out = []
        for turn in range(FOLDS):
            inside = group % FOLDS == turn
            out.append(Fold(turn, held & half & ~inside, held & ~half & ~inside, ~held & inside))
        return out
    if group is None:
        group = chance(clients)
    ordinary = ~clients["harvest"]
    out = []
    for turn in range(FOLDS):
        place = (group - turn) % FOLDS
        out.append(Fold(turn, ordinary & ((place == 1) | (place == 2)), ordinary & (place > 2), place == 0))
    return out


def chance(clients: NDArray[np.void]) -> NDArray[np.intp]:
    """One of five groups for each client, the same for both of a matched pair."""
    key = np.where(clients["pair"] >= 0, clients["pair"].astype(np.uint64), clients["client"])
    return (_mixed(key) % np.uint64(FOLDS)).astype(np.intp)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        mixed = (values + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
        return np.asarray((mixed ^ (mixed >> np.uint64(29))) >> np.uint64(7), np.uint64)


@dataclass(frozen=True)
class Judged:
    """One method's verdict on every client, each from the fold that tested it."""

    clients: NDArray[np.void]
    p: NDArray[np.float64]  # the chance that an ordinary client goes as far, by the clients that set the level
    flagged: dict[float, NDArray[np.bool_]]
    requests: dict[float, NDArray[np.float64]]  # at the flag; inf where there is none
    answers: dict[float, NDArray[np.float64]]
    resolvable: float  # the smallest rate that the clients that set the level can back

    @cached_property
    def ordinary(self) -> NDArray[np.bool_]:
        """Ordinary clients as they come, what counts as a false alarm: no grey ones, no matched controls."""
        ordinary = ~self.clients["harvest"] & ~self.clients["grey"]
        alone = ordinary & (self.clients["pair"] < 0)
        return np.asarray(alone if alone.any() else ordinary, np.bool_)

    @cached_property
    def matched(self) -> NDArray[np.bool_]:
        """Ordinary clients that are some harvester's control."""
        return np.asarray(~self.clients["harvest"] & (self.clients["pair"] >= 0), np.bool_)

    @cached_property
    def harvest(self) -> NDArray[np.bool_]:
        """Harvesting clients."""
        return np.asarray(self.clients["harvest"], np.bool_)

    def found(self, rate: float, among: NDArray[np.bool_] | None = None) -> metrics.Share:
        """Harvesters flagged at a rate."""
        return metrics.share(self.flagged[rate][self.harvest if among is None else self.harvest & among])

    def flags(self, rate: float, among: NDArray[np.bool_]) -> metrics.Share:
        """Any clients flagged at a rate."""
        return metrics.share(self.flagged[rate][among])

    def alarms(self, rate: float, among: NDArray[np.bool_] | None = None) -> metrics.Share:
        """Ordinary clients flagged at a rate."""
        return metrics.share(self.flagged[rate][self.ordinary if among is None else self.ordinary & among])

    @cached_property
    def roc(self) -> list[tuple[float, float]]:
        """Real false-alarm rate and share found, at each level of GRID."""
        return [
            (float((self.p[self.ordinary] <= rate).mean()), float((self.p[self.harvest] <= rate).mean()))
            for rate in GRID
        ]

    @cached_property
    def auc(self) -> float:
        """Area under the whole curve."""
        return metrics.auc(-self.p[self.harvest], -self.p[self.ordinary])


def judge(seen: Observed, statistic: Statistic, parts: Sequence[Fold], rates: Sequence[float] = RATES) -> Judged:
    """Test a statistic's highest value over each client's looks, at levels that other ordinary clients set.

    The verdict is on the tested clients alone.
    """
    count = len(seen.clients)
    p = np.ones(count)
    flagged = {rate: np.zeros(count, np.bool_) for rate in rates}
    requests = {rate: np.full(count, np.inf) for rate in rates}
    answers = {rate: np.full(count, np.inf) for rate in rates}
    fewest = min(int((part.level & ~seen.clients["grey"]).sum()) for part in parts)
    for part in parts:
        values = statistic(part)
        top = metrics.highest(seen.who, values, count)
        level = np.sort(top[part.level & ~seen.clients["grey"]])
        above = len(level) - np.searchsorted(level, top[part.test], side="left")
        p[part.test] = (1.0 + above) / (1.0 + len(level))
        here = seen.of(part.test)
        for rate in rates:
            hit = (values > metrics.threshold(level, rate)) & here
            for kept, at in ((requests, seen.requests), (answers, seen.answers)):
                kept[rate] = np.minimum(kept[rate], metrics.first_at(seen.who, hit, at, count))
            flagged[rate][seen.who[hit]] = True
    tested = np.any([part.test for part in parts], axis=0)
    hits = {rate: one[tested] for rate, one in flagged.items()}
    first = [{rate: one[tested] for rate, one in kept.items()} for kept in (requests, answers)]
    return Judged(seen.clients[tested], p[tested], hits, first[0], first[1], metrics.resolvable(fewest))
