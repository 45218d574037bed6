"""The soak runs from end to end, shrunk: every request is served or left, and every one is an event."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.crash import ROOT
from bench.soak.hold import Sample, slope


@pytest.mark.slow
def test_three_thousand_requests_a_fifth_of_them_left(tmp_path):
    page = tmp_path / "soak.md"
    command = [sys.executable, "-m", "bench.soak", "--requests", "3000", "--aborts", "0.2", "--out", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    rows = [line.split("|")[1:4] for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    found = {what.strip(): (value.strip(), verdict.strip()) for what, value, verdict in rows}
    assert found["requests that failed"] == ("0", "ok"), done.stderr
    assert found["requests in flight afterwards"] == ("0", "ok")
    assert found["requests sent, ended by the gateway"] == ("3,000 / 3,000", "ok")
    dropped = int(found["copies and events dropped"][0].replace(",", ""))
    emitted, scored = (int(part.replace(",", "")) for part in found["events emitted, scored"][0].split(" / "))
    assert (
        emitted + dropped == 3000
    )  # a busy machine may overstrain the hot side's patience with Redis: then it is counted
    assert scored == emitted
    # Memory is judged by the long run: three thousand requests are not enough to tell a slope from a warm-up.
    for what, (value, verdict) in found.items():
        if "CLOSE_WAIT" in what or "descriptors" in what:
            assert verdict == "ok", (what, value)
    assert "600 requests were left" in page.read_text("utf-8")


def test_the_slope_is_that_of_the_later_part():
    warming = [Sample(n, 10**7 + 10**6 * min(n, 20), 9, 0) for n in range(60)]
    assert slope(warming) == 0
    leaking = [Sample(n, 10**7 + 100 * n, 9, 0) for n in range(60)]
    assert round(slope(leaking)) == 100
    late = [Sample(n, 10**7 + 10**6 * min(n, 30), 9, 0) for n in range(60)]
    assert slope(late) > 10**5  # a third of the way is warm-up, and no more than that
    assert slope([]) == 0
