"""Merged records are those of the clients as one: sums that saturate, maxima, unions, earliest times."""

from __future__ import annotations

import numpy as np

from detectors import merging

STATE = np.dtype(
    [("n", "<u4"), ("all", "<u8"), ("cells", "<u4", (2,)), ("registers", "u1", (3,)), ("sum", "<f8"), ("gap", "V4")]
)


def test_counters_add_up_and_bytes_take_the_maximum() -> None:
    rows = np.zeros(3, STATE)
    rows["n"], rows["all"], rows["sum"] = [1, 2, 3], [4, 5, 6], [0.5, 0.25, 1.0]
    rows["cells"] = [[1, 0], [0, 7], [2, 2]]
    rows["registers"] = [[9, 0, 1], [3, 0, 8], [1, 2, 3]]
    one = merging.merged(rows)
    assert (one["n"], one["all"], one["sum"]) == (6, 15, 1.75)
    assert one["cells"].tolist() == [3, 9]
    assert one["registers"].tolist() == [9, 2, 8]


def test_sums_stop_at_the_largest_number_of_the_field() -> None:
    rows = np.zeros(3, STATE)
    rows["n"], rows["all"] = 2**31, 2**63
    one = merging.merged(rows)
    assert one["n"] == 2**32 - 1
    assert one["all"] == 2**64 - 1


def test_no_rows_are_an_empty_record() -> None:
    assert merging.merged(np.zeros(0, STATE)).tobytes() == bytes(STATE.itemsize)


def test_a_record_within_a_record_is_merged_by_its_own_fields() -> None:
    rows = np.zeros(2, [("inner", STATE)])
    rows["inner"]["n"], rows["inner"]["registers"] = [3, 4], [[1, 5, 0], [2, 0, 0]]
    one = merging.merged(rows)
    assert one["inner"]["n"] == 7
    assert one["inner"]["registers"].tolist() == [2, 5, 0]


def test_rules_say_what_a_field_means() -> None:
    rows = np.zeros(3, [("bits", "<u8", (2,)), ("first", "<f8"), ("born", "<u4"), ("last", "<f8")])
    rows["bits"] = [[1, 8], [2, 8], [0, 1]]
    rows["first"], rows["born"], rows["last"] = [5.0, 0.0, 3.0], [0, 9, 4], [5.0, 0.0, 6.0]
    rules = {
        "bits": merging.either, "first": merging.smallest_known, "born": merging.smallest_known,
        "last": merging.largest,
    }  # fmt: skip
    one = merging.merged(rows, rules)
    assert one["bits"].tolist() == [3, 9]
    assert (one["first"], one["born"], one["last"]) == (3.0, 4, 6.0)
    nothing = merging.merged(np.zeros(2, rows.dtype), rules)
    assert (nothing["first"], nothing["born"]) == (0.0, 0)
