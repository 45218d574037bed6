"""label: a reviewer's verdict on an alert; rows are only ever added, the newest counts."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ID_LENGTH, Base
from app.models.vocabulary import Disposition, Verdict


class Label(Base):
    """Harvesting, benign or unsure: said by whom, when, of which alert."""

    __tablename__ = "label"

    id: Mapped[str] = mapped_column(sa.String(ID_LENGTH), primary_key=True)
    alert_id: Mapped[str] = mapped_column(sa.ForeignKey("alert.id"))
    client_id: Mapped[str] = mapped_column(sa.ForeignKey("client.id"))
    verdict: Mapped[Verdict] = mapped_column(sa.String(16))
    disposition: Mapped[Disposition] = mapped_column(sa.String(32))
    given_by: Mapped[str] = mapped_column(sa.String(120))
    given_at: Mapped[datetime]

    __table_args__ = (sa.Index(None, "client_id", "given_at"), sa.Index(None, "alert_id", "given_at"))
