"""`stillwatch fit`: where the running service is, then over to app.ingest.fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.ingest.fit import run_command
from app.run.mode import redis_url
from app.settings import Settings


def main(settings: Settings, logs: list[Path], live: bool, labels: Path | None, out: Path | None, accept: bool) -> int:
    """Fit a reference and write it; the exit code."""
    return run_command(replace(settings, redis_url=redis_url(settings)), logs, live, labels, out, accept)
