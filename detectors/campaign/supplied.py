"""Supplied: sign-up attributes that an operator hands in, as edges that can be taken back; how long its lists are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.graph import Graph
from detectors.campaign.index import joined
from detectors.campaign.tells import LOAD, TELL, Kind, Tells, token
from detectors.event import Listed
from detectors.listed import Index

Attributes = Mapping[int, Mapping[str, int]]
"""Of clients: their attributes' names, and a keyed hash of each one's value."""


def list_sizes(index: Index | None) -> dict[str, int]:
    """How many items of an index are on lists that pipelines harvest, all of these together; empty where none are.

    An event says that its payload is on such a list, and not on which, so together they are the list that is walked.
    """
    count = 0 if index is None else int(np.count_nonzero(index.bits & np.uint8(Listed.TRAIN)))
    return {"train": count} if count else {}


def number(name: str) -> int:
    """What an attribute's name is kept as beside a token."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def tells(attributes: Iterable[tuple[int, Mapping[str, int]]], now: float) -> NDArray[np.void]:
    """Tells of clients' attributes, each once: the same name and hash are one token."""
    found = {(client, name): value for client, held in attributes for name, value in held.items()}
    rows = np.zeros(len(found), TELL)
    rows["client"] = np.fromiter((client for client, _ in found), np.uint64, len(found))
    rows["recipe"] = np.fromiter((number(name) for _, name in found), np.uint64, len(found))
    rows["token"] = _tokens(found.values(), rows["recipe"])
    rows["at"] = rows["last"] = now
    rows["n"], rows["load"], rows["kind"] = 1, -1, Kind.SIGNUP
    return rows


def _tokens(values: Iterable[int], names: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = np.fromiter(values, np.uint64, len(names)) ^ names
    return token(Kind.SIGNUP, np.where(values == 0, np.uint64(1), values))


def lacking(graph: Graph, values: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Of some names and hashes those that tie nobody in the graph yet: it wants to know who else has them."""
    values = list(values)
    names = np.fromiter((number(name) for name, _ in values), np.uint64, len(values))
    unknown = graph.names.find(_tokens((value for _, value in values), names)) < 0
    return [one for one, wanted in zip(values, unknown.tolist(), strict=True) if wanted]


def take_in(graph: Graph, held: Attributes, others: Attributes, now: float) -> NDArray[np.int32]:
    """Make the edges of the clients in `held` what they have now, and give `others` theirs; accounts with news.

    Passed over are clients that the graph does not know, and what no two of them have.
    """
    graph.called.update((number(name), name) for one in chain(held.values(), others.values()) for name in one)
    rows = tells(chain(others.items(), held.items()), now)
    rows = rows[graph.clients.find(rows["client"]) >= 0]
    stale = _stale(graph, held, _edges(graph, rows))
    less = graph.edges["account"][stale]
    if len(stale):
        graph.forget(stale)
    edge = _edges(graph, rows)
    graph.edges["last"][edge[edge >= 0]] = now  # what is held is not forgotten
    _, which, clients = np.unique(rows["token"], return_inverse=True, return_counts=True)
    tying = (graph.names.find(rows["token"]) >= 0) | (clients[which] > 1)
    fresh = rows[(edge < 0) & tying]
    if len(fresh):
        graph.add(Tells(fresh, np.zeros(0, LOAD)))
    return np.union1d(less, graph.clients.find(fresh["client"]))


def _edges(graph: Graph, rows: NDArray[np.void]) -> NDArray[np.int32]:
    """The edge of each tell, -1 where there is none."""
    account, known = graph.clients.find(rows["client"]), graph.names.find(rows["token"])
    return graph.pairs.find(np.where(known < 0, np.uint64(0), joined(account, np.maximum(known, 0))))


def _stale(graph: Graph, held: Attributes, present: NDArray[np.int32]) -> NDArray[np.intp]:
    """Edges of the clients in `held` that are not among the present ones."""
    account = graph.clients.find(np.fromiter(held.keys(), np.uint64, len(held)))
    edges = graph.of_accounts(account[account >= 0])
    edges = edges[graph.tokens["kind"][graph.edges["token"][edges]] == Kind.SIGNUP]
    return np.asarray(edges[~np.isin(edges, present)], np.intp)
