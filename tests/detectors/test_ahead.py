"""What a loop asks for ahead are the fields of a later row, whole, and nothing is changed by it."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from detectors import ahead

ROW = np.dtype([("before", "V60"), ("one", "<u4"), ("two", "<u8", (3,)), ("three", "u1", (70,)), ("after", "V31")])


@pytest.mark.parametrize("row", [0, 1, 7])
def test_it_asks_for_the_lines_of_a_later_row_s_fields(row) -> None:
    rows = np.zeros(20, ROW)
    begin, end = ahead.lines(rows["one"], rows["three"], row)
    later = rows[row + ahead.ROWS :]
    first = later["one"].ctypes.data
    assert begin % 64 == 0
    assert first - 64 < begin <= first
    assert end == later["three"].ctypes.data + 70
    assert ahead.lines(rows["one"], rows["one"], row)[1] == first + 4


def test_the_instruction_is_there_and_changes_nothing() -> None:
    rows = np.frombuffer(bytearray(range(189)) * 10, ROW)
    before = rows.tobytes()
    loop = numba.njit(ahead.ahead.py_func)
    loop(rows["one"], rows["three"], 0)
    loop(rows["one"], rows["three"], 1 << 40)  # no memory of ours
    loop(rows[:0]["one"], rows[:0]["three"], 0)
    assert rows.tobytes() == before
    assert "llvm.prefetch" in loop.inspect_llvm(loop.signatures[0])
