"""Lifting: landmarks among the clients that a reference is fitted on, and what log-odds lose at them (nearby.py)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from detectors import calibrate, nearby
from detectors.reference import Reference

LANDMARKS = 256
CROWD = 8  # clients for each landmark at least: with fewer there are fewer landmarks
LEAN = 300  # clients that the reference started from counts for, where one's own and its lift differ
_TURNS = 5  # parts of the clients, of which each is lifted by the others


def landmarks(places: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """Points among the clients' places, both standardised: shape (landmarks, features), none for very few clients."""
    count = min(LANDMARKS, len(places) // CROWD, len(np.unique(places, axis=0)))
    if count < 1:
        return np.zeros((0, places.shape[1]))
    return np.asarray(KMeans(count, n_init=1, random_state=seed).fit(places).cluster_centers_, np.float64)


def fill(
    shell: Reference,
    prior: Reference | None,
    look: int,
    weight: NDArray[np.int64],
    uses: NDArray[np.float64],
    odds: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Fill `shell`'s lifts at a look (0, 1, ...) and all later ones; what these clients lose by the others' lift.

    `odds` has shape (clients, 1 + families), as has the result. A client that is among its own neighbours would look
    more usual than the next one like it. Where too few got to the look, those of the look before speak for them.
    """
    looks = np.full(len(uses), look + 1)
    if not len(shell.landmarks) or (look and weight.sum() < calibrate.SHRINK):
        return shell.lift_of(uses, looks)
    places = (uses - shell.center) / shell.scale
    there = shell.landmarks * shell.scale + shell.center
    known = prior.lift_of(there, np.full(len(there), look + 1)).T if prior is not None else np.zeros(len(there))
    lean = LEAN if prior is not None else 0

    def lift(among: NDArray[np.bool_]) -> NDArray[np.float64]:
        count = int(weight[among].sum())
        own = nearby.lift(shell.landmarks, places[among], odds[among], weight[among])
        return np.asarray((count * own + lean * known) / max(count + lean, 1), np.float64)

    shell.lifts[:, look:] = lift(np.ones(len(odds), np.bool_))[:, None]
    turn, mark, out = np.arange(len(odds)) % _TURNS, nearby.nearest(shell.landmarks, places), np.zeros(odds.shape)
    for one in range(_TURNS):
        out[turn == one] = lift(turn != one)[:, mark[turn == one]].T
    return out
