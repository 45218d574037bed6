"""Drift: how far the clients of today are from those that the reference was fitted on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.reference import FUSED_GRID, LOOKS, Reference

LEAST = 200  # clients at their first look, before anything is said
KEPT = 20_000  # beyond so many looks older ones fade, by half
PSI_LIMIT = 0.25  # the usual bound of a population that has changed
KS_LIMIT = 0.15
TAIL_LIMIT = 3.0  # times as many clients beyond the reference's 99th percentile as there should be
_BEYOND = 0.01
_SMALL = 1e-3
_KS_SURE = 1.95  # of sqrt(n) x KS: one sample in a thousand goes further by chance
_TOP = int(np.searchsorted(FUSED_GRID, 100.0 * (1.0 - _BEYOND)))
REMEDY = "fit a reference on this installation's own traffic: stillwatch fit"


class Drift(NamedTuple):
    """The distances of today's clients from the reference; NaN where there are too few to say."""

    clients: int
    psi: float  # population stability index of the shares of the peer groups
    ks: float  # largest distance of the two distributions of fused scores, at the same looks
    tail: float  # share of clients beyond the reference's 99th percentile; 0.01 where nothing has moved
    reasons: tuple[str, ...]  # what has moved, and the remedy; empty where nothing has

    def gauges(self) -> dict[str, float]:
        """The numbers by name, for metrics; those that are not known are left out."""
        known = {"drift_psi": self.psi, "drift_ks": self.ks, "drift_tail_share": self.tail}
        return {"drift_clients": self.clients} | {n: round(v, 4) for n, v in known.items() if np.isfinite(v)}


class Tally:
    """Counts what clients are like at their looks; integers only, so that it costs next to nothing."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self.groups = np.zeros(max(len(reference.groups), 1), np.float64)
        self.scores = np.zeros((len(LOOKS), len(FUSED_GRID) + 1), np.float64)

    def add(self, group: NDArray[np.integer], look: NDArray[np.integer], score: NDArray[np.float64]) -> None:
        """Clients at a look each: their peer group, the look (1, 2, ...) and their fused score."""
        first = group[look == 1]
        self.groups += np.bincount(first, minlength=len(self.groups))[: len(self.groups)]
        place = np.minimum(look.astype(np.intp), len(LOOKS)) - 1
        known = self._reference.fused[place]
        fits = ~np.isnan(known[:, 0])
        bins = (known[fits] < score[fits, None].astype(np.float32)).sum(axis=1)
        np.add.at(self.scores, (place[fits], bins), 1.0)
        if self.scores.sum() > KEPT:
            self.groups *= 0.5
            self.scores *= 0.5

    def measure(self) -> Drift:
        """How far the clients counted so far are from the reference."""
        clients = int(self.groups.sum())
        if clients < LEAST or not len(self._reference.groups):
            return Drift(clients, float("nan"), float("nan"), float("nan"), ())
        psi = _psi(self.groups, self._reference.sizes[0, :-1, 0].astype(np.float64))
        total = float(self.scores.sum())
        below = np.cumsum(self.scores.sum(axis=0))[:-1] / max(total, 1.0)
        ks = self._distance()
        tail = float(1.0 - below[_TOP])
        return Drift(clients, psi, ks, tail, _reasons(psi, ks, tail, total))

    def _distance(self) -> float:
        """The largest distance of the distributions over looks, each weighted by its clients."""
        distance = weight = 0.0
        for known, seen in zip(self._reference.fused, self.scores, strict=True):
            n = float(seen.sum())
            if n:
                share = np.cumsum(seen)[:-1] / n
                # Of equal percentiles the last one says how many ordinary clients score no higher.
                last = np.append(known[1:] > known[:-1], np.True_)
                distance += n * float(np.abs(share[last] - FUSED_GRID[last] / 100.0).max())
                weight += n
        return distance / weight if weight else float("nan")


def _psi(seen: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Population stability index: sum of (p - q) ln(p / q), shares of nothing taken as one in a thousand."""
    p = np.maximum(seen / seen.sum(), _SMALL)
    q = np.maximum(expected / max(expected.sum(), 1.0), _SMALL)
    return float(((p - q) * np.log(p / q)).sum())


def _reasons(psi: float, ks: float, tail: float, looks: float) -> tuple[str, ...]:
    found = []
    if psi > PSI_LIMIT:
        found.append(f"the kinds of use have shifted (stability index {psi:.2f}, limit {PSI_LIMIT})")
    if ks > max(KS_LIMIT, _KS_SURE / np.sqrt(max(looks, 1.0))):
        found.append(f"scores are distributed otherwise than the reference's (distance {ks:.2f}, limit {KS_LIMIT})")
    sure = _BEYOND + 3.3 * np.sqrt(_BEYOND / max(looks, 1.0))
    if tail > max(TAIL_LIMIT * _BEYOND, sure):
        found.append(f"{100.0 * tail:.1f} % of clients score beyond what 1 % of the reference's do")
    return tuple(f"{one}: {REMEDY}" for one in found)
