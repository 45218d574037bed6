"""What a process holds: memory, descriptors, and sockets whose peer has left."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CLOSE_WAIT = "08"
WARM_UP = 1 / 3  # of the samples: pools, caches and the allocator fill up first


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one process: after how many requests, memory in bytes, open descriptors, CLOSE_WAIT sockets."""

    requests: int
    memory: int
    files: int
    close_wait: int


def look(pid: int, requests: int) -> Sample:
    """What a process holds now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    files = list(Path(f"/proc/{pid}/fd").iterdir())
    inodes = set()
    for file in files:
        try:
            target = str(file.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    return Sample(requests, pages * os.sysconf("SC_PAGE_SIZE"), len(files), _close_wait(pid, inodes))


def _close_wait(pid: int, inodes: set[str]) -> int:
    found = 0
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text("ascii").splitlines()[1:]:
            columns = line.split()
            found += columns[3] == CLOSE_WAIT and columns[9] in inodes
    return found


def judged(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples after the warm-up."""
    return samples[round(len(samples) * WARM_UP) :]


def slope(samples: Sequence[Sample]) -> float:
    """Bytes of memory a request, by least squares over the samples after the warm-up."""
    kept = judged(samples)
    if len(kept) < 2:
        return 0.0
    mean_x = sum(one.requests for one in kept) / len(kept)
    mean_y = sum(one.memory for one in kept) / len(kept)
    spread = sum((one.requests - mean_x) ** 2 for one in kept)
    return sum((one.requests - mean_x) * (one.memory - mean_y) for one in kept) / spread if spread else 0.0
