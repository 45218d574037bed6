"""What a pass of the linker says of one campaign; the database decides which campaign it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

EDGES_KEPT = 100  # the strongest of a campaign
HOLDERS_KEPT = 100  # members named of an edge
_COUNTED = re.compile(r"^(at least )?[\d,]+ of [\d,]+ (?=share )", re.IGNORECASE)  # how an edge's sentence begins


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

    def among(self, clients: Collection[int]) -> Edge:
        """The edge in the part of its campaign that these clients are; who has it and is not named may be in it too."""
        holders = tuple(client for client in self.holders if client in clients)
        least = self.members > len(self.holders)
        return replace(self, holders=holders, members=len(holders)).told_of(len(clients), least=least)

    def and_also(self, other: Edge) -> Edge:
        """The edge of two campaigns as one; `told_of` puts its sentence right."""
        holders = tuple(sorted({*self.holders, *other.holders}))
        twice = len(self.holders) + len(other.holders) - len(holders)
        return replace(self, holders=holders, members=self.members + other.members - twice)

    def told_of(self, size: int, *, least: bool = False) -> Edge:
        """The edge whose sentence counts its members, out of a campaign's `size`."""
        said = _COUNTED.match(self.sentence)
        if said is None:
            return self
        begin = "At least " if least or said[1] else ""
        return replace(self, sentence=f"{begin}{self.members:,} of {size:,} {self.sentence[said.end() :]}")


def together(edges: Iterable[Edge], size: int) -> tuple[Edge, ...]:
    """The strongest edges of campaigns that are one now, of `size` clients: what several of them have is one edge."""
    found: dict[tuple[str, int], Edge] = {}
    for edge in sorted(edges, key=lambda edge: -edge.weight):
        known = found.get((edge.kind, edge.token))
        found[edge.kind, edge.token] = edge if known is None else known.and_also(edge)
    return tuple(edge.told_of(size) for edge in list(found.values())[:EDGES_KEPT])


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
        edges = tuple(edge for edge in (one.among(kept) for one in self.edges) if edge.members >= 2)
        requests = sum(one.requests for one in kept.values())
        return replace(self, members=kept, edges=edges, requests=requests)

    def and_also(self, other: Found) -> Found:
        """Both as one: the higher level's words, everybody's members and edges."""
        first, second = (self, other) if (self.level, self.score) >= (other.level, other.score) else (other, self)
        members = {**second.members, **first.members}
        edges = together((*first.edges, *second.edges), len(members))
        return replace(first, members=members, edges=edges, requests=first.requests + second.requests)
