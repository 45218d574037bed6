"""What the supervisor's tests share: a look into the process table, and waiting with a deadline."""

import os
import time
from pathlib import Path

import pytest


def _processes(mark):
    """Process ids whose environment holds `mark`, zombies left out."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and mark.encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
    return found


@pytest.fixture
def processes():
    """A function that lists the living processes whose environment holds a mark."""
    return _processes


@pytest.fixture
def wait_for():
    """A function that polls until something is true."""

    def wait(check, seconds=20.0, what="it"):
        deadline = time.monotonic() + seconds
        while True:
            found = check()
            if found:
                return found
            assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
            time.sleep(0.05)

    return wait
