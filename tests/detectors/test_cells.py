"""Cells: one step at a time comes to what a whole batch does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import cells, sketch

KEYS = st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**64 - 1, 2**58]), max_size=60)


def _keys(keys: list[int]) -> np.ndarray:
    return np.array(keys + keys[::3], np.uint64)


@given(KEYS)
def test_mixes_alike(keys: list[int]) -> None:
    made = _keys(keys)
    assert [int(cells.mix64(key)) for key in made] == sketch.mix(made).tolist()


@given(KEYS, st.sampled_from([16, 64, 256]))
def test_counts_distinct_alike(keys: list[int], size: int) -> None:
    made = _keys(keys)
    one, whole, row = np.zeros((1, size), np.uint8), np.zeros((1, size), np.uint8), np.zeros((2, size), np.uint8)
    for key in made:
        cells.hll_add(one[0], key)
        cells.hll_row(row, 1, key)
    sketch.hll_update(whole, np.zeros(len(made), np.intp), made)
    assert one.tolist() == whole.tolist() == row[1:].tolist()
    assert not row[0].any()


@pytest.mark.parametrize("bit", range(64))
def test_counts_every_rank_alike(bit: int) -> None:
    key = np.uint64(1 << bit)
    one, whole = np.zeros((1, 16), np.uint8), np.zeros((1, 16), np.uint8)
    cells.hll_add(one[0], key)
    sketch.hll_update(whole, np.zeros(1, np.intp), np.array([key]))
    assert one.tolist() == whole.tolist()


@given(KEYS, st.integers(0, 1000))
def test_weighs_alike(keys: list[int], weight: int) -> None:
    made = _keys(keys)
    one, whole, row = np.zeros((1, 16), np.uint32), np.zeros((1, 16), np.uint32), np.zeros((2, 16), np.uint32)
    for key in made:
        cells.bucket_add(one[0], key, np.uint32(weight))
        cells.bucket_row(row, 1, key, np.uint32(weight))
    sketch.weigh_update(whole, np.zeros(len(made), np.intp), made, np.full(len(made), weight, np.uint32))
    assert one.tolist() == whole.tolist() == row[1:].tolist()
    assert not row[0].any()


@given(KEYS, st.sampled_from([5, 16]))
def test_samples_alike(keys: list[int], size: int) -> None:
    made = _keys(keys)
    one, whole, row = np.zeros((1, size), np.uint32), np.zeros((1, size), np.uint32), np.zeros((2, size), np.uint32)
    for key in made:
        cells.sample_add(one[0], key)
        cells.sample_row(row, 1, key)
    sketch.sample_update(whole, np.zeros(len(made), np.intp), made)
    assert one.tolist() == whole.tolist() == row[1:].tolist()
    assert not row[0].any()


@given(st.lists(st.integers(0, 2**32 - 1), max_size=60), st.sampled_from([12, 16]))
def test_keeps_the_smallest_alike(keys: list[int], size: int) -> None:
    made = np.array(keys, np.uint32)
    one, whole = np.zeros((1, size), np.uint32), np.zeros((1, size), np.uint32)
    for key in made:
        before = one.copy()
        wanted = cells.minimum_wanted(one[0], key)
        cells.minimum_add(one[0], key)
        assert wanted == (before != one).any()
    sketch.minima_update(whole, np.zeros(len(made), np.intp), made[:, None])
    assert one.tolist() == whole.tolist()


@pytest.mark.parametrize("value", [0, 1, 2, 3, 47, 48, 127, 4095, 2**31, 2**40])
def test_takes_logarithms_alike(value: int) -> None:
    assert cells.log16(float(value)) == int(16 * np.log2(1.0 + value))


def test_takes_logarithms_alike_at_every_step() -> None:
    steps = np.ceil(2.0 ** (np.arange(1, 16 * 45) / 16.0))
    near = np.unique(np.concatenate([steps + by for by in (-2.0, -1.0, 0.0, 1.0)]) - 1.0)
    near = near[near >= 0.0]
    assert [cells.log16(value) for value in near.tolist()] == (np.log2(1.0 + near) * 16).astype(np.int64).tolist()


def test_adds_the_first_counts_of_one_row() -> None:
    counters, added = np.full((2, 2), 2**32 - 1, np.uint32), np.arange(6, dtype=np.uint32).reshape(2, 3)
    cells.add_row(counters, 1, added)
    assert counters.tolist() == [[2**32 - 1, 2**32 - 1], [2, 3]]
