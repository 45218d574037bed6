"""Set-up compiles all loops that production calls, for its types, and no others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from detectors.compiled import home

ROOT = Path(__file__).parents[3]
PRINT = """
import json, sys
from pathlib import Path
from app.run.warm import main
main()
from detectors.compiled import LOOPS, home
print(json.dumps([{"name": f"{one.__module__}.{one.__name__}", "hits": sum(one.stats.cache_hits.values()),
                   "misses": sum(one.stats.cache_misses.values())} for one in LOOPS]))
print(json.dumps(sorted(one.name for one in home().glob("*"))))
"""


def run() -> tuple[list[dict[str, int]], list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PRINT], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    *_, loops, folders = done.stdout.splitlines()
    return json.loads(loops), json.loads(folders)


def test_after_set_up_nothing_is_compiled_and_old_code_goes() -> None:
    run()  # set-up did this; whoever changed a loop since then waits here
    old = home() / "0123456789abcdef"
    old.mkdir()
    (old / "x.nbc").write_bytes(b"")
    loops, folders = run()
    assert {one["name"]: one["misses"] for one in loops if one["misses"]} == {}
    assert any(one["hits"] for one in loops)
    assert old.name not in folders
    assert folders
