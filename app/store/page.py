"""Pages of a query by its sort keys, never by offset: rows added meanwhile neither repeat nor hide others."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.errors import CursorMismatch, InvalidInput

T = TypeVar("T")

LIMIT = 200  # rows of the largest page
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows in order; a cursor leads on from either end where more rows are known to be."""

    items: list[T]
    next_cursor: str | None
    prev_cursor: str | None

    @property
    def has_more(self) -> bool:
        """Whether rows follow this page."""
        return self.next_cursor is not None


@dataclass(frozen=True, slots=True)
class Key:
    """One column of the order, never null."""

    column: InstrumentedAttribute[Any]
    descending: bool


def sort_keys(
    text: str, allowed: Mapping[str, InstrumentedAttribute[Any]], tie: InstrumentedAttribute[Any]
) -> tuple[Key, ...]:
    """The order that `-score,created_at` names, ended by `tie`; InvalidInput names the choices."""
    keys: list[Key] = []
    names = [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        column = allowed.get(name.removeprefix("-"))
        if column is None or len(names) > len(allowed):
            raise InvalidInput("sort", f"choose from {', '.join(allowed)}; a minus sign in front turns the order round")
        keys.append(Key(column, name.startswith("-")))
    return (*keys, Key(tie, keys[0].descending if keys else True))


def digest(*parts: object) -> str:
    """A short mark of the filter and order that a cursor belongs to."""
    return blake2b(repr(parts).encode(), digest_size=6).hexdigest()


def _plain(value: Any) -> int | float | str:
    if isinstance(value, datetime):
        return (value - EPOCH) // _MICROSECOND
    return value.value if isinstance(value, Enum) else value  # type: ignore[no-any-return]


def _typed(column: InstrumentedAttribute[Any], value: object) -> Any:
    kind = column.type.python_type
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) >= _LARGEST):
        raise CursorMismatch("cursor", "it is no cursor of ours")
    if issubclass(kind, datetime) and isinstance(value, int):
        return EPOCH + value * _MICROSECOND
    if issubclass(kind, float) and isinstance(value, float | int):
        return float(value)
    if issubclass(kind, Enum) or (issubclass(kind, int) and isinstance(value, int)):
        return kind(value)
    if issubclass(kind, str) and isinstance(value, str) and "\0" not in value:
        return value
    raise CursorMismatch("cursor", "it is no cursor of ours")


def _encode(direction: str, mark: str, row: Any, keys: Sequence[Key]) -> str:
    values = [_plain(getattr(row, key.column.key)) for key in keys]
    text = json.dumps([direction, mark, *values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, mark: str, keys: Sequence[Key]) -> tuple[bool, list[Any]]:
    """Whether the cursor leads forward, and the values it stands at."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        direction, found, *values = json.loads(raw)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise CursorMismatch("cursor", "it is no cursor of ours") from None
    if direction not in ("n", "p") or len(values) != len(keys):
        raise CursorMismatch("cursor", "it is no cursor of ours")
    if found != mark:
        raise CursorMismatch("cursor", "it belongs to another filter or order: start without a cursor")
    try:
        return direction == "n", [_typed(key.column, value) for key, value in zip(keys, values, strict=True)]
    except (ValueError, OverflowError):
        raise CursorMismatch("cursor", "it is no cursor of ours") from None


def _beyond(keys: Sequence[Key], values: Sequence[Any], *, forward: bool) -> sa.ColumnElement[bool]:
    """Rows after (or before) the given ones in the order of `keys`."""
    cases = []
    for index, (key, value) in enumerate(zip(keys, values, strict=True)):
        past = key.column < value if key.descending == forward else key.column > value
        equal = [k.column == v for k, v in zip(keys[:index], values[:index], strict=True)]
        cases.append(sa.and_(*equal, past))
    first, value = keys[0], values[0]
    bound = first.column <= value if first.descending == forward else first.column >= value
    return sa.and_(bound, sa.or_(*cases))  # the bound alone lets the database enter its index at the right place


async def paginate(
    session: AsyncSession, query: sa.Select[T], keys: Sequence[Key], mark: str, cursor: str | None, limit: int
) -> Page[T]:
    """The page of `query` at `cursor` (the first without one), of 1 to 200 rows; `mark` is the filter's digest."""
    if not 1 <= limit <= LIMIT:
        raise InvalidInput("limit", f"give a number from 1 to {LIMIT}")
    forward = True
    if cursor is not None:
        forward, values = _decode(cursor, mark, keys)
        query = query.where(_beyond(keys, values, forward=forward))
    order = [key.column.desc() if key.descending == forward else key.column.asc() for key in keys]
    found = list(await session.scalars(query.order_by(*order).limit(limit + 1)))
    more, rows = len(found) > limit, found[:limit]
    if not forward:
        rows.reverse()
    after = more if forward else True
    before = cursor is not None if forward else more
    return Page(
        items=rows,
        next_cursor=_encode("n", mark, rows[-1], keys) if rows and after else None,
        prev_cursor=_encode("p", mark, rows[0], keys) if rows and before else None,
    )
