"""Link: which wordings have the same clients, and so which clients hang together; no cliques anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign import harvest, overlap
from detectors.campaign.graph import Graph
from detectors.campaign.index import joined
from detectors.campaign.peel import blocks
from detectors.campaign.tells import FRAMED, WORDING, Kind
from detectors.reference import LOOKS
from detectors.sketch import hll_count, mix

# Which independent kinds of evidence a token speaks for: bits. FRAMED kinds say two things at once.
WORDS, SETTINGS, SYSTEM, TOOLS, NETWORK, TRACE, SIGNUP = (1 << bit for bit in range(7))
SPEAKS: dict[Kind, int] = {
    Kind.HEAD: WORDS, Kind.TAIL: WORDS, Kind.SYSTEM: SYSTEM, Kind.PHRASE: WORDS,
    Kind.FRAMED: WORDS | SETTINGS, Kind.FRAMED_TAIL: WORDS | SETTINGS, Kind.FRAMED_SYSTEM: SYSTEM | SETTINGS,
    Kind.FRAMED_PHRASE: WORDS | SETTINGS,
    Kind.LISTED: WORDS | SETTINGS, Kind.TOOLS: TOOLS, Kind.RECIPE: SETTINGS, Kind.NETWORK: NETWORK,
    Kind.SIGNATURE: TRACE | WORDS, Kind.SIGNUP: SIGNUP, Kind.INDICATOR: TRACE | WORDS, Kind.MOVED: TRACE | WORDS,
}  # fmt: skip
WEIGHT: dict[Kind, float] = {
    Kind.HEAD: 0.8, Kind.TAIL: 0.8, Kind.PHRASE: 0.6, Kind.SYSTEM: 0.8, Kind.FRAMED: 1.0, Kind.FRAMED_TAIL: 1.0,
    Kind.FRAMED_SYSTEM: 1.0, Kind.FRAMED_PHRASE: 0.7,
    Kind.LISTED: 1.0, Kind.TOOLS: 0.5, Kind.RECIPE: 0.5, Kind.NETWORK: 0.5,
    Kind.AGENT: 0.2, Kind.JA4: 0.1, Kind.USER: 0.2, Kind.SIGNATURE: 3.0, Kind.BIN: 0.05, Kind.SIGNUP: 0.4,
    Kind.INDICATOR: 2.0, Kind.MOVED: 3.0,
}  # fmt: skip
SEEDS = (*WORDING, Kind.SIGNATURE, Kind.INDICATOR, Kind.MOVED)
"""The kinds whose clients are a group to begin with."""
_WEIGHT = np.array([WEIGHT.get(Kind(kind), 0.0) for kind in range(len(Kind))], np.float64)
_SEEDS = np.isin(np.arange(len(Kind)), SEEDS)
_WORDED = np.isin(np.arange(len(Kind)), [kind for kind in WORDING if kind is not Kind.LISTED])
_PLAIN = np.isin(np.arange(len(Kind)), [kind for kind in WORDING if kind not in FRAMED])
_LOADED = np.isin(np.arange(len(Kind)), WORDING)
_PORTION = 1 << 15  # edges that are looked at together
_SALTS = tuple(np.uint64(0x9E3779B97F4A7C15 * turn & (2**64 - 1)) for turn in range(1, 9))


@dataclass(frozen=True, slots=True)
class Rules:
    """When clients are linked."""

    least: int = 3  # clients that share a wording
    within: float = 0.75  # two wordings belong together when so much of the smaller one's clients have both
    same: float = 0.6  # and are one, whatever else hangs by them, when so many of the clients of either have both
    lift: float = 4.0  # and when these are so many times more than chance gives
    crowd: int = 1_000  # among at least so many clients
    least_part: int = 4  # clients of a wording that is a group inside a larger one
    repeated: float = 0.55  # a wording whose items recur from client to client is an item itself
    firm: float = 0.4  # share of a wording's clients that use it for several items
    many: int = 5  # clients; so many need not
    hopeless: float = -5.5  # nats of answers and topics that nothing else makes up for
    telling: float = 0.25  # a wording counts when its requests look so much like a harvest,
    speaking: float = 2.0  # or its clients' own rows come to so many nats on average;
    silent: float = 1.2  # it does not, whatever it looks like, where they come to less than this
    enough: int = 5  # requests of a client from which its row says something,
    looked: int = LOOKS[0]  # and from which its silence does: before the first look it is drawn to the usual client's
    news: float = 1.05  # a wording is looked at anew when so many times the requests carry it
    sampled: int = 128  # of a touched wording's clients, the newest so many say what it is like
    population: int = 20_000  # rarity is counted as if there were at least so many clients
    large: int = 500  # clients of a group beyond which it is peeled
    held: float = 0.5  # unless one wording reaches so many of them


Apart = tuple[frozenset[int], frozenset[int]]
"""Clients of whom a reviewer said that none of the first is with one of the second."""


class Group(NamedTuple):
    """Clients that hang together, and the wordings that they hang by."""

    accounts: NDArray[np.int32]
    tokens: NDArray[np.int32]
    framed: bool = True  # by wordings with their parameters, which are the surer ground
    part: bool = False  # the clients of one wording, or of several that have the same, inside a larger group
    rest: bool = False  # what a stronger campaign leaves of one: nobody joins it by what the whole of it has


def weights(graph: Graph, rules: Rules) -> NDArray[np.float64]:
    """What it says that two clients share each token: its kind's weight times the logarithm of its rarity."""
    tokens = graph.tokens[: len(graph.names)]
    people = max(len(graph.clients), rules.population)
    rarity = np.log(np.maximum(people / np.maximum(tokens["df"], 2.0), 1.0))
    weight = _WEIGHT[tokens["kind"]] * rarity
    weight[tokens["closed"] | (tokens["df"] < 2)] = 0.0
    return np.asarray(weight, np.float64)


def seeds(
    graph: Graph,
    rules: Rules,
    weight: NDArray[np.float64],
    edges: NDArray[np.intp],
    rank: NDArray[np.float64] | None = None,
) -> NDArray[np.intp]:
    """Of the given edges those of wordings that can start a group, sorted by token, as the tokens are told now.

    Left out is what is an item itself, or a turn of phrase that people happen to share: the clients that
    share a wording send different items under it, and several each; in a wording of many clients one each
    will do.
    """
    token = graph.edges["token"][edges]
    kind = graph.tokens["kind"][token]
    enough = graph.tokens["df"][token] >= np.where(_LOADED[kind], rules.least, 2)
    some = np.flatnonzero(_SEEDS[kind] & enough & (weight[token] > 0.0))
    edges = edges[some][np.argsort(token[some], kind="stable")]
    token = graph.edges["token"][edges]
    starts = np.flatnonzero(np.diff(token, prepend=-1))
    keep = np.zeros(len(starts), np.bool_)
    bounds = np.append(starts, len(edges))
    for first, last in _portions(bounds):
        some = edges[bounds[first] : bounds[last]]
        keep[first:last] = _telling(graph, rules, some, starts[first:last] - starts[first], rank)
    told = token[starts]
    graph.tokens["tells"][told], graph.tokens["judged"][told] = keep, graph.tokens["n"][told]
    return np.asarray(edges[np.repeat(keep, np.diff(bounds))], np.intp)


def _portions(bounds: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Runs, so many at a time that what is worked out for their edges stays small: the first, and after the last."""
    first = 0
    while first < len(bounds) - 1:
        last = max(int(np.searchsorted(bounds, bounds[first] + _PORTION, side="right")) - 1, first + 1)
        yield first, last
        first = last


def _telling(
    graph: Graph,
    rules: Rules,
    edges: NDArray[np.intp],
    starts: NDArray[np.intp],
    rank: NDArray[np.float64] | None,
) -> NDArray[np.bool_]:
    """Which tokens' requests look enough like a harvest by one; `starts` is where each one's edges begin."""
    size = np.diff(starts, append=len(edges))
    load = graph.edges["load"][edges]
    loads, there = graph.loads[np.maximum(load, 0)], load >= 0
    payloads = loads["payloads"] * there[:, None].astype(np.uint8)
    each = hll_count(payloads)
    total = np.add.reduceat(each, starts)
    together = hll_count(np.maximum.reduceat(payloads, starts, axis=0))
    firm = np.add.reduceat((each > 1.5).astype(np.int64), starts)
    held = np.add.reduceat(there.astype(np.int64), starts)
    item = (together < 1.5) | (together < rules.repeated * total)
    loose = (firm < rules.firm * held) & (held < rules.many)
    sums = np.add.reduceat(loads["sums"] * there[:, None], starts, axis=0, dtype=np.int64)
    taken = harvest.value(harvest.shares(sums), together / np.maximum(sums[:, 0], 1))
    topic = harvest.topics(loads) * there[:, None]
    nats = harvest.nats_taken(taken) + harvest.nats_alike(harvest.alike(topic, loads["sums"][:, 0] * there, starts))
    kind = graph.tokens["kind"][graph.edges["token"][edges[starts]]]
    keep = (size >= rules.least) & ~(_WORDED[kind] & (item | loose))
    speaks, silent = _rows_say(graph, rules, edges, starts, size, rank)
    keep &= (((taken >= rules.telling) & (nats >= rules.hopeless)) | speaks) & ~silent
    return np.asarray(keep | (~_LOADED[kind] & (size >= 2)), np.bool_)


def _rows_say(
    graph: Graph,
    rules: Rules,
    edges: NDArray[np.intp],
    starts: NDArray[np.intp],
    size: NDArray[np.intp],
    rank: NDArray[np.float64] | None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of which tokens the clients' own rows say that they take much, and of which that they take nothing."""
    if rank is None:
        return np.zeros(len(starts), np.bool_), np.zeros(len(starts), np.bool_)
    account = graph.edges["account"][edges]
    own, n = rank[account], graph.accounts["n"][account]
    (speaks, loud), (against, low) = (_mean(own, starts), _mean(np.where(n >= rules.looked, own, np.nan), starts))
    least = np.maximum(rules.least, 0.5 * size)
    return (speaks >= least) & (loud >= rules.speaking), (against >= least) & (low < rules.silent)


def _mean(own: NDArray[np.float64], starts: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Of each token how many clients' rows are told, and what they come to on average."""
    told = np.add.reduceat((~np.isnan(own)).astype(np.int64), starts)
    return told, np.add.reduceat(np.nan_to_num(own), starts) / np.maximum(told, 1)


def around(
    graph: Graph,
    rules: Rules,
    weight: NDArray[np.float64],
    touched: NDArray[np.int32],
    more: NDArray[np.int32],
    rank: NDArray[np.float64] | None = None,
) -> NDArray[np.intp]:
    """The seeds that a link of some accounts needs: their own, and those of whom they share one with.

    `more` are tokens of theirs that these would not lead to. A token is looked at anew once notably more requests
    carry it than when it was looked at last.
    """
    token = np.unique(graph.edges["token"][graph.of_accounts(touched)])
    token = token[_SEEDS[graph.tokens["kind"][token]] & (weight[token] > 0.0)]
    some = graph.tokens[token]
    seeds(graph, rules, weight, graph.of_tokens(token[some["n"] > rules.news * some["judged"]], rules.sampled), rank)
    near = graph.of_tokens(token[graph.tokens["tells"][token]], rules.sampled)
    others = np.unique(graph.edges["account"][near])
    theirs = np.union1d(graph.edges["token"][graph.of_accounts(others)], more)
    return graph.of_tokens(theirs[graph.tokens["tells"][theirs] & (weight[theirs] > 0.0)])


def curious(graph: Graph, rules: Rules, weight: NDArray[np.float64], edges: NDArray[np.intp]) -> NDArray[np.integer]:
    """The accounts among the given edges that share a wording with others, and sent enough for a row of theirs."""
    tokens = graph.tokens[: len(graph.names)]
    some = _LOADED[tokens["kind"]] & (weight > 0.0) & (tokens["df"] >= rules.least)
    accounts = graph.edges["account"][edges[some[graph.edges["token"][edges]]]]
    accounts = accounts[graph.accounts["n"][accounts] >= rules.enough]
    return np.unique(accounts)


def groups(graph: Graph, rules: Rules, chosen: NDArray[np.intp]) -> list[Group]:
    """The groups among the given edges of seeds: wordings that have the same clients, and these clients.

    Once by wordings with their parameters, which are the surer ground, and once by wordings alone.
    """
    plain = _PLAIN[graph.tokens["kind"][graph.edges["token"][chosen]]]
    framed = _groups(graph, rules, chosen[~plain])
    return framed + [one._replace(framed=False) for one in _groups(graph, rules, chosen[plain])]


def _groups(graph: Graph, rules: Rules, chosen: NDArray[np.intp]) -> list[Group]:
    if not len(chosen):
        return []
    chosen = chosen[np.argsort(graph.edges["token"][chosen], kind="stable")]
    token = graph.edges["token"][chosen]
    heads = np.diff(token, prepend=-1) != 0
    names, token = token[heads], np.cumsum(heads) - 1
    account = graph.edges["account"][chosen]
    certain = np.flatnonzero(~_LOADED[graph.tokens["kind"][names[token]]])
    loose, tight = _together(token.astype(np.int32), account, len(names), len(graph.clients), rules, certain)
    found: list[Group] = []
    for some in _clusters(loose[token], account):
        accounts, each = _each(account[some]), np.bincount(token[some])
        if len(accounts) > rules.large and each.max() < rules.held * len(accounts):
            found += _peeled(graph, rules, account[some], names[token[some]])
        elif len(accounts) >= 2:
            found.append(Group(accounts, names[np.flatnonzero(each)]))
    parted = np.bincount(loose, minlength=len(names))[loose] != np.bincount(tight, minlength=len(names))[tight]
    inner = np.flatnonzero(parted[token] & (np.bincount(token)[token] >= rules.least_part))
    for some in _clusters(tight[token[inner]], account[inner]):
        tokens = names[np.flatnonzero(np.bincount(token[inner[some]]))]
        found.append(Group(_each(account[inner[some]]), tokens, part=True))
    return found


def _clusters(of: NDArray[np.int32], account: NDArray[np.int32]) -> Iterator[NDArray[np.intp]]:
    """The places of each cluster's edges, sorted by account."""
    order = np.argsort(joined(of, account), kind="stable")
    bounds = np.append(np.flatnonzero(np.diff(of[order], prepend=-1)), len(order))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield order[begin:end]


def _each(account: NDArray[np.int32]) -> NDArray[np.int32]:
    """Sorted accounts, each once."""
    return np.asarray(account[np.diff(account, prepend=-1) != 0], np.int32)


def _peeled(graph: Graph, rules: Rules, account: NDArray[np.int32], token: NDArray[np.int32]) -> list[Group]:
    """The dense parts of a large group that no single wording holds together."""
    out = []
    for block in blocks(account, token, graph.tokens["df"][token], rules.least):
        tokens, inside = np.unique(token[np.isin(account, block)], return_counts=True)
        out.append(Group(block.astype(np.int32), tokens[inside >= 2]))
    return out


def _together(
    token: NDArray[np.int32],
    account: NDArray[np.int32],
    tokens: int,
    people: int,
    rules: Rules,
    certain: NDArray[np.intp],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The cluster of each token: by `within`, which joins parts to the whole, and by `same`, which does not.

    Tokens with the same smallest mixed client are compared, and joined where they agree. The chance that two
    tokens' smallest clients are the same is the Jaccard index of their clients, so a handful of mixings finds
    nearly all that overlap, in time linear in the edges. `certain` are the edges of tokens that tie two clients
    by themselves: those of one client belong together.
    """
    starts = np.flatnonzero(np.diff(token, prepend=-1))
    size = np.diff(starts, append=len(token))
    left: list[NDArray[np.integer]] = []
    right: list[NDArray[np.integer]] = []
    for salt in _SALTS:
        least = np.minimum.reduceat(mix(account.astype(np.uint64) + salt), starts)
        order = np.lexsort((-size, least))
        same = np.flatnonzero(least[order][1:] == least[order][:-1])
        left.append(order[same])
        right.append(order[same + 1])
    anchor = overlap.anchors(token, account, size)
    for salt in _SALTS[:4]:
        mixed = mix(account.astype(np.uint64) + salt)
        first = np.flatnonzero(mixed == np.repeat(np.minimum.reduceat(mixed, starts), size))
        left.append(token[first])
        right.append(anchor[first])
    pairs = np.unique(joined(np.concatenate(left), np.concatenate(right)))
    one = ((pairs >> np.uint64(32)) - np.uint64(1)).astype(np.int64)
    other = (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)
    common = overlap.common(account, starts, size, one, other)
    smaller = np.minimum(size[one], size[other])
    chance = size[one] * size[other] / max(people, rules.crowd)
    agree = (common >= rules.within * smaller) & (common >= 2) & (common >= rules.lift * chance) & (one != other)
    alone = np.zeros(tokens, np.bool_)  # two clients between whom something moved share many a common wording
    alone[token[certain]] = True
    agree &= (alone[one] == alone[other]) | (2 * smaller >= np.maximum(size[one], size[other]))
    equal = common >= rules.same * (size[one] + size[other] - common)
    tight = components(tokens, one[equal].astype(np.int32), other[equal].astype(np.int32))
    sure = certain[np.argsort(account[certain], kind="stable")]
    next_to = np.flatnonzero(account[sure][1:] == account[sure][:-1])
    left = [one[agree], token[sure[next_to]]]
    right = [other[agree], token[sure[next_to + 1]]]
    loose = components(tokens, np.concatenate(left).astype(np.int32), np.concatenate(right).astype(np.int32))
    return loose, tight


def components(size: int, left: NDArray[np.int32], right: NDArray[np.int32]) -> NDArray[np.int32]:
    """Each node's component, named by its smallest member: hooking and pointer jumping."""
    root = np.arange(size, dtype=np.int32)
    while True:
        one, other = root[left], root[right]
        low, high = np.minimum(one, other), np.maximum(one, other)
        if np.array_equal(low, high):
            return root
        np.minimum.at(root, high, low)
        while True:
            up = root[root]
            if np.array_equal(up, root):
                break
            root = up


def parted(members: Iterable[int], apart: Sequence[Apart]) -> list[list[int]]:
    """A group without two members that must not be together: each goes to the first part where it has no foe."""
    sides: dict[int, list[tuple[int, int]]] = {}  # member: which side it is on, of which pair
    for place, (one, other) in enumerate(apart):
        for side, clients in enumerate((one, other)):
            for client in clients:
                sides.setdefault(client, []).append((place, side))
    parts: list[tuple[list[int], set[tuple[int, int]]]] = []
    for member in members:
        mine = sides.get(member, [])
        foes = [(place, 1 - side) for place, side in mine]
        for part, present in parts:
            if present.isdisjoint(foes):
                part.append(member)
                present.update(mine)
                break
        else:
            parts.append(([member], set(mine)))
    return [part for part, _ in parts]
