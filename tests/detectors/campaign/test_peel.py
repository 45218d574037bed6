"""Peeling finds the dense parts and leaves out those who only share what is popular."""

from __future__ import annotations

import numpy as np

from detectors.campaign.peel import blocks


def test_dense_blocks_come_out_whole_among_camouflage() -> None:
    rng = np.random.default_rng(5)
    account, token = [], []
    for block, start in enumerate((0, 40)):
        for member in range(start, start + 40):
            account += [member] * 6
            token += list(range(1_000 + 10 * block, 1_006 + 10 * block))
    for member in range(200):  # everybody has some of many popular tokens
        mine = rng.choice(60, 3, replace=False)
        account += [member] * 3
        token += mine.tolist()
    df = np.where(np.array(token) >= 1_000, 40, 5_000)
    found = [set(block.tolist()) for block in blocks(np.array(account), np.array(token), df, 3)]
    assert set(range(40)) in found[:2] or set(range(80)) == found[0]
    assert set(range(80)) <= set().union(*found[:2])
    assert len(set().union(*found[:1]) - set(range(80))) == 0


def test_too_few_are_no_block() -> None:
    assert not list(blocks(np.array([1, 2]), np.array([5, 5]), np.array([2, 2]), 3))
    assert not list(blocks(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), 3))
