"""The product on one seed's clients: its evidence by each fold's own reference, its tiers, what is found."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.detection import metrics
from bench.detection.evaluate import Decided, Evidence, Observed, decide, evidence, snapshots
from bench.detection.judging import RATES, Fold, Judged, Statistic
from detectors import fitting, registry
from detectors.base import Level
from detectors.engine import Engine
from detectors.reference import Reference


class Tiers(NamedTuple):
    """Who reaches which tier by levels that somebody else chose, and after how many requests and answers."""

    clients: NDArray[np.void]
    watched: NDArray[np.bool_]
    reviewed: NDArray[np.bool_]
    requests: NDArray[np.float64]  # at the review; inf where there is none
    answers: NDArray[np.float64]


class Ours:
    """The product on one seed's clients: its evidence by each fold's own reference, worked out once."""

    def __init__(self, seen: Observed, parts: list[Fold], shipped: Reference | None) -> None:
        self.seen = seen
        self.parts = parts
        self.detectors = registry.shipped()
        self.shipped = shipped
        self._local: dict[int, Evidence] = {}

    def engine(self, part: Fold) -> Engine:
        """An engine whose reference was fitted on a fold's ordinary clients."""
        return self.local(part).engine

    def local(self, part: Fold) -> Evidence:
        """What that reference makes of every look."""
        if part.turn not in self._local:
            about = {"name": f"local, fold {part.turn}"}
            fitted = fitting.fit(self.detectors, snapshots(self.seen, part.fit), about, prior=self.shipped)
            self._local[part.turn] = evidence(Engine(self.detectors, fitted), self.seen)
        return self._local[part.turn]

    @cached_property
    def tested(self) -> NDArray[np.bool_]:
        """The clients that some fold tests."""
        return np.asarray(np.any([part.test for part in self.parts], axis=0), np.bool_)

    @cached_property
    def decided(self) -> list[Decided]:
        """Each fold's fusion."""
        return [decide(self.local(part), self.seen) for part in self.parts]

    def score(self, only: NDArray[np.bool_] | None = None) -> Statistic:
        """The fused score, with some of the detectors or all."""
        if only is None:
            return lambda part: self.decided[part.turn].score
        return lambda part: decide(self.local(part), self.seen, only).score

    def tiers(self) -> Tiers:
        """The tiers of each fold's reference, at its own levels, for the clients that the fold tests."""
        level = np.zeros(len(self.seen.who), np.uint8)
        for part in self.parts:
            tested = self.seen.of(part.test)
            level[tested] = self.decided[part.turn].level[tested]
        return tiers(self.seen, level, self.tested)


def tiers(seen: Observed, level: NDArray[np.uint8], among: NDArray[np.bool_] | None = None) -> Tiers:
    """From the level after each look to what became of each client, or of some."""
    count = len(seen.clients)
    review = level >= Level.REVIEW
    first = [metrics.first_at(seen.who, review, at, count) for at in (seen.requests, seen.answers)]
    watched = np.zeros(count, np.bool_)
    watched[seen.who[level >= Level.WATCH]] = True
    keep = np.ones(count, np.bool_) if among is None else among
    return Tiers(seen.clients[keep], watched[keep], np.isfinite(first[0][keep]), first[0][keep], first[1][keep])


def found(judged: Judged) -> tuple[float, float]:
    """The share found at each of RATES."""
    first, second = (judged.found(rate).rate for rate in RATES)
    return first, second
