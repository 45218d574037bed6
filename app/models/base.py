"""What every table shares: names of constraints, time zone aware columns, sortable ids."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
ID_LENGTH = 48  # a prefix and a UUID; room for longer prefixes
COUNT_LIMIT = 2**63 - 1  # the largest number that both databases store


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware in Python on either database, refused when naive, always UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What the column holds in Python."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment as the driver wants it: SQLite knows no zones, so it is given UTC without one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The moment, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Root of the tables."""

    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012
        datetime: UtcDateTime,
        float: sa.Double,
        dict[str, Any]: sa.JSON,
        list[str]: sa.JSON,
    }


class _Sequence:
    """UUIDv7 (RFC 9562, method 2): within a millisecond, each id of this process is greater than the one before."""

    random_bits = 74

    def __init__(self) -> None:
        self._last = 0

    def next(self, now: float) -> UUID:
        """The id of a moment, epoch seconds."""
        milliseconds = int(now * 1000) & (2**48 - 1)
        value = milliseconds << self.random_bits | secrets.randbits(self.random_bits - 1)
        if self._last >> self.random_bits == milliseconds:
            value = self._last + 1 + secrets.randbits(32)
        self._last = value
        high, low = value >> 62 & 0xFFF, value & (2**62 - 1)
        return UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)


_sequence = _Sequence()


def new_id(prefix: str, now: float) -> str:
    """`al_`, `dc_`, ... and a UUIDv7 of the moment `now`: ids sort by when they were made."""
    return f"{prefix}_{_sequence.next(now)}"


def made_at(text: str) -> datetime:
    """The moment that an id of `new_id` was made for, to the millisecond."""
    return moment((UUID(text.partition("_")[2]).int >> 80) / 1000)


def moment(seconds: float) -> datetime:
    """Epoch seconds as an aware UTC datetime."""
    return datetime.fromtimestamp(seconds, UTC)


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` can be an id that `new_id` made; what cannot is not worth asking the database."""
    digits = text.removeprefix(f"{prefix}_").replace("-", "")
    return len(text) == len(prefix) + 37 and len(digits) == 32 and not set(digits) - set("0123456789abcdef")
