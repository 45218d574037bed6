"""alert: a record for review: who, since when, why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ID_LENGTH, Base
from app.models.vocabulary import Disposition, Severity, SeverityNumber, State


class Alert(Base):
    """One episode of one client under one policy; `evidence` never changes, `latest` follows the client."""

    __tablename__ = "alert"

    id: Mapped[str] = mapped_column(sa.String(ID_LENGTH), primary_key=True)
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("client.id"))
    fingerprint: Mapped[str] = mapped_column(sa.String(96))  # client and policy: one open alert each
    episode: Mapped[int]
    policy: Mapped[str] = mapped_column(sa.String(64))
    policy_version: Mapped[int]
    state: Mapped[State] = mapped_column(sa.String(16))
    disposition: Mapped[Disposition | None] = mapped_column(sa.String(32))
    severity: Mapped[Severity] = mapped_column(SeverityNumber)
    score: Mapped[float]  # the highest of the episode, nats
    threshold: Mapped[float]
    sentence: Mapped[str] = mapped_column(sa.Text)
    evidence: Mapped[dict[str, Any]]
    latest: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime]  # the newest finding folded in: an older or equal one changes nothing
    seen_requests: Mapped[int] = mapped_column(sa.BigInteger)
    assignee: Mapped[str | None] = mapped_column(sa.String(120))
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(sa.String(120))
    closed_score: Mapped[float | None]
    closed_detectors: Mapped[list[str] | None]
    note: Mapped[str | None] = mapped_column(sa.Text)
    version: Mapped[int]  # of what a reviewer acts on; the ETag. A refresh of `latest` leaves it alone

    __table_args__ = (
        sa.UniqueConstraint("fingerprint", "episode"),
        sa.CheckConstraint("(state = 'closed') = (disposition IS NOT NULL)", "closed_has_disposition"),
        sa.Index(
            "uq_alert_open_fingerprint",
            "fingerprint",
            unique=True,
            sqlite_where=sa.text("state <> 'closed'"),
            postgresql_where=sa.text("state <> 'closed'"),
        ),
        sa.Index(None, "client_id", "opened_at"),
        sa.Index(None, "opened_at", "id"),
        sa.Index(None, "updated_at", "id"),
        sa.Index(None, "score", "id"),
        sa.Index(None, "severity", "id"),
        sa.Index(None, "state", "opened_at", "id"),
    )

    @property
    def severity_id(self) -> int:
        """OCSF's number of the severity."""
        return self.severity.number
