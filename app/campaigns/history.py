"""The steps of a campaign's history: each change of what a reviewer acts on adds one, and one to the version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.base import moment, new_id
from app.models.campaign import Campaign
from app.models.campaign_event import CampaignEvent

SYSTEM = "stillwatch"  # the actor of what no person did


def step(session: AsyncSession, campaign: Campaign, kind: str, actor: str, data: Mapping[str, Any], now: float) -> None:
    """Count the version up, and write the step beside the change."""
    campaign.version += 1
    campaign.updated_at = moment(now)
    event = CampaignEvent(
        id=new_id("ce", now),
        campaign_id=campaign.id,
        sequence=campaign.version,
        at=moment(now),
        kind=kind,
        actor=actor,
        data=dict(data),
    )
    session.add(event)
