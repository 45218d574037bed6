"""Events on their way to the linker: one bounded stream beside the scoring, and the lease of the one linker.

What is in the stream was scored and committed already; what finds no room is left out and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.store.redis import Argument
from app.store.stream import START
from detectors.event import EVENT, SCHEMA

EVENTS, ADDED, TAKEN = "{linking}:events", "{linking}:added", "{linking}:taken"
LEASE = "{linking}:lease"
WANTED, KNOWN, IMPORTED = "{linking}:wanted", "{linking}:known", "{linking}:imported"  # of shared indicators
MOST_EVENTS = 200_000  # that may wait: about 80 MB
BLOCK_EVENTS = 2_048  # of one stream entry
_SCHEMA = str(SCHEMA).encode()

_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

Command = tuple[Argument, ...]


def publish_commands(events: NDArray[np.void]) -> list[Command]:
    """The commands that append events; their last two replies are how many were ever added, and ever taken."""
    commands: list[Command] = []
    plain = np.ascontiguousarray(events)
    for start in range(0, len(events), BLOCK_EVENTS):
        part = memoryview(plain[start : start + BLOCK_EVENTS].view(np.uint8).data)
        commands.append(("XADD", EVENTS, "*", "b", part, "s", _SCHEMA))
    return [*commands, ("INCRBY", ADDED, len(events)), ("GET", TAKEN)]


def waiting_commands() -> list[Command]:
    """The commands whose replies `waiting` reads."""
    return [("GET", ADDED), ("GET", TAKEN)]


def waiting(added: Any, taken: Any) -> int:
    """How many events wait, from the last two replies."""
    return max(0, int(added or 0) - int(taken or 0))


def read_command(offset: bytes, count: int) -> Command:
    """The command that reads up to `count` entries after `offset`."""
    return ("XREAD", "COUNT", count, "STREAMS", EVENTS, offset)


@dataclass(frozen=True, slots=True)
class Read:
    """A run of entries: the last one's id, and their events; entries of another schema count in `total` alone."""

    last: bytes
    events: NDArray[np.void]
    entries: int


def parse(reply: object, offset: bytes = START) -> Read:
    """The events of an XREAD reply; none where nothing waits."""
    entries: Sequence[tuple[bytes, list[bytes]]] = reply[0][1] if reply else ()  # type: ignore[index]
    blocks = []
    for _, fields in entries:
        named = dict(zip(fields[::2], fields[1::2], strict=True))
        block = named.get(b"b", b"")
        if named.get(b"s") == _SCHEMA and len(block) % EVENT.itemsize == 0:
            blocks.append(block)
    last = entries[-1][0] if entries else offset
    return Read(last, np.frombuffer(b"".join(blocks), EVENT), len(entries))


def done_commands(last: bytes, count: int) -> list[Command]:
    """The commands that forget entries up to `last`, which held `count` events."""
    milliseconds, _, sequence = last.partition(b"-")
    after = b"%b-%d" % (milliseconds, int(sequence) + 1)
    return [("XTRIM", EVENTS, "MINID", after), ("INCRBY", TAKEN, count)]


def wanted_text(tokens: Sequence[int]) -> bytes:
    """The value of the key that says whose shared hashes are wanted."""
    return " ".join(f"{token:016x}" for token in tokens).encode()


def wanted_of(text: bytes | None) -> list[int]:
    """The tokens of that value; what is no token is passed over."""
    return [int(word, 16) for word in (text or b"").split() if len(word) == 16 and not word.strip(b"0123456789abcdef")]


def known_command(token: int, shared: str) -> Command:
    """The command that adds a token's shared hash."""
    return ("HSET", KNOWN, f"{token:016x}", shared)


def renew_command(owner: str, milliseconds: int) -> Command:
    """Take the lease where it is free, or keep it; the reply is 1 where it is ours."""
    return ("EVAL", _RENEW, 1, LEASE, owner, milliseconds)


def release_command(owner: str) -> Command:
    """Give the lease back, if it is ours."""
    return ("EVAL", _RELEASE, 1, LEASE, owner)
