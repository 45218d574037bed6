"""Together: what the campaigns of one operator's clients add to what each of them shows by itself."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.ingest.linking import PART, WATCHED
from bench.detection import linking
from bench.detection.compose import Account
from bench.detection.evaluate import Observed, answers_of
from bench.detection.ours import Tiers


class Linked(NamedTuple):
    """A week of links over everybody: what became of each client."""

    flagged: dict[int, float]  # when its campaign was at review first
    requests: dict[int, float]  # of these clients, up to then
    answers: dict[int, float]
    rose: dict[int, list[tuple[float, float]]]  # when in a campaign further above review, and how far


def linked(accounts: Sequence[Account]) -> Linked:
    """Everybody's requests on one clock, linked every six hours; what a link asks for the next one hears."""
    week = linking.followed(accounts)
    requests, answers = {}, {}
    for one in accounts:
        if (at := week.flagged.get(one.client)) is not None:
            before = one.events[one.events["at"] <= at]
            requests[one.client], answers[one.client] = float(len(before)), float(answers_of(before).sum())
    return Linked(week.flagged, requests, answers, week.rose)


def more(found: Linked, seen: Observed) -> NDArray[np.float64]:
    """Nats that each look's score has more for its client's campaign, as a replay adds them.

    A campaign may be found when a client has sent its last request: the last look has the highest.
    """
    out = np.zeros(len(seen.who))
    clients, last, until = seen.clients["client"].tolist(), seen.last, seen.rows["last"]
    for look, who in enumerate(seen.who.tolist()):
        rose = found.rose.get(clients[who], [])
        known = len(rose) if last[look] else bisect_right(rose, float(until[look]), key=lambda one: one[0])
        if known:
            out[look] = PART * max(rose[known - 1][1] + WATCHED, 0.0)
    return out


def tiers(alone: Tiers, found: Linked) -> Tiers:
    """The tiers with those at review whose campaign is, from the earlier of the two on."""
    clients = alone.clients["client"].tolist()
    inside = np.array([client in found.flagged for client in clients], np.bool_)
    requests, answers = (
        np.array([kept.get(client, np.inf) for client in clients]) for kept in (found.requests, found.answers)
    )
    return Tiers(
        alone.clients,
        alone.watched | inside,
        alone.reviewed | inside,
        np.minimum(alone.requests, requests),
        np.minimum(alone.answers, answers),
    )
