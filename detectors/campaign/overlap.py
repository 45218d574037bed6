"""Overlap: how many accounts two tokens share, and an account's most common token, by walks over the edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled


def common(
    account: NDArray[np.int32],
    starts: NDArray[np.intp],
    size: NDArray[np.intp],
    one: NDArray[np.int64],
    other: NDArray[np.int64],
) -> NDArray[np.int64]:
    """How many accounts two tokens share, for each pair of `one` and `other`; shape (pairs,).

    `account` is each edge's, token by token: `starts` says where a token's begin, and `size` how many it has.
    """
    few = np.where(size[one] <= size[other], one, other)
    many = one + other - few
    order = np.argsort(many, kind="stable")  # so that each token's accounts are marked once
    marks = np.full(int(account.max(initial=0)) + 1, -1, np.int32)
    out = np.zeros(len(few), np.int64)
    _common(account, starts, size, few, many, order, marks, out)
    return out


def anchors(token: NDArray[np.int32], account: NDArray[np.int32], size: NDArray[np.intp]) -> NDArray[np.int32]:
    """For each edge the token with the most accounts among those of its account, of several the first one.

    `token` and `account` are each edge's, `size` is how many accounts each token has.
    """
    order = np.argsort(-size, kind="stable")[::-1]
    rank = np.empty(len(size), np.int32)
    rank[order] = np.arange(len(size), dtype=np.int32)
    best = np.zeros(int(account.max(initial=0)) + 1, np.int32)
    np.maximum.at(best, account, rank[token])
    return np.asarray(order[best[account]], np.int32)


@compiled
def _common(
    account: NDArray[np.int32],
    starts: NDArray[np.intp],
    size: NDArray[np.intp],
    few: NDArray[np.int64],
    many: NDArray[np.int64],
    order: NDArray[np.intp],
    marks: NDArray[np.int32],
    out: NDArray[np.int64],
) -> None:
    """Mark the accounts of each of `many` with it, and count how many of `few`'s are marked; none is at first."""
    marked = np.int64(-1)
    for pair in order:
        whole, part = many[pair], few[pair]
        if whole != marked:
            for edge in range(starts[whole], starts[whole] + size[whole]):
                marks[account[edge]] = whole
            marked = whole
        for edge in range(starts[part], starts[part] + size[part]):
            out[pair] += marks[account[edge]] == whole
