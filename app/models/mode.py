"""mode_change: who set the gateways' mode to what, and when; rows are only ever added, the newest holds."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.vocabulary import Mode


class ModeChange(Base):
    """One change of the mode; without any, each gateway goes by its setting."""

    __tablename__ = "mode_change"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1, 2, ...; the ETag
    mode: Mapped[Mode] = mapped_column(sa.String(16))
    reason: Mapped[str] = mapped_column(sa.Text)
    actor: Mapped[str] = mapped_column(sa.String(120))
    at: Mapped[datetime]
