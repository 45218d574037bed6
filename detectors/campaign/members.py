"""Members: what an assessment draws on, and who of a group it takes for a member."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.chance import Crowd
from detectors.campaign.graph import Graph
from detectors.campaign.link import Apart, Rules, parted
from detectors.campaign.score import Scoring
from detectors.campaign.signals import THIRD, TYPICAL, UNUSUAL, Measured
from detectors.campaign.tells import Kind
from detectors.campaign.widen import widened
from detectors.reference import LOOKS

_CLOSE = 0.5  # a member shares at least so much of what the median member shares
_BELOW = 1.4  # nats: a client whose row is usual is no member if it is so much below the median member's too
_BEHIND = 0.7  # log-odds: nor is one shown whose row lies so far behind the median member's


class Known(NamedTuple):
    """What an assessment draws on."""

    graph: Graph
    weight: NDArray[np.float64]
    rules: Rules
    scoring: Scoring
    party: NDArray[np.int64]  # of each account: its organisation, below 0, or itself
    bans: Mapping[int, float]
    lists: Mapping[str, int]
    rank: NDArray[np.float64]  # of each account: the nats of its own row among ordinary ones; NaN where nobody told
    lead: NDArray[np.float64]  # of each account: the log-odds of its own row above most ordinary clients'; NaN too
    stale: NDArray[np.bool_]  # of each account: nobody told, or it sent much more since then
    apart: tuple[Apart, ...]  # no client of the first with one of the second, for each pair
    shut: NDArray[np.float64]  # of each account: since when it is refused for good; NaN: it is not
    gone: int  # how many are
    paces: NDArray[np.float64]  # of each account: how often it went on for another, or another for it
    crowd: Crowd  # the leads of all accounts


def taking(known: Known, accounts: NDArray[np.int32]) -> NDArray[np.int32]:
    """Of some accounts those that may be members: no company's keys among others', no row that speaks against it."""
    accounts = independent(known, accounts)
    return accounts[~against(known, accounts)]


def against(known: Known, accounts: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Of which accounts the own row is usual and far below the median account's too."""
    rank = known.rank[accounts]
    told = rank[~np.isnan(rank)]
    if not len(told):
        return np.zeros(len(accounts), np.bool_)
    return np.asarray(rank < min(UNUSUAL, float(np.median(told)) - _BELOW), np.bool_)


def undecided(known: Known, accounts: NDArray[np.int32]) -> bool:
    """Whether rows cannot speak against a group: half of its accounts have not come to their first look, and two
    thirds of those told do not look ordinary so far."""
    lead = known.lead[accounts]
    lead = lead[~np.isnan(lead)]
    if not len(lead) or float(np.median(known.graph.accounts["n"][accounts])) >= LOOKS[0]:
        return False
    return float(np.quantile(lead, THIRD)) >= TYPICAL


def parties(known: Known, accounts: NDArray[np.int32]) -> int:
    """How many some accounts are, those of one organisation counted once."""
    party = known.party[accounts]
    theirs = party[party < 0]  # an organisation's; who has none is a party alone
    return len(accounts) - len(theirs) + len(np.unique(theirs)) if len(theirs) else len(accounts)


def independent(known: Known, accounts: NDArray[np.int32]) -> NDArray[np.int32]:
    """Of some accounts those that are no company's keys; these stay where they are most, and count as one."""
    party = known.party[accounts]
    if (party >= 0).all():  # as mostly: nobody here is of an organisation
        return accounts
    _, which, times = np.unique(party, return_inverse=True, return_counts=True)
    several = times[which] > 1
    return accounts[~several] if 2 * int(several.sum()) < len(accounts) else accounts


def belong(measured: Measured) -> NDArray[np.bool_]:
    """Who shares enough of the group's own wordings, or had requests moved."""
    worth, seldom = measured.worth, measured.seldom
    stays = np.zeros(len(worth), np.bool_)
    stays[seldom.who[seldom.kinds == Kind.MOVED]] = True
    if (worth > 0.0).any():
        stays |= (worth > 0.0) & (worth >= _CLOSE * _median(worth[worth > 0.0]))
        signed = seldom.who[np.isin(seldom.token, _signed(measured))] if len(seldom.token) else seldom.who
        stays[signed] |= worth[signed] > 0.0
    return stays


def _median(values: NDArray[np.float64]) -> float:
    """What `np.median` gives of numbers, in a fraction of its time for a few."""
    ordered, half = np.sort(values), len(values) // 2
    return float(ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2.0)


def _signed(measured: Measured) -> list[int]:
    """The sign-up attributes that half of a group have, and few others."""
    half = 0.5 * len(measured.members)
    some = [one for one in measured.shared if one.kind is Kind.SIGNUP]
    return [one.token for one in some if one.members >= half and 2 * one.members >= one.df]


def shown(known: Known, inside: NDArray[np.int32], *, wide: bool, told: bool) -> NDArray[np.int32]:
    """Of a campaign found by the accounts `inside`, those that are its members.

    `wide`: those too who share what only it has. `told`: without those whose own rows lie far behind, but all where
    too few would be left.
    """
    members = _allowed(known, inside, widened(known.graph, inside, known.weight)) if wide else inside
    if not told:
        return members
    near = keeping_up(known, inside, members)
    return near if parties(known, near) >= known.scoring.members else members


def keeping_up(known: Known, inside: NDArray[np.int32], members: NDArray[np.int32]) -> NDArray[np.int32]:
    """Of some members those whose own rows do not lie far behind the median of the accounts `inside`.

    What ties a harvest others have as well, as the readers of one list do. Between whom refused requests moved, and
    who was banned, stays whatever its row says.
    """
    behind = known.lead[members] < float(np.nanmedian(known.lead[inside])) - _BEHIND
    if not behind.any():
        return members
    return members[~behind | np.isin(members, _sure(known, members, members[behind]))]


def _sure(known: Known, members: NDArray[np.int32], some: NDArray[np.int32]) -> NDArray[np.int32]:
    """Of some of the members those who were banned, and those between whom and a member refused requests moved."""
    banned = np.isin(known.graph.clients.known()[some], np.fromiter(known.bans, np.uint64, len(known.bans)))
    mine = _moved(known.graph, some)
    if not len(mine):  # as mostly: the edges of all members need not be looked for
        return some[banned]
    tokens, times = np.unique(_moved(known.graph, members)["token"], return_counts=True)
    movers = mine["account"][np.isin(mine["token"], tokens[times > 1])]
    return np.concatenate([movers, some[banned]])


def _moved(graph: Graph, accounts: NDArray[np.int32]) -> NDArray[np.void]:
    """The edges of some accounts to what moved between two."""
    edges = graph.edges[graph.of_accounts(accounts)]
    return np.asarray(edges[graph.tokens["kind"][edges["token"]] == Kind.MOVED])


def _allowed(known: Known, members: NDArray[np.int32], wide: NDArray[np.int32]) -> NDArray[np.int32]:
    """The members, and of those who would join those of no organisation whom no reviewer said to keep apart."""
    joining = np.setdiff1d(wide, members)
    joining = joining[known.party[joining] >= 0]
    names = known.graph.clients.known()
    inside = set(names[members].tolist())
    for one, other in known.apart:
        for mine, theirs in ((one, other), (other, one)):
            if not inside.isdisjoint(mine):
                joining = joining[~np.isin(names[joining], np.fromiter(theirs, np.uint64, len(theirs)))]
    both = inside.union(names[joining].tolist())
    if len(parted(sorted(both), known.apart)) > 1:  # those who would join may not be together
        return members
    return np.union1d(members, joining).astype(np.int32)
