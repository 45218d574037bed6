"""The steps of a campaign's history: each change of what a reviewer acts on adds one, and one to the version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.base import moment, new_id
from app.models.campaign import Campaign
from app.models.campaign_event import CampaignEvent
from app.webhooks import outbox
from detectors.base import Level

SYSTEM = "stillwatch"  # the actor of what no person did
TOLD = frozenset({"opened", "escalated", "closed", "reopened", "split", "merged"})  # what others are notified of


def step(session: AsyncSession, campaign: Campaign, kind: str, actor: str, data: Mapping[str, Any], now: float) -> None:
    """Count the version up, and write the step and its notification beside the change."""
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
    if kind in TOLD and campaign.level >= Level.REVIEW:
        summary = {
            "campaign_id": campaign.id,
            "status": str(campaign.state),
            "size": campaign.size,
            "score": campaign.score,
            "version": campaign.version,
        }
        outbox.enqueue(session, f"campaign.{kind}", f"{campaign.id}:{campaign.version}", summary, now)
