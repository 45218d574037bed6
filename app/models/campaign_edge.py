"""campaign_edge: what ties two members together; the strongest of each campaign, written anew by the linker."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class CampaignEdge(Base):
    """One pair of members with one kind of tie between them; rank 1 is the strongest."""

    __tablename__ = "campaign_edge"

    campaign_id: Mapped[str] = mapped_column(sa.ForeignKey("campaign.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    left: Mapped[str] = mapped_column(sa.String(19))
    right: Mapped[str] = mapped_column(sa.String(19))
    kind: Mapped[str] = mapped_column(sa.String(32))
    weight: Mapped[float]
    clients: Mapped[int]  # clients in all that have the token: its document frequency
    evidence: Mapped[dict[str, Any]]
