"""Chance: how far ahead by their own rows some clients are, against as many of all clients picked at random."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Crowd(NamedTuple):
    """The leads of all accounts whose rows were told."""

    told: int  # how many these are
    mean: float
    spread: float  # standard deviation


def crowd(lead: NDArray[np.float64]) -> Crowd:
    """Of all accounts' leads, NaN where nobody told."""
    told = lead[~np.isnan(lead)]
    return Crowd(len(told), float(told.mean()), float(told.std())) if len(told) else Crowd(0, 0.0, 0.0)


def ahead(of: Crowd, lead: NDArray[np.float64]) -> float:
    """How far the mean of some accounts' leads is above that of a random set of as many, in its standard errors.

    A set of nearly everybody can hardly differ from everybody, which the standard error takes into account. NaN where
    there is nobody else to compare with.
    """
    told = lead[~np.isnan(lead)]
    others = of.told - len(told)
    if not len(told) or others <= 0 or of.spread <= 0.0:
        return float("nan")
    error = of.spread * np.sqrt(others / (len(told) * (of.told - 1)))
    return float((told.mean() - of.mean) / error)
