"""What is counted in one walk over the edges is what comparing sets of accounts gives."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.campaign import overlap


def edges(seed: int, tokens: int, accounts: int) -> tuple[np.ndarray, np.ndarray]:
    """The token and the account of edges, token by token, each token's accounts in no order."""
    rng = np.random.default_rng(seed)
    sets = [rng.permutation(accounts)[: rng.integers(1, accounts + 1)] for _ in range(tokens)]
    sizes = [len(one) for one in sets]
    return np.repeat(np.arange(tokens, dtype=np.int32), sizes), np.concatenate(sets).astype(np.int32)


@pytest.mark.parametrize("seed", range(6))
def test_accounts_in_common_are_those_of_both_sets(seed: int) -> None:
    token, account = edges(seed, tokens=12, accounts=30)
    starts, size = np.unique(token, return_index=True, return_counts=True)[1:]
    one, other = (side.ravel().astype(np.int64) for side in np.indices((12, 12)))
    sets = [set(account[token == k].tolist()) for k in range(12)]
    wanted = [len(sets[a] & sets[b]) for a, b in zip(one.tolist(), other.tolist(), strict=True)]
    assert overlap.common(account, starts, size, one, other).tolist() == wanted


@pytest.mark.parametrize("seed", range(6))
def test_an_accounts_anchor_is_its_most_common_token_of_several_the_first(seed: int) -> None:
    token, account = edges(seed, tokens=9, accounts=8)
    size = np.bincount(token)
    wanted = [min(token[account == who].tolist(), key=lambda one: (-size[one], one)) for who in account.tolist()]
    assert overlap.anchors(token, account, size).tolist() == wanted


def test_nothing_in_common_where_there_is_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert len(overlap.common(none.astype(np.int32), none, none, none, none)) == 0
    assert len(overlap.anchors(none.astype(np.int32), none.astype(np.int32), none)) == 0
