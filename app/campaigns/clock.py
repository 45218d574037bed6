"""What was noted while a clock ran ahead: without setting it right nothing would change until that hour comes."""

from __future__ import annotations

from collections.abc import Iterable

from app.models.base import moment
from app.models.campaign import Campaign
from app.models.campaign_member import CampaignMember

AHEAD_SECONDS = 120.0  # a pass is written within a minute of its own time: what is further ahead no pass to come saw


def set_right(noted: Iterable[Campaign | CampaignMember], now: float) -> None:
    """Count as seen `now`, epoch seconds, whatever was seen in a future that a clock was set back from."""
    latest = moment(now + AHEAD_SECONDS)
    for one in noted:
        if one.seen_at > latest:
            one.seen_at = moment(now)
