"""Likeness: the numbers of a whole row that the joint score reads, from every detector that has some."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors import profile
from detectors.base import Detector


def names(detectors: Sequence[Detector]) -> tuple[str, ...]:
    """What `numbers` gives, in its order: the profile, then of each detector its score and its measures."""
    out = [f"profile.{name}" for name in profile.FEATURES]
    for one in detectors:
        out += [f"{one.name}.score", *(f"{one.name}.{name}" for name in one.measures)]
    return tuple(out)


def numbers(detectors: Sequence[Detector], rows: NDArray[np.void], scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """The numbers of each row, shape (len(rows), len(names(detectors))).

    `scores` are the detectors' own, shape (len(rows), len(detectors)). Nothing in it tells the time, the
    volume, the network or the wording: what is left is what a client does with the answers that it takes.
    """
    return joined(rows, scores, [one.measure(rows[one.name]) for one in detectors])


def joined(
    rows: NDArray[np.void], scores: NDArray[np.float32], measured: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """The same of what each detector has measured already."""
    columns = [profile.features(rows["profile"])]
    for place, numbers in enumerate(measured):
        columns += [scores[:, place, None].astype(np.float64), numbers]
    return np.concatenate(columns, axis=1)


def chosen(wanted: Sequence[str], known: Sequence[str]) -> NDArray[np.intp]:
    """Where the numbers `wanted` stand among those `known`; raises ValueError naming one that is not there."""
    place = {name: position for position, name in enumerate(known)}
    for name in wanted:
        if name not in place:
            raise ValueError(f"the joint score reads {name}, which no detector measures")
    return np.array([place[name] for name in wanted], np.intp)
