"""The gateways' mode in Redis: one key that the database's newest change is copied to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

import redis
import redis.asyncio

KEY = "{decisions}:mode"  # in the slot of the decisions, which are read with it
MODES = ("observe", "enforce", "bypass")
# A change that overtook an older one on its way must not be undone by it.
_SET_NEWER = """
local told = redis.call('GET', KEYS[1])
if told then
  local readable, held = pcall(cjson.decode, told)
  if readable and type(held) == 'table' and (tonumber(held['version']) or 0) >= tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


@dataclass(frozen=True, slots=True)
class Told:
    """The mode that gateways are told, and the number of the change that set it."""

    mode: str
    version: int

    def text(self) -> bytes:
        """The value of the key."""
        return json.dumps({"mode": self.mode, "version": self.version}).encode()


def parse(text: bytes | None) -> Told | None:
    """The mode of a stored text; None where there is none, or none that we know."""
    try:
        entry = json.loads(text or b"null")
        told = Told(str(entry["mode"]), int(entry["version"]))
    except (ValueError, TypeError, KeyError):
        return None
    return told if told.mode in MODES else None


def command(told: Told) -> tuple[str | bytes | int, ...]:
    """What sets the key, unless a newer change is there already."""
    return ("EVAL", _SET_NEWER, 1, KEY, told.version, told.text())


def publish(client: redis.Redis, told: Told) -> None:
    """Tell every gateway; raises redis.RedisError."""
    client.execute_command(*command(told))  # type: ignore[no-untyped-call]


async def publish_async(client: redis.asyncio.Redis, told: Told) -> None:
    """Tell every gateway; raises redis.RedisError."""
    await cast(Any, client).execute_command(*command(told))
