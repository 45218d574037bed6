"""Compiled loops: one compilation serves fields of rows however these lie in memory."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import checks, registry
from detectors.batch import Batch
from detectors.compiled import LOOPS, compiled, fold


@compiled
def _add(total, weights, starts, counts, values):
    for row in range(len(counts)):
        for place in range(starts[row], starts[row] + counts[row]):
            total[row] += np.uint64(values[place])
            weights[row, 1] += np.uint16(1)


def _rows(count, offset):
    return np.zeros(count, [("before", "u1", (offset,)), ("total", "<u8"), ("weights", "<u2", (3,))])


def _folded(count, offset, values):
    rows = _rows(count, offset)
    counts = np.array([2, 3][:count])
    fold(_add, (rows["total"], rows["weights"]), (np.cumsum(counts) - counts, counts, values))
    return rows["total"].tolist(), rows["weights"].tolist()


def test_one_row_and_rows_that_are_not_aligned_need_no_other_code() -> None:
    values = np.arange(1.0, 6.0)
    assert _folded(1, 8, values) == ([3], [[0, 2, 0]])
    for offset in (1, 4, 8):
        assert _folded(2, offset, values) == ([3, 12], [[0, 2, 0], [0, 3, 0]])
    assert len(_add.signatures) == 1
    assert _add in LOOPS


def test_another_type_is_an_error_and_not_another_compilation() -> None:
    values = np.arange(1.0, 6.0)
    _folded(2, 8, values)
    for other in (values.astype(np.float32), np.repeat(values, 2)[::2]):
        with pytest.raises(TypeError):
            _folded(2, 8, other)
    assert len(_add.signatures) == 1


@pytest.mark.parametrize("detector", registry.shipped(), ids=lambda one: one.name)
@pytest.mark.parametrize("clients", [1, 5])
def test_a_part_of_a_packed_row_is_filled_like_a_row_of_its_own(detector, clients: int) -> None:
    batch = Batch(checks.sample(clients, clients, 400))
    own = np.zeros(clients, detector.state)
    packed = np.zeros(clients, [("before", "u1", (3,)), ("part", detector.state), ("after", "u1")])
    detector.update(own, batch)
    detector.update(packed["part"], batch)
    assert packed["part"].tobytes() == own.tobytes() != bytes(own.nbytes)
    assert not packed["before"].any()
    assert not packed["after"].any()
