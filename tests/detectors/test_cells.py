"""Cells: steps come to what the summaries say of all keys together, and leave other rows alone."""

from __future__ import annotations

from collections import Counter

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


def _registers(keys: list[int], size: int) -> list[int]:
    registers = [0] * size
    for key in filter(None, keys):
        rest, most = key // size, 65 - size.bit_length()
        rank = min((rest & -rest).bit_length() or most, most)
        registers[key % size] = max(registers[key % size], rank)
    return registers


@given(KEYS, st.sampled_from([16, 64, 256]))
def test_a_register_keeps_the_largest_rank_of_its_keys(keys: list[int], size: int) -> None:
    rows = np.zeros((2, size), np.uint8)
    for key in _keys(keys):
        cells.hll_row(rows, 1, key)
    assert rows.tolist() == [[0] * size, _registers(_keys(keys).tolist(), size)]


@pytest.mark.parametrize("bit", range(64))
def test_every_rank_is_told(bit: int) -> None:
    rows = np.zeros((1, 16), np.uint8)
    cells.hll_row(rows, 0, np.uint64(1 << bit))
    assert rows[0].tolist() == _registers([1 << bit], 16)


@given(KEYS, st.integers(0, 1000))
def test_a_bucket_adds_up_the_weights_of_its_keys(keys: list[int], weight: int) -> None:
    rows = np.zeros((2, 16), np.uint32)
    for key in _keys(keys):
        cells.bucket_row(rows, 1, key, np.uint32(weight))
    expected = [
        weight * sum(key != 0 and (key >> 32) % 16 == bucket for key in _keys(keys).tolist()) for bucket in range(16)
    ]
    assert rows.tolist() == [[0] * 16, expected]


@given(KEYS, st.sampled_from([5, 16]))
def test_a_bin_keeps_its_largest_key_and_whether_it_came_again(keys: list[int], size: int) -> None:
    rows = np.zeros((2, size), np.uint32)
    for key in _keys(keys):
        cells.sample_row(rows, 1, key)
    bins = [Counter[int]() for _ in range(size)]
    for key in filter(None, _keys(keys).tolist()):
        bins[(key & 0xFFFF) * size >> 16][key >> 34] += 1
    expected = [max(held) << 2 | 2 | (held[max(held)] > 1) if held else 0 for held in bins]
    assert rows.tolist() == [[0] * size, expected]


@given(st.lists(st.integers(0, 2**32 - 1), max_size=60), st.sampled_from([12, 16]))
def test_a_bin_keeps_its_smallest_hash_as_its_complement(keys: list[int], size: int) -> None:
    one, expected = np.zeros(size, np.uint32), [0] * size
    for key in np.array(keys, np.uint32):
        before = one.copy()
        wanted = cells.minimum_wanted(one, key)
        cells.minimum_add(one, key)
        assert wanted == (before != one).any()
        some = int(cells.mix32(key))
        if key:
            place = (some & 0xFFFF) * size >> 16
            expected[place] = max(expected[place], 2**32 - 1 - some)
    assert one.tolist() == expected


def test_mixing_32_bits_mixes_and_loses_nothing() -> None:
    small = [int(cells.mix32(np.uint32(key))) for key in range(4_000)]
    assert len(set(small)) == 4_000
    assert small[0] == 0
    counts = np.bincount(np.array(small) >> 28, minlength=16)
    assert counts.min() > 190


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
