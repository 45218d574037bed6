"""Widen: who else belongs to a campaign that stands; by wordings that hardly anybody outside it has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.campaign.graph import Graph
from detectors.campaign.tells import WORDING, Kind

_OWN = 0.75  # a wording is the campaign's own when so many of those who have it are members,
_LEAST = 3  # and when so many members have it
_CLOSE = 0.5  # whoever joins shares at least so much as this share of the median member's worth,
_KINDS = 2  # by so many kinds of wording,
_USES = 2  # one of them so often,
MIXED = 0.6  # and in no more than this share of its requests: of others their own rows tell
_ROUNDS = 3
_MOST = 2.0  # a campaign may grow to so many times its members
_WORDED = np.isin(np.arange(len(Kind)), WORDING)


def widened(graph: Graph, members: NDArray[np.int32], useful: NDArray[np.float64]) -> NDArray[np.int32]:
    """The members, and those who share the campaign's own wordings as members do; not more than there were.

    Their own rows say little where the harvest is a small part of what they send; that they have what only
    this operator's accounts have says it all. New members make further wordings the campaign's own. Where more
    would join than there were, the wordings are not the campaign's, and nobody joins.
    """
    wide = members
    for _ in range(_ROUNDS):
        joining = _joining(graph, wide, useful)
        if not len(joining):
            break
        wide = np.union1d(wide, joining).astype(np.int32)
    return wide if len(wide) <= _MOST * len(members) else members


def _joining(graph: Graph, members: NDArray[np.int32], useful: NDArray[np.float64]) -> NDArray[np.int32]:
    token = graph.edges["token"][graph.of_accounts(members)]
    tokens, inside = np.unique(token, return_counts=True)
    worded = _WORDED[graph.tokens["kind"][tokens]] & graph.tokens["tells"][tokens] & (useful[tokens] > 0.0)
    own = tokens[worded & (inside >= _LEAST) & (inside >= _OWN * graph.tokens["df"][tokens])]
    if not len(own):
        return members[:0]
    edges = graph.of_tokens(own)
    account, token = graph.edges["account"][edges], graph.edges["token"][edges]
    holders, who = np.unique(account, return_inverse=True)
    best, uses = np.zeros((len(holders), len(Kind))), np.zeros(len(holders), np.int64)
    np.maximum.at(best, (who, graph.tokens["kind"][token]), useful[token])
    np.maximum.at(uses, who, graph.edges["n"][edges].astype(np.int64))
    worth = best.sum(axis=1)
    mine = np.isin(holders, members)
    least = _CLOSE * float(np.median(worth[mine])) if mine.any() else np.inf
    uses_few = uses <= MIXED * graph.accounts["n"][holders]
    joins = ~mine & uses_few & (worth >= least) & (uses >= _USES) & ((best > 0.0).sum(axis=1) >= _KINDS)
    return np.asarray(holders[joins], np.int32)
