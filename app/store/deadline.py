"""A limit on waiting for the database that also holds where the driver's own cancelling waits for a silent server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from app.errors import Unavailable

T = TypeVar("T")
AGAIN_SECONDS = (
    0.1  # a cancelled psycopg asks the server to stop the query; cancelled once more it closes the connection
)
MOST_TIMES = 50


class DeadlineExceeded(Unavailable):
    """It was given up by us because it took too long, whether or not the database answered meanwhile."""


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns; DeadlineExceeded where that takes longer."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,), timeout=seconds)
    finally:
        ended = task.done() or await _end(task)
    if not ended or task.cancelled():
        raise DeadlineExceeded(f"the database does not answer within {seconds:g} s")
    return task.result()


async def _end(task: asyncio.Future[Any]) -> bool:
    """Cancel until it has ended; whether it has."""
    for _ in range(MOST_TIMES):
        task.cancel()
        if (await asyncio.wait((task,), timeout=AGAIN_SECONDS))[0]:
            return True
    return False
