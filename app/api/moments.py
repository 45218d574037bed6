"""Moments in the API's parameters: as RFC 3339 writes them, and nothing that would pass for another moment."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

MOMENT = "2026-11-25T17:03:11.482Z"  # an example
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:", re.ASCII)  # as it begins; the rest is read by pydantic


def _written(value: object) -> object:
    """A number alone would be taken for seconds since the epoch, and a date without dashes for a day of 1970."""
    if isinstance(value, str) and not _WRITTEN.match(value):
        raise PydanticCustomError("datetime_written", "it is no moment of RFC 3339")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
