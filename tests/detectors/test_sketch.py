"""Sketches estimate what they promise, whatever the order, and merge."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import sketch
from detectors.cells import bucket_row, hll_row, minimum_add, mix64, sample_row
from detectors.compiled import compiled


@compiled
def _count_distinct(registers, keys):
    for key in keys:
        hll_row(registers, 0, mix64(key))


def filled(hashes: np.ndarray, m: int = 256) -> np.ndarray:
    registers = np.zeros((1, m), np.uint8)
    _count_distinct(registers, hashes)
    return registers


@pytest.mark.parametrize("distinct", [1, 10, 50, 200, 640, 1_000, 20_000, 1_000_000])
def test_a_distinct_count_is_within_four_standard_errors_at_any_size(distinct: int) -> None:
    errors = [
        sketch.hll_count(filled(np.random.default_rng(seed).integers(1, 2**63, distinct, np.uint64)))[0] / distinct - 1
        for seed in range(12 if distinct < 100_000 else 3)
    ]
    assert max(map(abs, errors)) < 4 * 1.04 / 16
    assert abs(np.mean(errors)) < 0.08


def test_repeats_and_order_change_nothing() -> None:
    hashes = np.random.default_rng(1).integers(1, 2**63, 500, np.uint64)
    once = filled(hashes)
    assert np.array_equal(once, filled(np.tile(hashes, 3)[::-1]))


def test_two_counts_merge_into_the_count_of_both() -> None:
    hashes = np.random.default_rng(3).integers(1, 2**63, 900, np.uint64)
    merged = np.maximum(filled(hashes[:600]), filled(hashes[300:]))
    assert np.array_equal(merged, filled(hashes))


def test_an_unknown_key_is_none() -> None:
    rows = np.concatenate([filled(np.array(keys, np.uint64), 64) for keys in ([5, 9], [], [0, 0])])
    assert sketch.hll_count(rows).round().tolist() == [2, 0, 0]


def concentration(keys: np.ndarray) -> float:
    counters = np.zeros((1, 16), np.uint32)
    for key in sketch.mix(keys):
        bucket_row(counters, 0, key, np.uint32(1))
    return float(sketch.concentration(counters, np.array([len(keys)]))[0])


def test_one_key_everywhere_is_whole_concentration() -> None:
    assert concentration(np.full(40, 7, np.uint64)) == pytest.approx(1.0)


def test_keys_that_all_differ_do_not_concentrate() -> None:
    rng = np.random.default_rng(4)
    values = [concentration(rng.integers(1, 2**63, 100, np.uint64)) for _ in range(30)]
    assert np.mean(values) < 0.12


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_one_key_in_a_share_of_requests_gives_that_share(share: float) -> None:
    rng = np.random.default_rng(5)
    keys = np.where(rng.random(4_000) < share, np.uint64(7), rng.integers(1, 2**63, 4_000, np.uint64))
    assert concentration(keys) == pytest.approx(share, abs=0.05)


def test_a_few_keys_in_turn_still_concentrate() -> None:
    keys = np.tile(np.array([11, 22, 33, 44], np.uint64), 100)
    assert concentration(keys) == pytest.approx(0.5, abs=0.15)


def test_an_unknown_key_is_not_shared_with_anything() -> None:
    assert concentration(np.zeros(50, np.uint64)) == 0.0


def test_nothing_seen_is_no_concentration() -> None:
    assert sketch.concentration(np.zeros((2, 16), np.uint32), np.zeros(2)).tolist() == [0.0, 0.0]


@compiled
def _keep_smallest(bins, hashes):
    for key in hashes:
        minimum_add(bins, key)


def sampled(hashes: np.ndarray, bins: int = 34) -> np.ndarray:
    kept = np.zeros((1, bins), np.uint32)
    _keep_smallest(kept[0], hashes.reshape(-1))
    return kept


def test_a_sample_of_minima_tells_how_alike_two_sets_are() -> None:
    hashes = np.random.default_rng(6).integers(1, 2**32, (4_000, 8)).astype(np.uint32)
    one, other = sampled(hashes[:3_000], 1_000), sampled(hashes[1_000:], 1_000)
    assert sketch.minima_shared(one, other)[0] / 1_000 == pytest.approx(0.5, abs=0.06)
    assert sketch.minima_shared(sampled(hashes[:2_000]), sampled(hashes[2_000:]))[0] == 0
    assert sketch.minima_shared(one, one)[0] == 1_000


def test_a_sample_does_not_depend_on_order_and_merges_by_its_maximum() -> None:
    hashes = np.random.default_rng(7).integers(1, 2**32, (500, 8)).astype(np.uint32)
    whole = sampled(hashes)
    assert np.array_equal(whole, sampled(hashes[::-1]))
    assert np.array_equal(whole, np.maximum(sampled(hashes[:200]), sampled(hashes[200:])))
    assert np.array_equal(sampled(hashes[:, :0]), np.zeros((1, 34), np.uint32))


def test_hashes_that_were_chosen_for_being_small_fill_all_bins() -> None:
    small = np.arange(1, 2_001, dtype=np.uint32).reshape(250, 8)
    assert (sampled(small) != 0).all()


@compiled
def _keep_some(bins, keys):
    for key in keys:
        sample_row(bins, 0, mix64(key))


def seen(keys: np.ndarray, bins: int = 40) -> np.ndarray:
    kept = np.zeros((1, bins), np.uint32)
    _keep_some(kept, keys.astype(np.uint64))
    return kept


def test_a_sample_tells_the_share_of_keys_that_came_again() -> None:
    keys = np.arange(1, 20_001)
    assert sketch.sample_repeated(seen(keys)) == 0.0
    assert sketch.sample_repeated(seen(np.concatenate([keys, keys]))) == 1.0
    assert sketch.sample_repeated(seen(np.concatenate([keys, keys[::5]]), 2_000))[0] == pytest.approx(0.2, abs=0.03)
    many = np.concatenate([keys, np.repeat(keys[:5], 9_000)])  # how often does not matter, only that it did
    assert sketch.sample_repeated(seen(many, 2_000))[0] < 0.01
    assert sketch.sample_repeated(np.zeros((1, 40), np.uint32)) == 0.0
    assert not seen(np.zeros(10)).any()


def test_a_sample_of_keys_is_exact_in_any_order_and_split() -> None:
    rng = np.random.default_rng(11)
    keys = rng.integers(1, 400, 900)
    whole = seen(keys)
    assert np.array_equal(whole, seen(keys[rng.permutation(900)]))
    assert np.array_equal(whole[0], sketch.sample_merge(np.concatenate([seen(keys[:300]), seen(keys[300:])])))
