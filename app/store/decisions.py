"""Decisions on their way to the gateways: one entry's form, and the commands that publish it.

The database is the truth. Redis has it twice: the stream `decisions` tells of every change, and the hash
of standing decisions is what a gateway reads that starts late or has lost the thread. An ended decision
stays in the hash as ended until it would have expired, so that nothing older brings it back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis
import redis.asyncio

STREAM = "decisions"
STANDING = "{decisions}:standing"  # id: entry; in the stream's slot of a cluster
GENERATION = "{decisions}:generation"  # there once the hash is whole; gone with the server's memory
FIELD = b"d"
LENGTH = 100_000  # entries kept, about

Command = tuple[str | bytes | int, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What applies to one client from `starts_at` until `expires_at`, seconds since the epoch."""

    id: str
    client: int
    action: str
    simulated: bool
    starts_at: float
    expires_at: float
    revoked: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)


def _client(value: object) -> int:
    if isinstance(value, str):
        return int(value.removeprefix("cl_"), 16)
    if isinstance(value, int):
        return value
    raise ValueError("client is neither a number nor cl_ with hexadecimal digits")


def parse(text: bytes | str) -> Decision:
    """A decision from its JSON; raises ValueError on anything that is none."""
    try:
        entry = json.loads(text)
        parameters = entry.get("parameters") or {}
        decision = Decision(
            id=str(entry["id"]),
            client=_client(entry["client"]),
            action=str(entry["action"]),
            simulated=entry["simulated"] is not False,
            starts_at=float(entry["starts_at"]),
            expires_at=float(entry["expires_at"]),
            revoked=bool(entry.get("revoked", False)),
            parameters=parameters if isinstance(parameters, dict) else {},
        )
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"not a decision: {error!r}") from None
    if not (math.isfinite(decision.starts_at) and math.isfinite(decision.expires_at)):
        raise ValueError("not a decision: a time is not a number")
    return decision


def commands(decision: Mapping[str, Any]) -> list[Command]:
    """What publishes a decision, for any transport; raises ValueError unless `parse` can read it.

    Keys: id, client (a number or cl_…), action, simulated, starts_at and expires_at (seconds since the
    epoch), revoked, parameters. The hash comes first: who reads it after the stream's end misses nothing.
    """
    text = json.dumps(dict(decision), separators=(",", ":")).encode()
    parse(text)
    return [
        ("HSET", STANDING, str(decision["id"]), text),
        ("XADD", STREAM, "MAXLEN", "~", LENGTH, "*", FIELD, text),
    ]


def publish(client: redis.Redis, decisions: Iterable[Mapping[str, Any]]) -> None:
    """Tell every gateway of `decisions`, in one round trip; raises redis.RedisError."""
    with client.pipeline(transaction=False) as pipeline:
        for decision in decisions:
            for command in commands(decision):
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
        pipeline.execute()


async def publish_async(client: redis.asyncio.Redis, decisions: Iterable[Mapping[str, Any]]) -> None:
    """The same as `publish`, for an asyncio client."""
    async with client.pipeline(transaction=False) as pipeline:
        for decision in decisions:
            for command in commands(decision):
                pipeline.execute_command(*command)
        await pipeline.execute()
