"""Keys get numbers in the order in which they come, and keep them."""

from __future__ import annotations

import numpy as np

from detectors.campaign.index import Index, joined


def keys(*values: int) -> np.ndarray:
    return np.array(values, np.uint64)


def test_numbers_follow_the_order_of_arrival_and_stay() -> None:
    index = Index()
    assert index.put(keys(70, 5, 70, 9)).tolist() == [0, 1, 0, 2]
    assert index.put(keys(9, 1)).tolist() == [2, 3]
    assert index.find(keys(5, 6, 1)).tolist() == [1, -1, 3]
    assert index.known().tolist() == [70, 5, 9, 1]


def test_nothing_has_no_number() -> None:
    index = Index()
    assert index.put(keys(0, 3)).tolist() == [-1, 0]
    assert index.find(keys(0)).tolist() == [-1]


def test_many_keys_agree_with_a_dictionary() -> None:
    rng = np.random.default_rng(3)
    index, known = Index(), {}
    for _ in range(20):
        some = rng.integers(1, 4_000, 700).astype(np.uint64)
        expected = [known.setdefault(int(key), len(known)) for key in some]
        assert index.put(some).tolist() == expected
    assert len(index) == len(known)


def test_pairs_have_a_key_of_their_own() -> None:
    left, right = np.repeat(np.arange(40), 40), np.tile(np.arange(40), 40)
    pairs = joined(left, right)
    assert len(np.unique(pairs)) == 1_600
    assert (pairs != 0).all()
