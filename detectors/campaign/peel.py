"""Peel: the densest parts of a component, with weights that a popular token cannot carry."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_SOFT = 5.0  # of the weight 1 / log(c + df): FRAUDAR's, which makes camouflage with popular tokens useless
_STEP = 1.1
_PARTS = 16


def blocks(
    account: NDArray[np.integer], token: NDArray[np.integer], df: NDArray[np.integer], least: int
) -> Iterator[NDArray[np.intp]]:
    """The accounts of each dense block, the densest first; `account`, `token`, `df` describe the edges.

    Accounts of no block of `least` members are left out.
    """
    weight = 1.0 / np.log(_SOFT + df.astype(np.float64))
    names, account = np.unique(account, return_inverse=True)
    token = np.unique(token, return_inverse=True)[1]
    left = np.ones(len(names), np.bool_)
    for _ in range(_PARTS):
        edges = left[account]
        found = _densest(account[edges], token[edges], weight[edges], len(names), int(token.max(initial=-1)) + 1)
        if int(found.sum()) < least:
            return
        yield names[found]
        left &= ~found
        if int(left.sum()) < least:
            return


def _densest(
    account: NDArray[np.intp], token: NDArray[np.intp], weight: NDArray[np.float64], accounts: int, tokens: int
) -> NDArray[np.bool_]:
    """The accounts of the densest part: in each round all nodes go that have little more than half the average degree.

    A constant factor of the best, in a number of rounds that grows with the logarithm of the size.
    """
    best, density = np.zeros(accounts, np.bool_), 0.0
    while len(account):
        by_account = np.bincount(account, weight, accounts)
        by_token = np.bincount(token, weight, tokens)
        present = by_account > 0.0
        nodes = int(present.sum()) + int((by_token > 0.0).sum())
        now = float(weight.sum()) / nodes
        if now > density:
            best, density = present, now
        stays = (by_account[account] > _STEP * now) & (by_token[token] > _STEP * now)
        if stays.all():
            break
        account, token, weight = account[stays], token[stays], weight[stays]
    return best
