"""outbox: notifications written with the change that they tell of, delivered later."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ID_LENGTH, Base


class OutboxMessage(Base):
    """One thin message: ids and a summary, never evidence; its id is the webhook-id on every attempt."""

    __tablename__ = "outbox"

    id: Mapped[str] = mapped_column(sa.String(ID_LENGTH), primary_key=True)
    topic: Mapped[str] = mapped_column(sa.String(64))
    once: Mapped[str] = mapped_column(sa.String(160), unique=True)  # one message for one change, whoever retries
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]

    __table_args__ = (sa.Index(None, "delivered_at", "id"),)
