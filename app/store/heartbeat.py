"""Each process tells every few seconds that it lives, with its counters; the console reads them all."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, cast

import redis
import redis.asyncio

from app.store.redis import Argument

LIFE_SECONDS = 10  # by the clock of Redis: whose key is still there lives, whatever the hosts' clocks say
INDEX = "status"  # the set of role:instance, so that nobody scans a keyspace of a million rows


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One process at one time; `at` and `started` are seconds since the epoch."""

    role: str
    instance: str
    at: float
    started: float
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    counters: Mapping[str, float] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)
    info: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of the key that holds it."""
        return f"{INDEX}:{self.role}:{self.instance}"


def commands(beat: Heartbeat) -> list[tuple[Argument, ...]]:
    """The commands that publish a heartbeat, for a caller with its own connection."""
    # asdict would rebuild a Counter from pairs and count those.
    told = {name: dict(value) if isinstance(value, Mapping) else value for name, value in _values(beat)}
    text = json.dumps(told, separators=(",", ":"))
    return [
        ("SET", beat.key, text, "EX", LIFE_SECONDS),
        ("SADD", INDEX, f"{beat.role}:{beat.instance}"),
    ]


def _values(beat: Heartbeat) -> list[tuple[str, object]]:
    return [(entry.name, getattr(beat, entry.name)) for entry in fields(beat)]


def publish(client: redis.Redis, beat: Heartbeat) -> None:
    """Say that a process lives; raises redis.RedisError."""
    with client.pipeline(transaction=False) as pipe:
        for command in commands(beat):
            pipe.execute_command(*command)  # type: ignore[no-untyped-call]
        pipe.execute()


async def publish_async(client: redis.asyncio.Redis, beat: Heartbeat) -> None:
    """Say that a process lives; raises redis.RedisError."""
    async with client.pipeline(transaction=False) as pipe:
        for command in commands(beat):
            pipe.execute_command(*command)
        await pipe.execute()


def read_all(client: redis.Redis) -> list[Heartbeat]:
    """Every process that lives, ordered by role and instance; raises redis.RedisError."""
    members = sorted(cast("set[bytes]", client.smembers(INDEX)))
    if not members:
        return []
    with client.pipeline(transaction=False) as pipe:
        for member in members:
            pipe.get(f"{INDEX}:{member.decode()}")
        values = cast("list[bytes | None]", pipe.execute())
    dead = [member for member, value in zip(members, values, strict=True) if value is None]
    if dead:
        client.srem(INDEX, *dead)
    return parse(values)


async def read_all_async(client: redis.asyncio.Redis) -> list[Heartbeat]:
    """The same as `read_all`, for an asyncio client."""
    members = sorted(cast("set[bytes]", await cast("Any", client.smembers(INDEX))))
    if not members:
        return []
    async with client.pipeline(transaction=False) as pipe:
        for member in members:
            pipe.get(f"{INDEX}:{member.decode()}")
        values = cast("list[bytes | None]", await pipe.execute())
    dead = [member for member, value in zip(members, values, strict=True) if value is None]
    if dead:
        await cast("Any", client.srem(INDEX, *dead))
    return parse(values)


def parse(values: Sequence[bytes | None]) -> list[Heartbeat]:
    """Heartbeats of their stored texts; what is gone or not readable is left out."""
    beats = []
    for value in values:
        if value is None:
            continue
        try:
            beats.append(Heartbeat(**json.loads(value)))
        except (ValueError, TypeError):
            continue  # another version's heartbeat: it is not ours to judge
    return beats
