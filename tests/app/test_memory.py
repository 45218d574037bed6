"""Freed memory stays with the process, so that the next batch finds its pages there."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource
import numpy as np
from app.memory import keep_freed
if {keep}:
    print(keep_freed())
def batch():
    parts = [np.ones(100_000) for _ in range(8)]
for _ in range(3):
    batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(keep: bool) -> list[str]:
    found = subprocess.run([sys.executable, "-c", FAULTS.format(keep=keep)], capture_output=True, text=True, check=True)
    return found.stdout.split()


def test_the_next_batch_takes_its_pages_from_the_last():
    kept, faults = run(True)
    if kept != "True":
        pytest.skip("another allocator")
    assert int(faults) < 500  # one batch alone has 1,600 pages


def test_what_is_loaded_is_not_collected_again():
    told = "from app.memory import settle; settle\nimport gc\nsettle()\n"
    told += "print(gc.get_freeze_count(), *gc.get_threshold())"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split()
    assert int(found[0]) > 1_000
    assert int(found[1]) > 10_000
