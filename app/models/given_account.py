"""given_account, given_stamp: the accounts that an operator gave, and the mark by which copies of them are compared."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.client import ACCOUNT_LENGTH


class GivenAccount(Base):
    """Whose a client is by an operator's word, as `client` has it too: few rows, so that they are read at once."""

    __tablename__ = "given_account"

    client_id: Mapped[str] = mapped_column(sa.String(19), primary_key=True)
    account: Mapped[str] = mapped_column(sa.String(ACCOUNT_LENGTH))


class GivenStamp(Base):
    """One row, there from the first import on; each import sets another stamp in its own transaction."""

    __tablename__ = "given_stamp"

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    stamp: Mapped[str] = mapped_column(sa.String(32))
