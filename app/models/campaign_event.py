"""campaign_event: who did what to a campaign, and when; rows are only ever added."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ID_LENGTH, Base


class CampaignEvent(Base):
    """One step of a campaign's history; `sequence` is the campaign's version after it."""

    __tablename__ = "campaign_event"

    id: Mapped[str] = mapped_column(sa.String(ID_LENGTH), primary_key=True)
    campaign_id: Mapped[str] = mapped_column(sa.ForeignKey("campaign.id"))
    sequence: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(sa.String(32))
    actor: Mapped[str] = mapped_column(sa.String(120))
    data: Mapped[dict[str, Any]]

    __table_args__ = (sa.UniqueConstraint("campaign_id", "sequence"),)
