"""organisation: a company behind clients, and whether somebody verified that."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import ID_LENGTH, Base


class Organisation(Base):
    """A company with one or many keys; a verified one's own clients are not linked with one another."""

    __tablename__ = "organisation"

    id: Mapped[str] = mapped_column(sa.String(ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    verified: Mapped[bool]
    updated_by: Mapped[str] = mapped_column(sa.String(120))
    updated_at: Mapped[datetime]


class OrganisationClient(Base):
    """One client of an organisation; the client may not have been seen yet."""

    __tablename__ = "organisation_client"

    client_id: Mapped[str] = mapped_column(sa.String(19), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    added_by: Mapped[str] = mapped_column(sa.String(120))
    added_at: Mapped[datetime]


class OrganisationAccount(Base):
    """One account (app.models.client.Client.account) of an organisation: all its clients are the organisation's."""

    __tablename__ = "organisation_account"

    account: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(sa.ForeignKey("organisation.id"), index=True)
    added_by: Mapped[str] = mapped_column(sa.String(120))
    added_at: Mapped[datetime]
