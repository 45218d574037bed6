"""`python -m app.run.warm`: set-up compiles every loop once, so that no process has to later."""

from __future__ import annotations

import sys
import time

import numpy as np

from app.store import blocks, packed
from app.worker.sift import sift
from detectors.batch import reach
from detectors.compiled import LOOPS, tidy
from detectors.event import zeros
from detectors.registry import load
from detectors.warm import warm


def main() -> int:
    """Compile what is not yet compiled, remove what earlier versions left; returns the exit code."""
    begun = time.monotonic()
    warm()
    _rows()
    tidy()
    spent = time.monotonic() - begun
    sys.stdout.write(f"{len(LOOPS)} loops over events and text are compiled ({spent:.0f} s).\n")
    return 0


def _rows() -> None:
    """A row to Redis and back, and what else the worker does with a batch beside the engine."""
    packed.warm(load().empty(np.ones(1, np.uint64)))
    blocks.warm()
    sift(zeros(1))
    reach(np.arange(3, dtype=np.uint64), 1)


if __name__ == "__main__":
    sys.exit(main())
