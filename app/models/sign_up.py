"""sign_up_attribute, sign_up_news: what clients and accounts signed up with, as keyed hashes; whose changed lately."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ID_LENGTH, Base
from app.models.client import ACCOUNT_LENGTH

CLIENT, ACCOUNT = "client", "account"
"""What an entry is about: one client, or an account, which is all its clients."""
NAME_LENGTH = 32


class SignUpAttribute(Base):
    """One attribute of a client or an account; neither may have been seen yet."""

    __tablename__ = "sign_up_attribute"

    kind: Mapped[str] = mapped_column(sa.String(7), primary_key=True)
    of: Mapped[str] = mapped_column(sa.String(ACCOUNT_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH), primary_key=True)
    hash: Mapped[str] = mapped_column(sa.String(16))  # hex, of name and value, under the deployment's secret
    updated_by: Mapped[str] = mapped_column(sa.String(120))
    updated_at: Mapped[datetime]

    __table_args__ = (sa.Index(None, "hash"), sa.Index(None, "name"))


class SignUpNews(Base):
    """A client or an account whose attributes changed, until the linker has heard of it."""

    __tablename__ = "sign_up_news"

    kind: Mapped[str] = mapped_column(sa.String(7), primary_key=True)
    of: Mapped[str] = mapped_column(sa.String(ACCOUNT_LENGTH), primary_key=True)
    stamp: Mapped[str] = mapped_column(sa.String(ID_LENGTH))  # of the newest change: one that comes later stays
