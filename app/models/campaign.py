"""campaign: clients that act as one operator's harvest; a record for review, as an alert is of one client."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ID_LENGTH, Base
from app.models.vocabulary import Disposition, State

OURS = ("told_size", "edges_mark", "score_threshold")  # of `latest`: what is kept beside the linker's reading


class Campaign(Base):
    """One episode of a campaign; `evidence` never changes, `latest` follows the linker."""

    __tablename__ = "campaign"

    id: Mapped[str] = mapped_column(sa.String(ID_LENGTH), primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(16))  # hex of the linker's own number for it; empty: unknown
    episode: Mapped[int]
    previous_id: Mapped[str | None] = mapped_column(sa.ForeignKey("campaign.id"))  # the episode before
    merged_into: Mapped[str | None] = mapped_column(sa.ForeignKey("campaign.id"))
    state: Mapped[State] = mapped_column(sa.String(16))
    disposition: Mapped[Disposition | None] = mapped_column(sa.String(32))
    level: Mapped[int] = mapped_column(sa.SmallInteger)  # detectors.base.Level, now
    reached: Mapped[int] = mapped_column(sa.SmallInteger, server_default="0")  # the highest of the episode
    score: Mapped[float]  # the highest of the episode, nats
    threshold: Mapped[float]  # of the newest reading
    size: Mapped[int]  # members now
    requests: Mapped[int] = mapped_column(sa.BigInteger)  # of the linked part of their traffic
    sentence: Mapped[str] = mapped_column(sa.Text)
    evidence: Mapped[dict[str, Any]]
    latest: Mapped[dict[str, Any]]
    assignee: Mapped[str | None] = mapped_column(sa.String(120))
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    seen_at: Mapped[datetime]  # the newest pass that found it
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(sa.String(120))
    closed_size: Mapped[int | None]
    note: Mapped[str | None] = mapped_column(sa.Text)
    version: Mapped[int]  # of what a reviewer acts on; the ETag. A refresh of `latest` leaves it alone

    __table_args__ = (
        sa.CheckConstraint("(state = 'closed') = (disposition IS NOT NULL)", "closed_has_disposition"),
        sa.Index(None, "opened_at", "id"),
        sa.Index(None, "updated_at", "id"),
        sa.Index(None, "score", "id"),
        sa.Index(None, "size", "id"),
        sa.Index(None, "state", "level", "opened_at", "id"),
        sa.Index(None, "previous_id"),
    )

    @classmethod
    def was_at(cls, level: int) -> sa.ColumnElement[bool]:
        """Whether it ever was at a level: of one that a previous release wrote the present level alone is known."""
        return sa.or_(cls.reached >= level, cls.level >= level)

    @property
    def score_threshold(self) -> float | None:
        """Where review began when the highest score was reached, nats; None where an earlier release kept no word."""
        kept = self.latest.get("score_threshold")
        readings = (reading for reading in (self.evidence, self.latest) if reading.get("score") == self.score)
        found = kept if kept is not None else next((one.get("threshold") for one in readings), None)
        return None if found is None else float(found)
