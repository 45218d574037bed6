"""The lease of the one linker and its heartbeat, kept by a thread: a pass over many clients takes its time."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable

import redis

from app.errors import Unavailable
from app.store import heartbeat, linking
from app.store.heartbeat import Heartbeat
from app.store.redis import Link, connect

LEASE_SECONDS = 10.0
BEAT_SECONDS = 2.0
REDIS_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Keeper:
    """Holds the lease while the thread runs; `holds` says whether it is ours, by this process's own clock."""

    def __init__(self, url: str, owner: str, beat: Callable[[float], Heartbeat], lease: float = LEASE_SECONDS) -> None:
        self._link = Link(url, REDIS_SECONDS)
        self._status = connect(url, REDIS_SECONDS)
        self._owner = owner
        self._beat = beat
        self._lease = lease
        self._until = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def holds(self) -> bool:
        """Whether this process is the linker now."""
        return time.monotonic() < self._until

    def start(self) -> None:
        """Begin to keep lease and heartbeat."""
        self._thread.start()

    def stop(self) -> None:
        """Give the lease back and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(3 * REDIS_SECONDS)
        try:
            self._link.call(*linking.release_command(self._owner))
        except Unavailable:
            logger.warning("the lease was not given back: it expires by itself")
        self._link.close()
        self._status.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._renew()
            with contextlib.suppress(redis.RedisError):  # whoever looks sees no linker, which is the truth of it
                heartbeat.publish(self._status, self._beat(time.time()))
            self._stopping.wait(min(BEAT_SECONDS, self._lease / 4))

    def _renew(self) -> None:
        asked = time.monotonic()
        try:
            ours = bool(self._link.call(*linking.renew_command(self._owner, round(self._lease * 1000))))
        except Unavailable:
            return  # the lease goes on until it runs out
        self._until = asked + 0.9 * self._lease if ours else 0.0
