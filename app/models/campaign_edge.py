"""campaign_edge: what ties members together; the strongest of each campaign, written anew by the linker."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class CampaignEdge(Base):
    """One token that several members have: a wording, a system prompt, a network; rank 1 is the strongest."""

    __tablename__ = "campaign_edge"

    campaign_id: Mapped[str] = mapped_column(sa.ForeignKey("campaign.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(sa.String(64))
    token: Mapped[str] = mapped_column(sa.String(16))  # hex of its keyed hash
    members: Mapped[int]  # of the campaign that have it
    clients: Mapped[int]  # of all clients: the document frequency
    weight: Mapped[float]  # nats
    sentence: Mapped[str] = mapped_column(sa.Text)
    holders: Mapped[list[str]]  # some of the members that have it, at most found.HOLDERS_KEPT
