"""What a pass of the linker says of one campaign; the database decides which campaign it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

EDGES_KEPT = 100  # the strongest of a campaign
HOLDERS_KEPT = 100  # members named of an edge


@dataclass(frozen=True, slots=True)
class Edge:
    """What several members have: its kind, its keyed hash, how many of them and of all clients have it, nats."""

    kind: str
    token: int
    members: int
    clients: int
    weight: float
    sentence: str
    holders: tuple[int, ...] = ()


def united(edges: Iterable[Edge]) -> list[Edge]:
    """The edges of two sets of clients as those of both together: what both have stands there once.

    It keeps the weight and the words of the first, which is the stronger; a pass of the linker weighs it anew.
    """
    found: dict[tuple[str, int], Edge] = {}
    for edge in edges:
        known = found.setdefault((edge.kind, edge.token), edge)
        if known is not edge:
            found[edge.kind, edge.token] = replace(
                known,
                members=known.members + edge.members - len({*known.holders} & {*edge.holders}),
                clients=max(known.clients, edge.clients),
                holders=tuple(dict.fromkeys((*known.holders, *edge.holders))),
            )
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Member:
    """One client: why it is in, how many of its requests were linked, and which share of all that is."""

    reason: str
    requests: int = 0
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """A set of clients that act as one, with why; `at` is epoch seconds of the pass, score and threshold are nats.

    `key` is the linker's own number of it (hex), `evidence` is ready for JSON and bounded.
    """

    key: str
    members: Mapping[int, Member]
    level: int
    score: float
    threshold: float
    sentence: str
    at: float
    requests: int = 0
    edges: tuple[Edge, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def only(self, members: Iterable[int]) -> Found:
        """The part of it that these members are; edges are kept where two of them are known to hold one."""
        kept = {client: self.members[client] for client in members if client in self.members}
        edges = []
        for edge in self.edges:
            holders = tuple(client for client in edge.holders if client in kept)
            if len(holders) >= 2:
                edges.append(replace(edge, holders=holders, members=len(holders)))
        requests = sum(one.requests for one in kept.values())
        return replace(self, members=kept, edges=tuple(edges), requests=requests)

    def and_also(self, other: Found) -> Found:
        """Both as one: the higher level's words, everybody's members and edges."""
        first, second = (self, other) if (self.level, self.score) >= (other.level, other.score) else (other, self)
        edges = united(sorted((*first.edges, *second.edges), key=lambda edge: -edge.weight))[:EDGES_KEPT]
        members = {**second.members, **first.members}
        return replace(first, members=members, edges=tuple(edges), requests=first.requests + second.requests)
