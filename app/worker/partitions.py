"""Which partitions this process owns: lease, fencing token, fair share and hand-over.

Leases live on Redis's clock (PX), local intervals on the monotonic one: a stepped wall clock changes
nothing. A lease only spares work; what keeps two owners apart is the fencing token that each commit checks.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from app.store.redis import Link
from app.store.rows import Claim
from app.store.stream import keys

LEASE_SECONDS = 4.0
MEMBERS = "workers"  # the set of workers; each has a key that expires when it stops renewing

_CLAIM = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[3] then return false end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {redis.call('INCR', KEYS[2]), tonumber(redis.call('GET', KEYS[3]) or '0')}
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """A worker process: a name of its own, and the place (kernel boot and process namespace) where its pid counts."""

    name: str
    place: str
    pid: int

    @property
    def text(self) -> bytes:
        """What stands in the lease."""
        return f"{self.name} {self.place} {self.pid}".encode()

    def outlived(self, owner: bytes) -> bool:
        """Whether a lease's owner was a process of this place that no longer runs.

        A wrong answer would be harmless, for the fencing token decides; a right one saves the wait for the expiry.
        """
        _, _, rest = owner.decode(errors="replace").partition(" ")
        place, _, pid = rest.partition(" ")
        if not self.place or place != self.place or not pid.isdigit():
            return False
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            return False
        return False


def identify() -> Identity:
    """This process."""
    return Identity(f"w-{os.getpid()}-{secrets.token_hex(4)}", _place(), os.getpid())


def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = Path("/proc/self/ns/pid").readlink().name
    except OSError:
        return ""  # no Linux: a dead owner's lease simply expires
    return f"{boot}/{namespace}"


class Leases:
    """Claims a fair share of the partitions and keeps it; call `tick` at least every `interval` seconds."""

    def __init__(self, link: Link, identity: Identity, partitions: int, lease_seconds: float = LEASE_SECONDS) -> None:
        self.owned: dict[int, Claim] = {}
        self.workers = 1
        self.interval = lease_seconds / 4
        self._link = link
        self._identity = identity
        self._partitions = partitions
        self._milliseconds = max(1, round(lease_seconds * 1000))
        self._held: set[int] = set()  # ever owned by this process: what it left behind is no crash

    def tick(self) -> None:
        """Renew what is owned, then give up or claim until the share is fair; raises Unavailable."""
        self._renew()
        share = -(-self._partitions // self.workers)
        surplus = sorted(self.owned)[share:]
        self._release(surplus)
        if len(self.owned) < share:
            self._claim(share - len(self.owned))

    def drop(self, partition: int) -> None:
        """Forget a partition that somebody else owns now."""
        self.owned.pop(partition, None)

    def stop(self) -> None:
        """Release everything, so that the others need not wait; raises Unavailable."""
        self._release(sorted(self.owned))
        self._link.pipeline([("DEL", self._member_key(self._identity.name)), ("SREM", MEMBERS, self._identity.name)])

    def _renew(self) -> None:
        name, mine = self._identity.name, sorted(self.owned)
        replies = self._link.pipeline(
            [
                ("SET", self._member_key(name), self._identity.text, "PX", self._milliseconds),
                ("SADD", MEMBERS, name),
                ("SMEMBERS", MEMBERS),
                *(("EVAL", _RENEW, 1, keys(p).lease, self._identity.text, self._milliseconds) for p in mine),
            ]
        )
        for partition, renewed in zip(mine, replies[3:], strict=True):
            if not renewed:
                self.drop(partition)
        members = sorted(member.decode() for member in replies[2])
        told = self._link.pipeline([("GET", self._member_key(member)) for member in members])
        dead = [m for m, text in zip(members, told, strict=True) if text is None or self._identity.outlived(text)]
        if dead:
            self._link.call("SREM", MEMBERS, *dead)
        self.workers = max(1, len(members) - len(dead))

    def _release(self, partitions: list[int]) -> None:
        mine = self._identity.text
        self._link.pipeline([("EVAL", _RELEASE, 1, keys(p).lease, mine) for p in partitions])
        for partition in partitions:
            self.drop(partition)

    def _claim(self, wanted: int) -> None:
        # Each worker begins elsewhere, so that two which start together seldom reach for the same one.
        first = hash(self._identity.name) % self._partitions
        order = [(first + step) % self._partitions for step in range(self._partitions)]
        others = [partition for partition in order if partition not in self.owned]
        owners = self._link.pipeline([("GET", keys(p).lease) for p in others])
        free = [
            (partition, owner or b"")
            for partition, owner in zip(others, owners, strict=True)
            if owner is None or owner == self._identity.text or self._identity.outlived(owner)
        ]
        for partition, owner in free:
            if wanted <= 0:
                return
            wanted -= self._take(partition, owner)

    def _take(self, partition: int, owner: bytes) -> bool:
        """Claim a partition that nobody owns, or still `owner`, with the next fencing token."""
        names = keys(partition)
        if partition in self._held:
            self._link.call("DEL", names.attempts)
        script = ("EVAL", _CLAIM, 3, names.lease, names.fence, names.attempts)
        taken = self._link.call(*script, self._identity.text, self._milliseconds, owner)
        if taken is None:
            return False
        token, attempts = taken
        self.owned[partition] = Claim(partition, int(token), attempts=int(attempts))
        self._held.add(partition)
        return True

    @staticmethod
    def _member_key(name: str) -> str:
        return f"worker:{name}"
