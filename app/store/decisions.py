"""Active decisions: publish them, follow the deltas, and keep a gateway's local table of them."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio

STREAM = "decisions"
FIELD = b"d"
LENGTH = 100_000  # entries kept, about: what a gateway that starts can still read
PAGE = 1000  # entries a read
POLL_SECONDS = 0.25  # between reads that found nothing new
RETRY_SECONDS = (0.1, 2.0)  # first and longest pause while Redis is away

logger = logging.getLogger(__name__)


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
        decision = Decision(
            id=str(entry["id"]),
            client=_client(entry["client"]),
            action=str(entry["action"]),
            simulated=entry["simulated"] is not False,
            starts_at=float(entry["starts_at"]),
            expires_at=float(entry["expires_at"]),
            revoked=bool(entry.get("revoked", False)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a decision: {error!r}") from None
    if math.isnan(decision.starts_at) or math.isnan(decision.expires_at):
        raise ValueError("not a decision: a time is not a number")
    return decision


def command(decision: Mapping[str, Any]) -> tuple[str | bytes | int, ...]:
    """The XADD that publishes a decision, for any transport; raises ValueError unless `parse` can read it.

    Keys: id, client (a number or cl_…), action, simulated, starts_at and expires_at (seconds since the
    epoch), revoked.
    """
    text = json.dumps(dict(decision), separators=(",", ":")).encode()
    parse(text)
    return ("XADD", STREAM, "MAXLEN", "~", LENGTH, "*", FIELD, text)


def publish(client: redis.Redis, decisions: Sequence[Mapping[str, Any]]) -> None:
    """Tell every gateway of `decisions`, in one round trip."""
    pipeline = client.pipeline(transaction=False)
    for decision in decisions:
        pipeline.execute_command(*command(decision))  # type: ignore[no-untyped-call]
    pipeline.execute()


class Table:
    """The decisions a gateway knows, by client; expiry is checked at use, so no timer must come in time."""

    def __init__(self) -> None:
        self._by_client: dict[int, dict[str, Decision]] = {}
        self._clients: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def apply(self, decision: Decision, now: float) -> None:
        """Add, replace or remove one decision; the last word on an id holds."""
        known = self._clients.pop(decision.id, None)
        if known is not None:
            of_client = self._by_client[known]
            del of_client[decision.id]
            if not of_client:
                del self._by_client[known]
        if decision.revoked or decision.expires_at <= now:
            return
        self._by_client.setdefault(decision.client, {})[decision.id] = decision
        self._clients[decision.id] = decision.client

    def active(self, client: int, now: float) -> tuple[Decision, ...]:
        """The decisions that apply to a client at this moment."""
        of_client = self._by_client.get(client)
        if of_client is None:
            return ()
        return tuple(entry for entry in of_client.values() if entry.starts_at <= now < entry.expires_at)

    def sweep(self, now: float) -> None:
        """Forget what has expired, so that the table stays as large as what applies."""
        for of_client in list(self._by_client.values()):
            for entry in [entry for entry in of_client.values() if entry.expires_at <= now]:
                self.apply(entry, now)


class Follower:
    """Keeps a table up to date from the stream; the table stays as it was while Redis is away."""

    def __init__(self, client: redis.asyncio.Redis, table: Table, clock: Callable[[], float]) -> None:
        self._redis = client
        self._table = table
        self._clock = clock
        self._next = b"0-0"
        self.connected = False
        self.failures = 0  # reads that Redis did not answer in time
        self.unreadable = 0  # entries that are no decision

    async def run(self) -> None:
        """Follow for ever; cancel to stop."""
        pause, longest = RETRY_SECONDS
        while True:
            try:
                found = await self.read()
            except (redis.RedisError, OSError, TimeoutError) as error:
                if self.connected or not self.failures:
                    logger.warning("decisions are not followed: %s", type(error).__name__)
                self.connected = False
                self.failures += 1
                self._next = b"0-0"  # the stream may have been lost with the server
                await asyncio.sleep(pause)
                pause = min(pause * 2, longest)
                continue
            self.connected = True
            pause = RETRY_SECONDS[0]
            self._table.sweep(self._clock())
            if found < PAGE:
                await asyncio.sleep(POLL_SECONDS)

    async def read(self) -> int:
        """Apply the next page of entries; returns how many there were."""
        answer: Any = await self._redis.xrange(STREAM, min=b"(" + self._next, count=PAGE)
        for entry_id, fields in answer:
            self._next = entry_id
            try:
                decision = parse(fields[FIELD])
            except (ValueError, KeyError):
                self.unreadable += 1
                continue
            self._table.apply(decision, self._clock())
        return len(answer)

    async def close(self) -> None:
        """Close the connection to Redis."""
        await self._redis.aclose()
