"""Sketches estimate what they promise, whatever the order, and merge."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import sketch


def filled(hashes: np.ndarray, m: int = 256) -> np.ndarray:
    registers = np.zeros((1, m), np.uint8)
    sketch.hll_update(registers, np.zeros(len(hashes), np.intp), sketch.mix(hashes))
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


def test_the_largest_rank_wins_where_one_batch_hits_a_register_twice() -> None:
    hashes = np.random.default_rng(2).integers(1, 2**63, 50_000, np.uint64)
    one_by_one = np.zeros((1, 16), np.uint8)
    for chunk in np.array_split(hashes, 500):
        sketch.hll_update(one_by_one, np.zeros(len(chunk), np.intp), sketch.mix(chunk))
    assert np.array_equal(filled(hashes, 16), one_by_one)


def test_two_counts_merge_into_the_count_of_both() -> None:
    hashes = np.random.default_rng(3).integers(1, 2**63, 900, np.uint64)
    merged = np.maximum(filled(hashes[:600]), filled(hashes[300:]))
    assert np.array_equal(merged, filled(hashes))


def test_rows_are_independent_and_a_zero_hash_is_unknown() -> None:
    registers = np.zeros((3, 64), np.uint8)
    index = np.array([0, 0, 2])
    sketch.hll_update(registers, index, sketch.mix(np.array([5, 9, 0], np.uint64)))
    assert sketch.hll_count(registers).round().tolist() == [2, 0, 0]


def concentration(keys: np.ndarray) -> float:
    counters = np.zeros((1, 16), np.uint32)
    sketch.bucket_update(counters, np.zeros(len(keys), np.intp), sketch.mix(keys))
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


@pytest.mark.parametrize("gap", [0, 3])
def test_fields_of_rows_are_filled_whatever_lies_between_them(gap: int) -> None:
    rows = np.zeros(
        40, [("before", f"V{gap}"), ("registers", "u1", (64,)), ("counters", "<u4", (16,)), ("after", "V5")]
    )
    rng = np.random.default_rng(6)
    index, mixed = np.sort(rng.integers(0, 40, 900)), sketch.mix(rng.integers(0, 300, 900, np.uint64))
    sketch.hll_update(rows["registers"], index, mixed)
    sketch.bucket_update(rows["counters"], index, mixed)
    registers, counters = np.zeros((40, 64), np.uint8), np.zeros((40, 16), np.uint32)
    sketch.hll_update(registers, index, mixed)
    sketch.bucket_update(counters, index, mixed)
    assert np.array_equal(rows["registers"], registers)
    assert np.array_equal(rows["counters"], counters)
    assert counters.sum() == (mixed != 0).sum()
    assert set(rows["after"].tolist()) == {bytes(5)}


def test_many_hashes_an_event_are_counted_as_if_each_came_alone() -> None:
    hashes = np.random.default_rng(5).integers(1, 2**32, (300, 8)).astype(np.uint32)
    hashes[::2, 3:] = 0
    index = np.arange(300) % 3
    together, alone = np.zeros((3, 64), np.uint8), np.zeros((3, 64), np.uint8)
    sketch.hll_update_many(together, index, hashes)
    for column in range(8):
        sketch.hll_update(alone, index, sketch.mix(hashes[:, column].astype(np.uint64)))
    assert np.array_equal(together, alone)


def sampled(hashes: np.ndarray, bins: int = 34) -> np.ndarray:
    """One row's sample, in a record as rows have it."""
    rows = np.zeros(1, [("odd", "<u4"), ("bins", "<u4", (bins,))])
    sketch.minima_update(rows["bins"], np.zeros(len(hashes), np.intp), hashes)
    return rows["bins"]


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


def test_samples_of_rows_that_are_no_whole_number_of_cells_apart() -> None:
    rows = np.zeros(2, [("odd", "u1"), ("bins", "<u4", (8,))])
    hashes = np.random.default_rng(8).integers(1, 2**32, (40, 8)).astype(np.uint32)
    sketch.minima_update(rows["bins"], np.arange(40) % 2, hashes)
    assert np.array_equal(rows["bins"][:1], sampled(hashes[::2], 8))


def seen(keys: np.ndarray, bins: int = 40) -> np.ndarray:
    """One row's sample of keys, in a record as rows have it."""
    rows = np.zeros(1, [("odd", "<u4"), ("bins", "<u4", (bins,))])
    sketch.sample_update(rows["bins"], np.zeros(len(keys), np.intp), sketch.mix(keys.astype(np.uint64)))
    return rows["bins"]


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
    rows = np.zeros(1, [("odd", "<u4"), ("bins", "<u4", (40,))])
    for part in np.array_split(keys[rng.permutation(900)], 300):
        sketch.sample_update(rows["bins"], np.zeros(len(part), np.intp), sketch.mix(part.astype(np.uint64)))
    assert np.array_equal(whole, rows["bins"])
    assert np.array_equal(whole[0], sketch.sample_merge(np.concatenate([seen(keys[:300]), seen(keys[300:])])))


def test_samples_of_keys_in_rows_that_are_no_whole_number_of_cells_apart() -> None:
    rows = np.zeros(2, [("odd", "u1"), ("bins", "<u4", (8,))])
    keys = np.arange(1, 41) // 2
    sketch.sample_update(rows["bins"], np.arange(40) % 2, sketch.mix(keys.astype(np.uint64)))
    assert np.array_equal(rows["bins"][:1], seen(keys[::2], 8))
