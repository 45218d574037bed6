"""Linking in a replay: which clients act as one operator, and from when that could be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.base import Level
from detectors.campaign import Campaign, Linker

EVERY: Final = 3_600.0  # seconds of the log between two links


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


class Linking:
    """A linker beside the engine: it sees the same events, and links now and then in the log's time."""

    def __init__(self, requests: Callable[[int], int]) -> None:
        self._linker = Linker()
        self._requests = requests  # how many events a client has had
        self._linked_at = -np.inf
        self._flagged: dict[int, tuple[int, float]] = {}
        self.campaigns: tuple[Campaign, ...] = ()

    def follow(self, block: NDArray[np.void], now: float) -> None:
        """Take in a block of events that ends at `now`."""
        self._linker.observe(block)
        if now - self._linked_at >= EVERY:
            self._link(now)

    def finish(self, now: float) -> dict[int, Membership]:
        """The campaigns at the end of the log, by client."""
        self._link(now)
        found = {}
        for campaign in self.campaigns:
            for member in campaign.members:
                request, at = self._flagged.get(member.client, (None, None))
                found[member.client] = Membership(campaign, request, at)
        return found

    def _link(self, now: float) -> None:
        self._linked_at = now
        self.campaigns = self._linker.link(now)
        for campaign in self.campaigns:
            if campaign.level == Level.REVIEW:
                for member in campaign.members:
                    self._flagged.setdefault(member.client, (self._requests(member.client), now))


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
