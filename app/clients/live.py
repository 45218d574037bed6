"""A client as it stands now: its row in Redis, read and explained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from redis.asyncio import Redis

from app.models.client import client_number
from app.store import packed
from app.store.stream import partition_of, row_key
from detectors import mixed
from detectors.activity import Activity
from detectors.base import Explanation
from detectors.engine import Engine


@dataclass(frozen=True, slots=True)
class LiveClient:
    """What the engine says of a client's row: why it scores as it does, and when it asked."""

    explanation: Explanation
    activity: Activity


async def live(redis: Redis, engine: Engine, client_id: str, now: float, *, partitions: int) -> LiveClient | None:
    """The client's row explained; None where it expired or is of another version. Raises redis.RedisError."""
    client = client_number(client_id)
    partition = int(partition_of(np.array([client], np.uint64), partitions)[0])
    row = await _read(redis, engine, partition, client)
    if row is None:
        return None
    chief = mixed.chief(row)
    part = await _read(redis, engine, partition, chief) if chief else None
    return LiveClient(mixed.explain(engine, row, part, now), engine.activity(row))


async def _read(redis: Redis, engine: Engine, partition: int, number: int) -> np.void | None:
    """A row as it is stored, of a client or of a part; None where there is none of this version."""
    stored = await redis.get(row_key(partition, number))
    rows = packed.unpack([stored] if isinstance(stored, bytes) else [], engine.row)
    if not len(rows) or int(rows[0]["schema"]) != engine.schema or int(rows[0]["client"]) != number:
        return None
    row: np.void = rows[0]
    return row
