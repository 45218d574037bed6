"""The scoring benchmark runs from end to end, shrunk, and writes its page."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.crash import ROOT


@pytest.mark.slow
def test_it_measures_both_designs_and_writes_the_page(tmp_path):
    page = tmp_path / "scoring.md"
    command = [sys.executable, "-m", "bench.score", "--clients", "200", "400", "--events", "3000"]
    command += ["--naive-events", "1500", "--rounds", "1", "--out", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    text = page.read_text("utf-8")
    assert done.stdout.strip() in text
    cells = {
        line.split("|")[1].strip(" *-"): line.split("|")[2:4] for line in text.splitlines() if line.startswith("|")
    }
    for name in ("worker, us CPU an event", "naive worker, us CPU an event", "bytes in Redis a client"):
        assert all(float(cell.replace(",", "")) > 0 for cell in cells[name])
    assert "|  | 200 clients | 400 clients |" in text
