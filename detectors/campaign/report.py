"""Report: what a reviewer sees of a campaign; plain frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from detectors.base import Level, Term


class Member(NamedTuple):
    """One account of a campaign."""

    client: int
    joined_at: float
    reason: str
    requests: int  # of the sub-stream that ties it
    share: float  # the sub-stream's part of all its requests
    banned_at: float | None


class Edge(NamedTuple):
    """One thing that members share."""

    kind: str
    token: int
    members: int  # that have it
    df: int  # accounts that have it in all
    weight: float  # nats
    sentence: str


class Without(NamedTuple):
    """What is left if the strongest kind of tie is taken away."""

    kind: str
    members: int
    score: float
    level: Level
    sentence: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """Accounts that act as one operator, and why."""

    id: int
    level: Level
    score: float
    threshold: float
    sentence: str
    cannot_tell: str
    first: float
    last: float
    requests: int  # of the sub-stream
    members: tuple[Member, ...]  # in the order in which they joined
    edges: tuple[Edge, ...]  # the strongest first
    terms: tuple[Term, ...]  # their shares sum to the score
    without_strongest: Without
    frames: tuple[int, ...]  # tokens of the sub-stream
    history: tuple[str, ...]
    clients: frozenset[int] = field(init=False, repr=False, compare=False)  # the members' ids

    def __post_init__(self) -> None:
        object.__setattr__(self, "clients", frozenset([one.client for one in self.members]))
