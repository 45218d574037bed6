"""Nearby: how far ordinary clients of like use go, so that a joint score is compared client against client.

A use that training never saw, or one that resembles harvesting by its nature, lifts the log-odds of all clients who
have it. So most of what the foremost tenth of the nearest ordinary clients stands above the foremost tenth of all is
taken from a client's log-odds before they are compared: within a use clients are exchangeable sooner than among all
(local conformal calibration: Guan 2023, Biometrika 110:33; Lei and Wasserman 2014, JRSS-B 76:71). Use is
where profile.features says, which sees nothing that a detector measures. Landmarks stand for places, so that neither
a comparison nor the file grows with the clients that were fitted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled

NEAREST = 30  # ordinary clients around a landmark
FOREMOST = 0.9  # the quantile of their log-odds; who would move it needs a tenth of the neighbours
TAKEN = 0.7  # the part of that which is taken off: with all of it a use is ordinary where all who have it go far


def nearest(marks: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.intp]:
    """The landmark nearest to each place, shape (clients,); there must be one landmark."""
    out = np.zeros(len(places), np.intp)
    _nearest(marks, places, out)
    return out


@compiled
def _nearest(marks: NDArray[np.float64], places: NDArray[np.float64], out: NDArray[np.intp]) -> None:
    """Fill `out`, in place; of two that are as near the first."""
    for row in range(len(places)):
        least = np.inf
        for mark in range(len(marks)):
            far = 0.0
            for feature in range(marks.shape[1]):
                off = places[row, feature] - marks[mark, feature]
                far += off * off
            if far < least:
                least, out[row] = far, mark


def lift(
    marks: NDArray[np.float64], places: NDArray[np.float64], odds: NDArray[np.floating], weight: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What to take at each landmark from each sort of log-odds: (sorts, landmarks), 0 where there are few clients.

    `places` has shape (clients, features), `odds` (clients, sorts), NaN where there are none, and `weight`, how many
    clients each counts for, (clients,).
    """
    odds, places = np.repeat(odds, weight, axis=0), np.repeat(places, weight, axis=0)
    if len(odds) <= NEAREST or not len(marks):
        return np.zeros((odds.shape[1], len(marks)))
    distance = (places**2).sum(axis=1) - 2.0 * marks @ places.T  # but for what all of a row share
    around = np.argpartition(distance, NEAREST - 1, axis=1)[:, :NEAREST]
    foremost = np.quantile(odds[around], FOREMOST, axis=1) - np.quantile(odds, FOREMOST, axis=0)
    return np.asarray(np.nan_to_num(TAKEN * foremost).T, np.float64)
