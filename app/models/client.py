"""client: the unit scored, as the worker last saw it; its state itself lives in Redis."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import NotFound
from app.models.base import Base

PREFIX = "cl_"
REF_LENGTH = 19  # characters
HEX_DIGITS = frozenset("0123456789abcdef")
ACCOUNT_LENGTH = 200


class Client(Base):
    """One principal at one deployment, known only by keyed hash."""

    __tablename__ = "client"

    id: Mapped[str] = mapped_column(sa.String(REF_LENGTH), primary_key=True)
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    requests: Mapped[int] = mapped_column(sa.BigInteger)
    in_tokens: Mapped[int] = mapped_column(sa.BigInteger)
    out_tokens: Mapped[int] = mapped_column(sa.BigInteger)
    level: Mapped[int] = mapped_column(sa.SmallInteger)  # detectors.base.Level
    score: Mapped[float]  # fused evidence, nats
    peer_group: Mapped[str] = mapped_column(sa.String(120))
    account: Mapped[str] = mapped_column(sa.String(ACCOUNT_LENGTH), server_default="")  # the customer it belongs to
    account_given: Mapped[bool] = mapped_column(server_default=sa.false())  # by an operator: gateways do not overrule

    __table_args__ = (
        sa.Index(None, "last_seen", "id"),
        sa.Index(None, "score", "id"),
        sa.Index(None, "requests", "id"),
        sa.Index(None, "first_seen", "id"),
        sa.Index(None, "account", "id"),
    )


def client_ref(number: int) -> str:
    """`cl_` and 16 hex digits: how a client's 64-bit number is shown and stored."""
    return f"{PREFIX}{int(number):016x}"


def client_number(ref: str) -> int:
    """The number that `client_ref` came from; raises NotFound where `ref` cannot name a client."""
    if not is_client_ref(ref):
        raise NotFound("no such client")
    return int(ref.removeprefix(PREFIX), 16)


def is_client_ref(text: str) -> bool:
    """Whether `text` has the form of `client_ref`: not whether there is such a client."""
    return len(text) == REF_LENGTH and text.startswith(PREFIX) and set(text[len(PREFIX) :]) <= HEX_DIGITS
