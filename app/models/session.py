"""session: one browser signed in to the dashboard; ends with its token."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class ConsoleSession(Base):
    """The hash of a cookie, the token that signed in, and the form secret (CSRF) of the session."""

    __tablename__ = "session"

    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)  # hex SHA-256 of the cookie's value
    token_id: Mapped[str] = mapped_column(sa.ForeignKey("token.id"), index=True)
    csrf: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
