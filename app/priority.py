"""Lets a process come after those that serve customers, wherever they share a processor."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")  # where the kernel shares processors out by sessions first, if it does


def step_back(nice: int, autogroup: Path = AUTOGROUP) -> None:
    """Lower this process's priority by `nice` steps; where that is not allowed it stays as it is.

    Call it before other threads are started. Niceness counts among the processes of one session only where the
    kernel groups them by session; a process that leads its session lowers the whole group by the same.
    """
    if not nice:
        return
    with contextlib.suppress(OSError):
        lowered = os.nice(nice)
        if os.getsid(0) == os.getpid():
            autogroup.write_text(str(lowered))
