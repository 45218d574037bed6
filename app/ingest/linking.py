"""Linking in a replay: which clients act as one operator, and from when that could be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.base import Level
from detectors.campaign import Campaign, Linker
from detectors.campaign.report import Member
from detectors.campaign.rows import Own
from detectors.campaign.score import Scoring

EVERY: Final = 3_600.0  # seconds of the log between two links, at least,
MORE: Final = 0.03  # and so much more traffic: of a long log's last days an hour changes little
ROUNDS: Final = 4  # links at the end: each may ask for rows that the one before did not
PART: Final = 0.5  # of how far a campaign is above WATCHED below review, a member's score has more
WATCHED: Final = Scoring().review - Scoring().watch  # nats

Hear = Callable[[Sequence[int]], Mapping[int, Own]]


@dataclass(frozen=True, slots=True)
class Membership:
    """A client's campaign, and what the client had sent when it was first seen at the level of review."""

    campaign: Campaign
    flagged_at_request: int | None
    flagged_at: float | None

    @property
    def name(self) -> str:
        """The campaign's id as it is shown."""
        return f"cp_{self.campaign.id:016x}"

    @property
    def more(self) -> float:
        """Nats that a client's score has more for its campaign, for whoever puts clients in order."""
        return PART * max(margin(self.campaign) + WATCHED, 0.0)


def margin(campaign: Campaign) -> float:
    """Nats above the level of review, which is another one where no rows were told: scores alone do not compare."""
    return campaign.score - campaign.threshold


def _says(campaign: Campaign) -> tuple[Level, float]:
    """Orders readings by how much they say."""
    return campaign.level, margin(campaign)


class Linking:
    """A linker beside the engine: it sees the same events, and links now and then in the log's time.

    As the linking process does, it asks between two links what some clients' own rows say; `hear` answers. `lists`
    says how long the operator's lists are.
    """

    def __init__(self, requests: Callable[[int], int], hear: Hear, lists: Mapping[str, int] | None = None) -> None:
        self._linker = Linker()
        self._linker.set_lists(lists or {})
        self._requests = requests  # how many events a client has had
        self._hear = hear
        self._linked_at = -np.inf
        self._events = self._linked_events = 0
        self._flagged: dict[int, tuple[int, float]] = {}
        self._found: dict[int, Campaign] = {}  # by client: the campaign that says most of it, at any link
        self.campaigns: tuple[Campaign, ...] = ()

    def follow(self, block: NDArray[np.void], now: float) -> None:
        """Take in a block of events that ends at `now`."""
        self._linker.observe(block)
        self._events += len(block)
        if now - self._linked_at >= EVERY and self._events >= (1.0 + MORE) * self._linked_events:
            self._link(now)

    def finish(self, now: float) -> dict[int, Membership]:
        """Each client's campaign: of those it was in, the one that says most."""
        for _ in range(ROUNDS):
            if not self._link(now):
                break
        self.campaigns = _listed(self._found)
        nobody = (None, None)
        return {
            client: Membership(campaign, *self._flagged.get(client, nobody)) for client, campaign in self._found.items()
        }

    def _link(self, now: float) -> bool:
        """A link, and what it asks for; whether there is news, so that another link might find more."""
        self._linked_at, self._linked_events = now, self._events
        self._remember(self._linker.link(now), now)
        told = self._hear(self._linker.to_hear(len(self._linker.graph.clients)))
        self._linker.tell(told)
        return bool(told)

    def _remember(self, campaigns: Iterable[Campaign], now: float) -> None:
        for campaign in campaigns:
            for member in campaign.members:
                best = self._found.get(member.client)
                if best is None or _says(best) <= _says(campaign):
                    self._found[member.client] = campaign
                if campaign.level == Level.REVIEW:
                    self._flagged.setdefault(member.client, (self._requests(member.client), now))


def _listed(found: Mapping[int, Campaign]) -> tuple[Campaign, ...]:
    """The campaigns that clients are told to be in, each by its highest reading, with all of these clients."""
    best: dict[int, Campaign] = {}
    for campaign in found.values():
        other = best.get(campaign.id)
        if other is None or _says(other) < _says(campaign):
            best[campaign.id] = campaign
    more: dict[int, list[Member]] = {number: [] for number in best}
    for client, campaign in found.items():
        if client not in best[campaign.id].clients:
            more[campaign.id] += [one for one in campaign.members if one.client == client]
    whole = [replace(one, members=(*one.members, *more[number])) for number, one in best.items()]
    return tuple(sorted(whole, key=lambda one: (-one.level, -margin(one), one.id)))


def document(campaign: Campaign, names: Callable[[int], str]) -> dict[str, Any]:
    """A campaign in the report: its members by their names in the logs, and what ties them."""
    return {
        "campaign": f"cp_{campaign.id:016x}",
        "level": campaign.level.name.lower(),
        "score": round(campaign.score, 4),
        "threshold": campaign.threshold,
        "sentence": campaign.sentence,
        "cannot_tell": campaign.cannot_tell,
        "requests": campaign.requests,
        "members": [
            {
                "client": names(one.client),
                "joined_at": one.joined_at,
                "reason": one.reason,
                "share": round(one.share, 4),
            }
            for one in campaign.members
        ],
        "edges": [
            {"kind": one.kind, "members": one.members, "accounts": one.df, "nats": round(one.weight, 3)}
            for one in campaign.edges
        ],
        "terms": [
            {"feature": one.feature, "value": one.value, "unit": one.unit, "share": one.share, "sentence": one.sentence}
            for one in campaign.terms
        ],
        "without_strongest": campaign.without_strongest.sentence,
    }
