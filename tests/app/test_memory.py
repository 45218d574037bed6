"""Freed memory stays with the process, so that the next batch finds its pages there, and the heap lies on few pages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.memory import _heap, gather

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


def test_what_is_gathered_is_the_writable_memory_that_no_file_backs(tmp_path):
    maps = tmp_path / "maps"
    maps.write_text(
        "00200000-00800000 rw-p 00000000 00:00 0                          [heap]\n"
        "01100000-01500000 rw-p 00000000 00:00 0 \n"  # one whole huge page in it
        "02000000-02400000 r-xp 00000000 00:00 0 \n"
        "03000000-03400000 rw-p 00000000 08:01 77                         /lib/x.so\n"
        "04000000-04400000 rw-s 00000000 00:00 0 \n"
        "05000000-05100000 rw-p 00000000 00:00 0 \n"  # too small
        "06000000-06400000 rw-p 00000000 00:00 0                          [stack]\n"
    )
    assert list(_heap(maps)) == [(0x200000, 0x600000), (0x1200000, 0x200000)]
    assert list(_heap(tmp_path / "none")) == []


def test_gathering_leaves_every_byte_in_place():
    kept = [bytes([number % 251]) * 5000 for number in range(2000)]
    gathered = gather()
    assert gathered % (2 << 20) == 0
    assert all(one == bytes([number % 251]) * 5000 for number, one in enumerate(kept))
