"""What the gateway's benchmark reads of the processes that it measures."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.gateway.processes import resident_mib

if sys.platform != "linux":
    pytest.skip("processes are read from /proc", allow_module_level=True)


def test_a_child_that_has_ended_and_was_not_waited_for_holds_nothing() -> None:
    alone = resident_mib(os.getpid())
    assert alone > 1.0
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        stat = Path(f"/proc/{child.pid}/stat")
        while stat.read_text().rsplit(")", 1)[1].split()[0] != "Z":
            time.sleep(0.01)
        assert resident_mib(child.pid) == 0.0
        assert resident_mib(os.getpid()) > 1.0
