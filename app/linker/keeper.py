"""The lease of the one linker and its heartbeat, kept by a thread: a pass over many clients takes its time."""

from __future__ import annotations

import contextlib
import logging
import secrets
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
    """Holds the lease while the thread runs.

    Each time that this process is the linker has a name of its own, a tenure: another one whenever somebody else may
    have been the linker in between. `tenure` goes by this process's own clock and costs nothing; `confirms` asks
    Redis, which alone knows of a process that stood still together with its clock.
    """

    def __init__(self, url: str, owner: str, beat: Callable[[float], Heartbeat], lease: float = LEASE_SECONDS) -> None:
        self._link = Link(url, REDIS_SECONDS)
        self._asking = Link(url, REDIS_SECONDS)  # of the thread that works
        self._status = connect(url, REDIS_SECONDS)
        self._owner = owner
        self._beat = beat
        self._lease = lease
        self._standing = ("", 0.0)  # the tenure, and until when it lasts
        self._fresh = self._name()  # of the next tenure
        self._over = ""  # a tenure that Redis said is over
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self.stands_by = False  # another process is known to hold the lease

    def tenure(self) -> str:
        """The time for which this process is the linker now; empty where it is not."""
        name, until = self._standing
        return name if name != self._over and time.monotonic() < until else ""

    def confirms(self, tenure: str) -> bool:
        """Whether a tenure lasts, by Redis; by our clock where Redis is silent. For one thread, not the keeper's."""
        try:
            return bool(self._asking.call(*linking.holder_command()) == tenure.encode())
        except Unavailable:
            return self.tenure() == tenure

    def leave(self, tenure: str) -> None:
        """Redis said that a tenure is over, though by our clock it lasts: it is not gone on with."""
        self._over = tenure

    def start(self) -> None:
        """Begin to keep lease and heartbeat."""
        self._thread.start()

    def stop(self) -> None:
        """Give the lease back and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(3 * REDIS_SECONDS)
        try:
            # It may be ours by a name of which the answer never reached us.
            self._link.pipeline([linking.release_command(name) for name in (self._standing[0], self._fresh)])
        except Unavailable:
            logger.warning("the lease was not given back: it expires by itself")
        self._link.close()
        self._asking.close()
        self._status.close()

    def renew(self) -> None:
        """Keep the lease, or take it where it is free. Redis that does not answer changes nothing until it runs out."""
        name, asked = self._standing[0], time.monotonic()
        kept = "" if name == self._over else name
        try:
            reply = self._link.call(*linking.renew_command(kept, self._fresh, round(self._lease * 1000)))
        except Unavailable:
            return
        self.stands_by = reply is None
        if reply is None:
            self._standing = (name, 0.0)
            return
        ours = reply.decode()
        self._standing = (ours, asked + 0.9 * self._lease)
        if ours == self._fresh:
            self._fresh = self._name()

    def _name(self) -> str:
        return f"{self._owner}-{secrets.token_hex(4)}"

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.renew()
            with contextlib.suppress(redis.RedisError):  # whoever looks sees no linker, which is the truth of it
                heartbeat.publish(self._status, self._beat(time.time()))
            self._stopping.wait(min(BEAT_SECONDS, self._lease / 4))
