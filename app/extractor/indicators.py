"""Shared indicators on the gateway's host: imported sets are looked for here, so that no text has to leave."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, cast

from numpy.typing import NDArray
from redis.exceptions import RedisError

from app.store import linking
from app.store.redis import connect_async
from detectors.exchange import Exchange
from detectors.indicators import Imported, Matcher, Namer

POLL_SECONDS: Final = 5.0
REDIS_SECONDS: Final = 1.0
MOST_HASHES: Final = 100_000  # over all sets

logger = logging.getLogger(__name__)


def parse(text: bytes | None) -> list[Imported]:
    """The imported sets as the linker tells them; none where the text is not readable."""
    try:
        found = [
            Imported(int(one["slot"]), float(one["expires"]), frozenset(map(str, one["hashes"])))
            for one in json.loads(text or b"{}").get("sets", ())
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []
    kept: list[Imported] = []
    for one in found:
        if sum(len(each.hashes) for each in kept) + len(one.hashes) <= MOST_HASHES:
            kept.append(one)
    return kept


class Sharing:
    """Marks events that match imported sets, and names wordings that somebody wants to share.

    Without a sharing key it does nothing. Counters: indicators_matched, indicators_named, indicators_failed.
    """

    def __init__(self, redis_url: str, key: str, counts: Counter[str]) -> None:
        self._url = redis_url
        self._key = key.encode()
        self._counts = counts
        self._matcher = Matcher(self._key)
        self._namer = Namer(self._key)
        self._imported = b""
        self._named: dict[int, str] = {}  # not yet written to Redis

    def mark(self, events: NDArray[Any], exchanges: Sequence[Exchange], now: float) -> None:
        """Fill the events' `indicator`, in place; never raises."""
        if not self._key:
            return
        try:
            self._counts["indicators_matched"] += self._matcher.mark(events, exchanges, now)
            self._named.update(self._namer.name(events, exchanges))
        except Exception as error:  # noqa: BLE001  the loop's edge: a text must not cost the others their events
            self._counts["indicators_failed"] += 1
            logger.error("a batch broke the indicators", extra={"kind": type(error).__name__})

    async def follow(self) -> None:
        """Hear of imported sets and of wanted tokens until cancelled, and tell what became known."""
        if not self._key:
            return
        client = connect_async(self._url, REDIS_SECONDS)
        try:
            while True:
                try:
                    await self._exchange(client)
                except (RedisError, OSError, TimeoutError):
                    self._counts["indicators_waiting"] += 1
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await client.aclose()

    async def _exchange(self, client: Any) -> None:
        named, self._named = self._named, {}
        try:
            if named:
                mapping = {f"{token:016x}": shared for token, shared in named.items()}
                await cast("Any", client.hset(linking.KNOWN, mapping=mapping))
                self._counts["indicators_named"] += len(named)
        except (RedisError, OSError, TimeoutError):
            self._named = {**named, **self._named}
            raise
        imported, wanted = await client.mget(linking.IMPORTED, linking.WANTED)
        if (imported or b"") != self._imported:
            self._imported = imported or b""
            self._matcher = Matcher(self._key, parse(imported))
        self._namer.want(linking.wanted_of(wanted))
