"""Merging: several clients' records as one client's, field by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Rule = Callable[[NDArray[Any]], Any]
"""From a field of all rows, shape (rows, ...), to the merged field without the first axis."""


def merged(rows: NDArray[np.void], rules: Mapping[str, Rule] | None = None) -> np.void:
    """One record of the rows' dtype: counters add up, bytes take the maximum, and `rules` say what else to do.

    Bytes are registers of distinct counts, for which the maximum is exact. No rows give zeros.
    """
    out = np.zeros(1, rows.dtype)
    for name in (rows.dtype.names or ()) if len(rows) else ():
        rule = (rules or {}).get(name)
        out[name] = rule(rows[name]) if rule else default(rows[name])
    return cast(np.void, out[0])


def default(field: NDArray[Any]) -> Any:
    """The maximum of bytes, the saturating sum of all other numbers; a filler stays zero."""
    if field.dtype.names:
        return merged(field)
    if field.dtype.kind not in "uif":
        return np.zeros(field.shape[1:], field.dtype)
    return field.max(axis=0) if field.dtype == np.uint8 else added(field)


def added(field: NDArray[Any]) -> Any:
    """The sum over the rows, held at the largest number that the field can store."""
    kind = field.dtype
    if kind.kind == "f":
        return field.sum(axis=0, dtype=np.float64)
    limit = np.iinfo(kind)
    if kind.itemsize < 8:
        return np.clip(field.sum(axis=0, dtype=np.int64), limit.min, limit.max).astype(kind)
    near = field.astype(np.float64).sum(axis=0)
    with np.errstate(over="ignore"):
        return np.where(near >= float(limit.max), limit.max, field.sum(axis=0)).astype(kind)


def either(field: NDArray[Any]) -> Any:
    """The union of bit sets."""
    return np.bitwise_or.reduce(field, axis=0)


def largest(field: NDArray[Any]) -> Any:
    """The maximum: of latest times, levels, and registers."""
    return field.max(axis=0)


def smallest_known(field: NDArray[Any]) -> Any:
    """The smallest number that is not 0, where 0 says unknown: of earliest times."""
    if field.dtype.kind == "f":
        held = np.where(field == 0, np.inf, field).min(axis=0)
        return np.where(np.isinf(held), 0, held)
    top = np.iinfo(field.dtype).max
    held = np.where(field == 0, top, field).min(axis=0)
    return np.where(held == top, 0, held)
