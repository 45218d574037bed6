"""Folders that hold what is nobody else's business."""

from __future__ import annotations

from pathlib import Path


def make_private(folder: Path) -> None:
    """Make a folder for its owner alone where it is missing, with those above it; raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
