"""Chains: rows that name the one before them of the same owner, followed for many owners side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled

_ABREAST = 16  # chains: each step waits for memory, and those of other chains wait at the same time


def followed(
    heads: NDArray[np.int32], before: NDArray[np.int32], most: int
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The rows of each chain, the newest `most` of each, owner by owner; and how many each has.

    `heads` is one more than each owner's newest row, 0 where it has none; `before` the same of each row.
    """
    heads = np.ascontiguousarray(heads)
    counts = np.zeros(len(heads), np.int64)
    _follow(heads, before, most, counts, counts, np.empty(0, np.intp))
    ends = np.cumsum(counts)
    found = np.empty(int(ends[-1]) if len(ends) else 0, np.intp)
    if len(found):
        counts[:] = 0
        _follow(heads, before, most, counts, np.append(0, ends[:-1]), found)
    return found, counts


@compiled
def _follow(
    heads: NDArray[np.int32],
    before: NDArray[np.int32],
    most: int,
    counts: NDArray[np.int64],
    starts: NDArray[np.int64],
    found: NDArray[np.intp],
) -> None:
    """Count the rows of each chain in `counts`, zeros; and unless `found` is empty put them there, from `starts` on."""
    at, owner = np.zeros(_ABREAST, np.int64), np.zeros(_ABREAST, np.int64)
    waiting, running, turn = 0, 0, 0
    while True:
        while running < _ABREAST and waiting < len(heads):
            if heads[waiting] > 0:
                at[running], owner[running] = heads[waiting], waiting
                running += 1
            waiting += 1
        if not running:
            return
        turn = 0
        while turn < running:
            row, one = at[turn] - 1, owner[turn]
            if len(found):
                found[starts[one] + counts[one]] = row
            counts[one] += 1
            at[turn] = before[row]
            if at[turn] > 0 and counts[one] < most:
                turn += 1
            else:  # the last one takes its place
                running -= 1
                at[turn], owner[turn] = at[running], owner[running]
