"""The benchmark of the hand-off runs, sends what it says, and gives a positive figure."""

from __future__ import annotations

import re
import subprocess
import sys


def test_it_runs():
    command = [sys.executable, "-m", "bench.handoff", "--copies", "500", "--rounds", "2"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    found = re.fullmatch(r"([\d.]+) us a copy \(best ([\d.]+), worst ([\d.]+)\)\n", told)
    assert found
    assert 0 < float(found[2]) <= float(found[1]) <= float(found[3])
