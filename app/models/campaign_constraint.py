"""campaign_constraint: what a reviewer said about who belongs together; the linker obeys it for ever."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ID_LENGTH, Base

CANNOT, MUST = "cannot", "must"


class CampaignConstraint(Base):
    """`cannot`: clients of different sides are never linked. `must`: all its clients are one campaign."""

    __tablename__ = "campaign_constraint"

    id: Mapped[str] = mapped_column(sa.String(ID_LENGTH), primary_key=True)
    campaign_id: Mapped[str] = mapped_column(sa.ForeignKey("campaign.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(16))
    reason: Mapped[str] = mapped_column(sa.Text)
    made_by: Mapped[str] = mapped_column(sa.String(120))
    made_at: Mapped[datetime]


class CampaignSide(Base):
    """One client that a constraint names, and the side it stands on."""

    __tablename__ = "campaign_side"

    constraint_id: Mapped[str] = mapped_column(sa.ForeignKey("campaign_constraint.id"), primary_key=True)
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("client.id"), primary_key=True)
    side: Mapped[int] = mapped_column(sa.SmallInteger)

    __table_args__ = (sa.Index(None, "client_id"),)
