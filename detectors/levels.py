"""Levels: how high a joint score must be, so that a budget of ordinary clients is ever told of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import calibrate, fuse
from detectors.fuse import Fused
from detectors.reference import LOOKS, Reference

WATCH_RATE = 0.004  # the share of ordinary clients that may ever be watched, and reviewed, in one window
REVIEW_RATE = 0.001
LEAST_REVIEW = LEAST_WATCH = float(-np.log(fuse.RARE))  # nats below which nothing is told, however few are told of
MARGIN = 0.05  # nats above an ordinary client that must stay below a level
PRIOR = 1_000  # clients that the present reference counts for where it is leant on: half of what 1,000 own ones say
EXPECTED = 3.0  # own clients that a level should tell of, from which on that none is told of says that it is too high
OFTEN = 2.5  # clients that are told of at some look, for each that is at the one where it stands


class AtLook(NamedTuple):
    """What the reference says of its own clients at one look, each left out in turn."""

    clients: NDArray[np.uint64]
    fused: Fused


def spend(clients: NDArray[np.uint64], evidence: Sequence[AtLook], shell: Reference, followed: bool) -> None:
    """Thresholds by alpha spending over looks: what a look may use and did not is left to the next.

    At each look the threshold is the lowest at which the ordinary clients that were ever told of, this
    look's included, stay within the budget spent so far. Looks that too few clients reached take the last.
    Clients that are not followed from look to look leave nothing: each look's own share is its budget.
    """
    watched = np.zeros(len(clients), np.bool_)
    reviewed = watched.copy()
    watch, review, spent = LEAST_WATCH, LEAST_REVIEW, 0.0
    for look in range(len(LOOKS)):
        part = calibrate.spending(look + 1)
        spent += part
        enough = calibrate.SHRINK if look else 1  # the first look stands for all that too few reached
        if look < len(evidence) and len(evidence[look].clients) >= enough:
            one = evidence[look]
            place = np.searchsorted(clients, one.clients)
            both = np.where(fuse.two_kinds(one.fused), one.fused.score, 0.0) * (look + 1 >= fuse.REVIEW_LOOK)
            budget = spent * len(clients) if followed else part * len(place)
            if not followed:
                watched[:], reviewed[:] = False, False
            watch = _spend(one.fused.score, place, watched, WATCH_RATE * budget, LEAST_WATCH)
            review = _spend(both, place, reviewed, REVIEW_RATE * budget, LEAST_REVIEW)
        shell.watch[look], shell.review[look] = watch, max(watch, review)  # two kinds are rarer: no lower bar for it


def lean(
    clients: NDArray[np.uint64], evidence: Sequence[AtLook], shell: Reference, prior: Reference, followed: bool
) -> dict[str, float]:
    """Move the prior's levels together to where the budget of own and prior clients is ever told of; by how many nats.

    Clients that are seen at one look each are told of at others too: OFTEN times as many.
    """
    watched, reviewed = np.full((2, len(clients)), -np.inf)
    for look, one in enumerate(evidence):
        place = np.searchsorted(clients, one.clients)
        np.maximum.at(watched, place, one.fused.score - prior.watch[look])
        both = np.where(fuse.two_kinds(one.fused), one.fused.score - prior.review[look], -np.inf)
        np.maximum.at(reviewed, place, both)
    often = 1.0 if followed else OFTEN
    shell.watch[:] = moved(prior.watch, watched, WATCH_RATE / often, LEAST_WATCH)
    shell.review[:] = np.maximum(moved(prior.review, reviewed, REVIEW_RATE / often, LEAST_REVIEW), shell.watch)
    return {
        "watch": round(float(shell.watch.max() - prior.watch.max()), 3),
        "review": round(float(shell.review.max() - prior.review.max()), 3),
    }


def moved(levels: NDArray[np.float32], above: NDArray[np.float64], rate: float, least: float) -> NDArray[np.float32]:
    """The prior's levels, moved together to where `rate` of own and prior clients are ever told of.

    `above` is how far each own client ever was above them, nats. A nat is a factor of e in how common a score is, so
    that d nats higher the prior's clients are told of exp(-d) times as often. So few own clients that none of them
    need be told of say nothing for lower levels. None gets lower than `least`.
    """
    top = np.append(np.sort(above[np.isfinite(above)])[::-1], -np.inf)
    budget = rate * (PRIOR + len(above))
    told = np.arange(min(int(budget), len(top) - 1) + 1)  # own clients that may be told of
    left = budget - told
    enough = np.full(len(told), np.inf)
    enough[left > 0.0] = -np.log(left[left > 0.0] / (rate * PRIOR))
    step = float(np.maximum(top[told] + MARGIN, enough).min())
    if rate * len(above) < EXPECTED:
        step = max(step, 0.0)
    return np.asarray(np.maximum(levels + np.float32(step), np.float32(least)), np.float32)


def _spend(
    scores: NDArray[np.float64], place: NDArray[np.intp], told: NDArray[np.bool_], budget: float, least: float
) -> float:
    """The lowest level that keeps the clients `told` of within `budget`; marks the newly told ones."""
    allowed = max(int(budget) - int(told.sum()), 0)
    fresh = np.sort(scores[~told[place]])[::-1]
    level = max(least, float(fresh[allowed]) + MARGIN) if len(fresh) > allowed else least
    told[place[scores >= level]] = True
    return level
