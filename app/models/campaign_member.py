"""campaign_member: which client belongs to which campaign, since when, and why."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class CampaignMember(Base):
    """One client of one campaign; who left stays listed, with the time and the reason."""

    __tablename__ = "campaign_member"

    campaign_id: Mapped[str] = mapped_column(sa.ForeignKey("campaign.id"), primary_key=True)
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("client.id"), primary_key=True)
    joined_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(sa.Text)
    seen_at: Mapped[datetime]  # the newest pass that linked it
    requests: Mapped[int] = mapped_column(sa.BigInteger)  # of the part of its traffic that was linked
    share: Mapped[float]  # which that is of all its requests
    left_at: Mapped[datetime | None]
    left_reason: Mapped[str | None] = mapped_column(sa.String(120))

    __table_args__ = (
        sa.Index(None, "client_id", "campaign_id"),
        sa.Index(None, "campaign_id", "joined_at", "client_id"),
    )
