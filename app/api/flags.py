"""Yes or no in the API's parameters: `true` or `false`, as the description has it, and no other word for them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError


def _written(value: object) -> object:
    """What reads as a yes to one tool is a no to another: `on`, `t`, `1`."""
    if isinstance(value, str) and value not in ("true", "false"):
        raise PydanticCustomError("bool_written", "give true or false")
    return value


Flag = Annotated[bool, BeforeValidator(_written)]
