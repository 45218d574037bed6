"""decision: what the gateway does to a client, for how long, and whether only in simulation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ID_LENGTH, Base
from app.models.vocabulary import Action

SYSTEM = "stillwatch"  # who made what no person made


class Decision(Base):
    """One action on one client, with an end; `simulated` ones change no answer."""

    __tablename__ = "decision"

    id: Mapped[str] = mapped_column(sa.String(ID_LENGTH), primary_key=True)
    alert_id: Mapped[str | None] = mapped_column(sa.ForeignKey("alert.id"))  # None: made by hand, without an alert
    campaign_id: Mapped[str | None] = mapped_column(sa.String(ID_LENGTH))  # made about everybody of a campaign
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("client.id"))
    action: Mapped[Action] = mapped_column(sa.String(32))
    simulated: Mapped[bool]
    parameters: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # how fast, what less
    made_by: Mapped[str] = mapped_column(sa.String(120), server_default=SYSTEM)
    reason: Mapped[str] = mapped_column(sa.Text)
    policy: Mapped[str] = mapped_column(sa.String(64))
    policy_version: Mapped[int]
    starts_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None] = mapped_column(sa.String(64))  # a word
    revoked_by: Mapped[str | None] = mapped_column(sa.String(120))
    revoked_note: Mapped[str | None] = mapped_column(sa.Text)  # a person's words

    __table_args__ = (
        sa.Index(
            "uq_decision_standing",
            "client_id",
            "action",
            "simulated",
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
        sa.Index(None, "client_id", "starts_at"),
        sa.Index(None, "alert_id", "starts_at"),
        sa.Index(None, "campaign_id"),
        sa.Index(None, "expires_at"),
    )
