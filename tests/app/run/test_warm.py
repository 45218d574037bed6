"""Set-up compiles all loops that production calls, for its types, and no others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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


def run(folder: Path) -> tuple[list[dict[str, int]], list[str]]:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", PRINT], cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=170
    )
    *_, loops, folders = done.stdout.splitlines()
    return json.loads(loops), json.loads(folders)


def test_a_second_process_compiles_nothing_and_old_code_goes(tmp_path) -> None:
    first, _ = run(tmp_path)
    assert any(one["misses"] for one in first)
    old = tmp_path / "loops" / "0123456789abcdef"
    old.mkdir()
    (old / "x.nbc").write_bytes(b"")
    second, folders = run(tmp_path)
    assert {one["name"]: one["misses"] for one in second if one["misses"]} == {}
    assert any(one["hits"] for one in second)
    assert old.name not in folders
    assert folders
