"""Chains are followed from their newest row back, many at once as one at a time."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign.chains import followed
from detectors.campaign.graph import EDGE


def column(rows: int) -> np.ndarray:
    """As the graph has it: a field of rows, of which there are always several."""
    return np.zeros(max(rows, 2), EDGE)["up"]


def chained(lengths: list[int], seed: int) -> tuple[np.ndarray, np.ndarray, list[list[int]]]:
    """Heads and rows before them of chains whose rows came in a random order; and each chain's rows, newest first."""
    owners = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(lengths)), lengths))
    heads, before = np.zeros(len(lengths), np.int32), column(len(owners))
    rows: list[list[int]] = [[] for _ in lengths]
    for row, owner in enumerate(owners.tolist()):
        before[row], heads[owner] = heads[owner], row + 1
        rows[owner].insert(0, row)
    return heads, before, rows


@pytest.mark.parametrize("lengths", [[3], [0, 2, 0], [1] * 40, [200, *[1] * 50, 0, 7, 90], list(range(30))])
@pytest.mark.parametrize("most", [1, 5, 1_000])
def test_rows_come_owner_by_owner_and_newest_first(lengths: list[int], most: int) -> None:
    heads, before, rows = chained(lengths, seed=len(lengths))
    found, counts = followed(heads, before, most)
    assert found.tolist() == [row for chain in rows for row in chain[:most]]
    assert counts.tolist() == [min(length, most) for length in lengths]


def test_no_owner_has_no_rows() -> None:
    found, counts = followed(np.zeros(0, np.int32), column(3), 9)
    assert len(found) == len(counts) == 0


def test_owners_without_rows_have_none() -> None:
    found, counts = followed(np.zeros(40, np.int32), column(3), 9)
    assert len(found) == 0
    assert counts.tolist() == [0] * 40
