"""Where the texts are: the folder that a benchmark's `--data` names."""

from __future__ import annotations

from pathlib import Path


def folder(given: Path) -> Path:
    """`given`, or the folder data/ in it."""
    inner = given / "data"
    return inner if inner.is_dir() else given
