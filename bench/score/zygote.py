"""Forks workers on demand from one warm process: each line on standard input starts one and prints its id.

A worker is killed hundreds of times in a crash test; loading the same modules each time would prove nothing.
"""

from __future__ import annotations

import os
import signal
import sys

from app.settings import Settings, read_settings
from app.telemetry import configure_logging
from app.worker.run import serve, warm
from detectors.engine import Engine
from detectors.registry import load


def main(lease_seconds: float) -> int:
    """Serve requests until standard input ends, then kill what still runs."""
    settings, engine = read_settings(os.environ), load()
    warm(engine)  # the compiled loops too
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    children: list[int] = []
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_child(settings, engine, lease_seconds))
        children.append(pid)
        print(pid, flush=True)
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return 0


def _child(settings: Settings, engine: Engine, lease_seconds: float) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.stdin.close()
    os.close(1)
    os.open(os.devnull, os.O_WRONLY)
    configure_logging(settings, "worker")
    return serve(settings, engine, lease_seconds)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
