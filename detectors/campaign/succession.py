"""Succession: accounts that begin soon after others of their group were banned, or are refused for good."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.graph import Graph
from detectors.campaign.signals import NAN
from detectors.campaign.tells import Kind

_TRIED = 16  # accounts whose place one that begins may have taken


class Column(NamedTuple):
    """What a succession is read from, one value a member."""

    client: list[int]
    party: list[int]
    first: list[float]  # when it began
    shut: NDArray[np.float64]  # since when it is refused for good; NaN: it is not
    networks: list[set[int]]  # those that others have too


def after_bans(clients: list[int], first: list[float], bans: Mapping[int, float], within: float) -> dict[int, int]:
    """Of the members, those that began soon after another's ban that was told; and whose."""
    banned = sorted((bans[client], client) for client in clients if client in bans)
    found = {}
    for client, began in zip(clients, first, strict=True) if banned else ():
        before = [who for at, who in banned if who != client and 0.0 <= began - at <= within]
        if before:
            found[client] = before[-1]
    return found


def replaced(members: Column, within: float) -> dict[int, int]:
    """Of the members, those that took the place of one that is refused for good, each of another one; and of whom.

    A new key from the network of the old one is what every company does whose key ends; it does not count.
    """
    gone = deque(place for place in np.argsort(members.shut, kind="stable").tolist() if members.shut[place] > 0.0)
    waiting: deque[int] = deque()
    found: dict[int, int] = {}
    for place in np.argsort(members.first, kind="stable").tolist():
        began = members.first[place]
        while gone and members.shut[gone[0]] < began:
            waiting.append(gone.popleft())
        while waiting and members.shut[waiting[0]] < began - within:
            waiting.popleft()
        for old in list(waiting)[:_TRIED]:
            if members.party[old] != members.party[place] and members.networks[old].isdisjoint(members.networks[place]):
                found[members.client[place]] = members.client[old]
                waiting.remove(old)
                break
    return found


def networks(graph: Graph, edge: NDArray[np.intp], who: NDArray[np.intp], members: int) -> list[set[int]]:
    """Each member's networks that somebody else has too."""
    out: list[set[int]] = [set() for _ in range(members)]
    token = graph.edges["token"][edge]
    some = np.flatnonzero(graph.tokens["kind"][token] == Kind.NETWORK)
    for place, one in zip(who[some].tolist(), token[some].tolist(), strict=True):
        out[place].add(one)
    return out


def expected(shut: NDArray[np.float64], members: NDArray[np.int32], everywhere: int) -> float:
    """How many of as many clients would be refused for good, if they were like all others; NaN where no member is.

    `everywhere` is how many are in all.
    """
    inside = int((~np.isnan(shut[members])).sum())
    if not inside:
        return NAN
    return len(members) * (everywhere - inside + 1.0) / (len(shut) - len(members) + 1.0)
