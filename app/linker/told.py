"""Pure: a campaign as the linking core tells it, as what the database records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.alerts.evidence import instant, jsonable
from app.campaigns.found import EDGES_KEPT, HOLDERS_KEPT, Edge, Found, Member
from app.models.client import client_ref
from detectors.base import Term
from detectors.campaign import Campaign

NOTES_KEPT = 50  # of the core's own history of a campaign
MIXED = 0.5  # a member of whose requests less than this share was linked has other business too

Holders = Callable[[int], Sequence[int]]


def key_of(campaign: Campaign) -> str:
    """The core's number of a campaign, as it is stored."""
    return f"{campaign.id:016x}"


def found(campaign: Campaign, holders: Holders, pooled: Mapping[str, Any] | None, now: float) -> Found:
    """What a pass says of one campaign; `holders` names the clients that have a token, `pooled` the pooled score."""
    members = {one.client: Member(one.reason, int(one.requests), float(one.share)) for one in campaign.members}
    evidence = jsonable(
        {
            "cannot_tell": campaign.cannot_tell,
            "window": {"start": instant(campaign.first), "end": instant(campaign.last)},
            "terms": [_term(term) for term in campaign.terms],
            "without": _without(campaign),
            "mixed": _mixed(campaign),
            "banned": sorted(client_ref(one.client) for one in campaign.members if one.banned_at is not None)[:100],
            "pooled": dict(pooled) if pooled else None,
            "notes": list(campaign.history)[-NOTES_KEPT:],
        }
    )
    return Found(
        key=key_of(campaign),
        members=members,
        level=int(campaign.level),
        score=float(campaign.score),
        threshold=float(campaign.threshold),
        sentence=campaign.sentence,
        at=now,
        requests=int(campaign.requests),
        edges=tuple(_edges(campaign, holders, members)),
        evidence=evidence,
    )


def _term(term: Term) -> dict[str, Any]:
    return {
        "feature": term.feature,
        "value": term.value,
        "unit": term.unit,
        "population_p50": term.expected,
        "population_p99": term.expected_p99,
        "contribution": term.share,
        "sentence": term.sentence,
    }


def _without(campaign: Campaign) -> dict[str, Any]:
    """What is left of it when the strongest kind of edge is taken away."""
    rest = campaign.without_strongest
    return {
        "kind": str(rest.kind),
        "members": int(rest.members),
        "score": float(rest.score),
        "level": int(rest.level),
        "sentence": rest.sentence,
    }


def _mixed(campaign: Campaign) -> dict[str, Any] | None:
    """Members with other business too: resellers and proxies whose honest customers a block would hit."""
    mixed = [one for one in campaign.members if one.share < MIXED]
    if not mixed:
        return None
    return {
        "members": len(mixed),
        "clients": sorted(client_ref(one.client) for one in mixed)[:100],
        "least_share": min(float(one.share) for one in mixed),
    }


def _edges(campaign: Campaign, holders: Holders, members: Mapping[int, Member]) -> Iterable[Edge]:
    for edge in campaign.edges[:EDGES_KEPT]:
        known = [client for client in holders(int(edge.token)) if client in members]
        yield Edge(
            kind=str(edge.kind),
            token=int(edge.token),
            members=int(edge.members),
            clients=int(edge.df),
            weight=float(edge.weight),
            sentence=edge.sentence,
            holders=tuple(sorted(known)[:HOLDERS_KEPT]),
        )
