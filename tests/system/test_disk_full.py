"""No room left for database, append-only file and logs: customers notice nothing, and it passes when there is room."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from bench.score.valkey import Valkey
from bench.soak import stage
from bench.soak.stage import Stage, until

DISK = "24m"
DURABLE = ("--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0")


@pytest.fixture
def small_disk(folder):
    """A file system of its own with little room."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs the right to mount a small file system")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], check=False, capture_output=True
    )
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(path):
    """Write until there is no room left."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


def test_no_room_left(loop, model_api, small_disk, make_line):
    server = Valkey(small_disk, DURABLE)
    server.start()
    product = Stage(small_disk, model_api.url, server.url)
    try:
        product.start()
        line = make_line(loop, model_api, product, server, SimpleNamespace())
        until(lambda: line.status().get("mode") == "ok", "the product is up")
        with line.traffic() as customers:
            before = customers.more()
            filler = small_disk / "filler"
            fill(filler)
            until(lambda: customers.more(30) and line.status().get("mode") != "ok", "the status says so", 60)
            during = customers.more()
            reasons = line.status().get("reasons", [])
            filler.unlink()
            line.recovers("disk full")
            until(lambda: line.counts("worker").get("database_away_seconds", 1) == 0, "the worker writes again", 20)
        print(f"disk full: {reasons}; median {before * 1000:.1f} ms before, {during * 1000:.1f} ms during")
        assert during < 4 * before + 0.05
        assert all(process.poll() is None for process in product.processes.values())
    finally:
        product.close()
        server.kill()
        for role in stage.ROLES:
            if product.log(role).exists():
                print(f"--- {role}\n{product.log(role).read_text('utf-8', 'replace')[-2000:]}")
