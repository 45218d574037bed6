"""indicator_set, indicator_hit, indicator_place: hashes that others shared, who matched them, what was counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ID_LENGTH, Base


class IndicatorSet(Base):
    """One imported document; `slot` is how events name it, until it expires or is withdrawn.

    It is below zero where another set has got the number since.
    """

    __tablename__ = "indicator_set"

    id: Mapped[str] = mapped_column(sa.String(ID_LENGTH), primary_key=True)
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)  # of the document: importing it twice is once
    slot: Mapped[int] = mapped_column(unique=True)
    source: Mapped[str] = mapped_column(sa.String(200))
    note: Mapped[str] = mapped_column(sa.Text)
    document: Mapped[dict[str, Any]]
    count: Mapped[int]
    imported_by: Mapped[str] = mapped_column(sa.String(120))
    imported_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (sa.Index(None, "imported_at", "id"),)


class IndicatorHit(Base):
    """How often a client's events matched a set."""

    __tablename__ = "indicator_hit"

    set_id: Mapped[str] = mapped_column(sa.ForeignKey("indicator_set.id"), primary_key=True)
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("client.id"), primary_key=True)
    count: Mapped[int] = mapped_column(sa.BigInteger)
    kinds: Mapped[int]  # bits of detectors.indicators.Kind
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]

    __table_args__ = (sa.Index(None, "client_id"),)


class IndicatorPlace(Base):
    """One row, there from the first count on: the last entry of the linker's stream whose matches are counted."""

    __tablename__ = "indicator_place"

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    place: Mapped[str] = mapped_column(sa.String(41))  # milliseconds-sequence
