"""What else is told of every exchange, off the customers' path: the access log, and spans where they are asked for."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence

from app.store.handoff import OUTCOMES, Copy
from detectors.exchange import Exchange

Watcher = Callable[[Copy, Exchange], None]

logger = logging.getLogger("stillwatch.access")


def access_line(copy: Copy, exchange: Exchange) -> None:
    """One line a request: never its query, its text or its credential."""
    logger.info(
        "request",
        extra={
            "at": f"{copy.at:.3f}",
            "client": f"cl_{copy.client:016x}",
            "peer": copy.peer,
            "method": copy.method,
            "path": copy.target.partition(b"?")[0].decode("latin-1"),
            "status": copy.status,
            "outcome": OUTCOMES[copy.outcome],
            "model": exchange.model,
            "seconds": f"{copy.duration:.3f}",
            "first_byte_seconds": f"{copy.ttfb:.3f}",
            "bytes_in": copy.request_bytes,
            "bytes_out": copy.response_bytes,
            "tokens_in": exchange.input_tokens,
            "tokens_out": exchange.output_tokens,
        },
    )


def tell(
    watchers: Sequence[Watcher], copies: Sequence[Copy], exchanges: Sequence[Exchange], counts: Counter[str]
) -> None:
    """Tell every watcher of every exchange; what one fails on is counted, and costs nobody else anything."""
    for watcher in watchers:
        for copy, exchange in zip(copies, exchanges, strict=True):
            try:
                watcher(copy, exchange)
            except Exception as error:  # noqa: BLE001  the loop's edge: a watcher must not cost an event
                counts["watchers_failed"] += 1
                logger.debug("a watcher failed", extra={"kind": type(error).__name__})
