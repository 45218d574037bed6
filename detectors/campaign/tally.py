"""Tally: a group's edges by member and by token, counted in compiled loops, for most groups are small and many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.graph import Graph
from detectors.cells import mix64
from detectors.compiled import compiled, fold


class Tally(NamedTuple):
    """The edges of a group, the member and the token of each by position, and what its tokens are."""

    size: int  # members
    edge: NDArray[np.intp]  # (edges,) by member
    who: NDArray[np.intp]  # (edges,)
    which: NDArray[np.intp]  # (edges,)
    tokens: NDArray[np.int32]  # (tokens,) sorted
    inside: NDArray[np.int64]  # (tokens,) members that have it
    kinds: NDArray[np.uint8]  # (tokens,)
    df: NDArray[np.uint32]  # (tokens,) accounts that have it
    useful: NDArray[np.float64]  # (tokens,) its weight, 0 for what says nothing


def edges_of(graph: Graph, members: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The edges of some accounts, and for each its member's position."""
    edge, counts = graph.chains_of_accounts(members)
    return edge, np.repeat(np.arange(len(members)), counts)


def tally(graph: Graph, members: NDArray[np.int32], useful: NDArray[np.float64]) -> Tally:
    """The edges and tokens of some accounts; `useful` is each token's weight."""
    edge, who = edges_of(graph, members)
    token = graph.edges["token"][edge]
    tokens, which, inside = counted(token)
    kinds, df = graph.tokens["kind"][tokens], graph.tokens["df"][tokens]
    return Tally(len(members), edge, who, which, tokens, inside, kinds, df, useful[tokens])


def counted(token: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.int64]]:
    """The distinct tokens, sorted, where each one given is among them, and how often each is.

    `np.unique` gives the same, but sorts all that is given.
    """
    slots = np.zeros(1 << (2 * len(token)).bit_length(), np.int32)
    tokens, which, inside = (
        np.empty(len(token), np.int32),
        np.empty(len(token), np.intp),
        np.zeros(len(token), np.int64),
    )
    tokens = tokens[: _count(token, slots, tokens, which, inside)]
    order = np.argsort(tokens)
    place = np.empty(len(tokens), np.intp)
    place[order] = np.arange(len(tokens))
    return tokens[order], place[which], inside[order]


def highest(kinds: NDArray[np.uint8], worth: NDArray[np.float64], most: int) -> NDArray[np.intp]:
    """Of each of `most` kinds the place where the worth is highest, the first of several; -1 where there is none."""
    best = np.full(most, -1, np.intp)
    _highest(kinds, worth, best)
    return best


class Loads(NamedTuple):
    """What the requests behind some edges are like: all together, and by member."""

    sums: NDArray[np.int64]  # (counts,) of all
    n: NDArray[np.float64]  # (members,) requests
    topic: NDArray[np.float64]  # (members, 24) sums of vectors as long as `unit`
    payloads: NDArray[np.uint8]  # (members, 32) registers


def loads(graph: Graph, load: NDArray[np.int32], who: NDArray[np.intp], members: int, unit: float) -> Loads:
    """The loads numbered `load`, each of the member `who`, added up; topics are divided by `unit`."""
    sums, topic, payloads = (graph.loads[name] for name in ("sums", "topic", "payloads"))
    out = Loads(
        np.zeros(sums.shape[1], np.int64), np.zeros(members), np.zeros((members, topic.shape[1])),
        np.zeros((members, payloads.shape[1]), np.uint8),
    )  # fmt: skip
    fold(_add, (sums, topic, payloads), (load, who, unit, *out))
    return out


@compiled
def _count(
    token: NDArray[np.int32],
    slots: NDArray[np.int32],
    tokens: NDArray[np.int32],
    which: NDArray[np.intp],
    inside: NDArray[np.int64],
) -> int:
    """Number tokens as they come, and count how often each is: how many distinct ones there are.

    The last three are as long as `token`, `inside` is 0; `tokens` gets the distinct ones first. `slots` are all 0,
    a power of two, and at least twice as many.
    """
    mask, count = np.uint64(len(slots) - 1), 0
    for at in range(len(token)):
        slot = mix64(np.uint64(token[at])) & mask
        while slots[slot] != 0 and tokens[slots[slot] - 1] != token[at]:
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] == 0:
            tokens[count] = token[at]
            count += 1
            slots[slot] = count
        which[at] = slots[slot] - 1
        inside[which[at]] += 1
    return count


@compiled
def _highest(kinds: NDArray[np.uint8], worth: NDArray[np.float64], best: NDArray[np.intp]) -> None:
    for place in range(len(kinds)):
        kind = kinds[place]
        if best[kind] < 0 or worth[place] > worth[best[kind]]:
            best[kind] = place


@compiled
def _add(
    held_sums: NDArray[np.uint16],
    held_topic: NDArray[np.int16],
    held_payloads: NDArray[np.uint8],
    load: NDArray[np.int32],
    who: NDArray[np.intp],
    unit: float,
    sums: NDArray[np.int64],
    n: NDArray[np.float64],
    topic: NDArray[np.float64],
    payloads: NDArray[np.uint8],
) -> None:
    """Add the held loads up, in order: the sum of floats depends on it."""
    for at in range(len(load)):
        row, member = load[at], who[at]
        for k in range(len(sums)):
            sums[k] += held_sums[row, k]
        n[member] += held_sums[row, 0]
        for k in range(topic.shape[1]):
            topic[member, k] += held_topic[row, k] / unit
        for k in range(payloads.shape[1]):
            payloads[member, k] = max(payloads[member, k], held_payloads[row, k])
