"""Report: what a reviewer sees of a campaign; plain frozen records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.base import Level, Term
from detectors.campaign import tells


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
    networks: tuple[int, ...]  # tokens of networks that two members or more come from
    history: tuple[str, ...]
    clients: frozenset[int] = field(init=False, repr=False, compare=False)  # the members' ids

    def __post_init__(self) -> None:
        object.__setattr__(self, "clients", frozenset([one.client for one in self.members]))


@dataclass(frozen=True, slots=True)
class Indicators:
    """A campaign's wordings and networks as keyed hashes: no text, useful where the same key is used."""

    tokens: tuple[int, ...]
    networks: tuple[int, ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON: hashes in hexadecimal."""
        return {
            "format": 1,
            "templates": [f"{token:016x}" for token in self.tokens],
            "networks": [f"{token:016x}" for token in self.networks],
        }

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Indicators:
        """From JSON; raises ValueError where it is no set of indicators."""
        if not isinstance(document, dict) or document.get("format") != 1:
            raise ValueError("not a set of indicators, or of another format")
        try:
            read = {
                name: tuple(int(str(one), 16) for one in document.get(name, ())) for name in ("templates", "networks")
            }
        except (TypeError, ValueError):
            raise ValueError("an indicator is not a hexadecimal hash") from None
        if any(not 0 < one < 2**64 for held in read.values() for one in held):
            raise ValueError("an indicator is not a 64-bit hash")
        return cls(read["templates"], read["networks"])

    def match(self, events: NDArray[np.void]) -> NDArray[np.bool_]:
        """Which events carry one of the wordings; a network alone is no match."""
        return carrying(events, np.array(self.tokens, np.uint64))


def carrying(events: NDArray[np.void], wanted: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which events carry one of the wanted wordings."""
    out = np.zeros(len(events), np.bool_)
    if not len(wanted) or not len(events):
        return out
    for kind, values in tells.wordings(events):
        found = np.isin(tells.token(kind, values), wanted)
        out |= found
    return out
