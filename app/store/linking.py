"""Events on their way to the linker: one bounded stream beside the scoring, and the lease of the one linker.

What is in the stream was scored and committed already; what finds no room is left out and counted. After the blocks
of a batch comes a milestone: how many events were ever added up to there. The last one that was forgotten says how
many were taken, whatever became of the blocks before it, and however often they were read.

Who holds the lease has a name for that time. Whatever only the one linker may do names it, and is refused in Redis
where the name is no longer the lease's: a process that was stopped for a while cannot know it by itself.
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

_COUNT = """
local added = redis.call('INCRBY', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[1], '*', 't', added)
return added
"""
_DONE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2])
if redis.call('XLEN', KEYS[2]) == 0 then
  redis.call('SET', KEYS[4], redis.call('GET', KEYS[3]) or 0)
elseif ARGV[3] ~= '0' then
  redis.call('SET', KEYS[4], ARGV[3])
end
return tonumber(redis.call('GET', KEYS[4]) or 0)
"""
_TELL = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('SET', KEYS[3], ARGV[3])
return 1
"""
_RENEW = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and holder ~= ARGV[2] then return false end
if holder ~= ARGV[1] then holder = ARGV[2] end
redis.call('SET', KEYS[1], holder, 'PX', ARGV[3])
return holder
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
    return [*commands, ("EVAL", _COUNT, 2, EVENTS, ADDED, len(events)), ("GET", TAKEN)]


def waiting_commands() -> list[Command]:
    """The commands whose replies `waiting` reads."""
    return [("GET", ADDED), ("GET", TAKEN)]


def waiting(added: Any, taken: Any) -> int:
    """How many events wait, from the last two replies."""
    return max(0, int(added or 0) - int(taken or 0))


def read_command(offset: bytes, count: int) -> Command:
    """The command that reads up to `count` entries after `offset`."""
    return ("XREAD", "COUNT", count, "STREAMS", EVENTS, offset)


def again_command(offset: bytes, last: bytes, count: int) -> Command:
    """The command that reads up to `count` entries after `offset`, none after `last`; `[(EVENTS, reply)]` is parsed."""
    return ("XRANGE", EVENTS, _after(offset), last, "COUNT", count)


def is_before(place: bytes, other: bytes) -> bool:
    """Whether an entry comes before another one in the stream."""
    return _numbers(place) < _numbers(other)


def _numbers(place: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = place.partition(b"-")
    return int(milliseconds), int(sequence)


def _after(place: bytes) -> bytes:
    """The first id that an entry after this one can have."""
    milliseconds, sequence = _numbers(place)
    return b"%d-%d" % (milliseconds, sequence + 1)


@dataclass(frozen=True, slots=True)
class Read:
    """A run of entries: the last one's id, the events of those that are blocks of this version, how many were none.

    `added` is how many events were ever added up to the last milestone among them; 0 where there is none.
    """

    last: bytes
    events: NDArray[np.void]
    entries: int
    unreadable: int = 0
    added: int = 0


def parse(reply: object, offset: bytes = START) -> Read:
    """The events of an XREAD reply; none where nothing waits."""
    entries: Sequence[tuple[bytes, list[bytes]]] = reply[0][1] if reply else ()  # type: ignore[index]
    blocks = []
    unreadable = added = 0
    for _, fields in entries:
        named = dict(zip(fields[::2], fields[1::2], strict=True))
        block, milestone = named.get(b"b", b""), named.get(b"t", b"")
        if named.get(b"s") == _SCHEMA and len(block) % EVENT.itemsize == 0:
            blocks.append(block)
        elif milestone.isdigit():
            added = int(milestone)
        else:
            unreadable += 1
    last = entries[-1][0] if entries else offset
    return Read(last, np.frombuffer(b"".join(blocks), EVENT), len(entries), unreadable, added)


def done_command(tenure: str, last: bytes, added: int) -> Command:
    """Forget entries up to `last`, before which `added` events were ever added (0: nobody knows).

    The reply is how many events were ever taken, -1 where the lease is no longer ours and nothing was forgotten. A
    stream that is empty then has nothing that waits, whatever was counted before.
    """
    return ("EVAL", _DONE, 4, LEASE, EVENTS, ADDED, TAKEN, tenure, _after(last), added)


def tell_command(tenure: str, imported: bytes, wanted: bytes) -> Command:
    """Tell extractors of imported indicators and wanted tokens; the reply is -1 where the lease is no longer ours."""
    return ("EVAL", _TELL, 3, LEASE, IMPORTED, WANTED, tenure, imported, wanted)


def wanted_text(tokens: Sequence[int]) -> bytes:
    """The value of the key that says whose shared hashes are wanted."""
    return " ".join(f"{token:016x}" for token in tokens).encode()


def wanted_of(text: bytes | None) -> list[int]:
    """The tokens of that value; what is no token is passed over."""
    return [int(word, 16) for word in (text or b"").split() if len(word) == 16 and not word.strip(b"0123456789abcdef")]


def renew_command(tenure: str, fresh: str, milliseconds: int) -> Command:
    """Keep the lease that is ours as `tenure`, or take it as `fresh` where it is free.

    The reply is the name that it is ours by, or None where it is another's. Who finds it free cannot know whether
    somebody else had it in between: that is why it is not taken by the name that it had.
    """
    return ("EVAL", _RENEW, 1, LEASE, tenure, fresh, milliseconds)


def holder_command() -> Command:
    """The command whose reply is the name that the lease is held by, or None where it is free."""
    return ("GET", LEASE)


def release_command(tenure: str) -> Command:
    """Give the lease back, if it is ours as `tenure`."""
    return ("EVAL", _RELEASE, 1, LEASE, tenure)
