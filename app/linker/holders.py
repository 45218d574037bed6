"""Pure: which clients have the tokens that tie campaigns, read out of the linking core's graph in one pass."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from app.linker.told import Holders
from detectors.campaign import Campaign
from detectors.campaign.graph import Graph


def holders_of(graph: Graph, campaigns: Iterable[Campaign]) -> Holders:
    """A function from a token of the campaigns' edges to the clients that have it."""
    wanted = np.unique(np.array([edge.token for one in campaigns for edge in one.edges], np.uint64))
    numbers = graph.names.find(wanted)
    known = numbers >= 0
    wanted, numbers = wanted[known], numbers[known]
    edges, order = graph.edges, np.sort(graph.of_tokens(numbers))
    order = order[np.argsort(edges["token"][order], kind="stable")]
    tokens, clients = edges["token"][order], graph.clients.known()[edges["account"][order]]
    starts, ends = np.searchsorted(tokens, numbers), np.searchsorted(tokens, numbers, side="right")
    found = {int(token): clients[start:end].tolist() for token, start, end in zip(wanted, starts, ends, strict=True)}
    return lambda token: found.get(token, ())
