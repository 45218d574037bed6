"""Frames in the client's own language: who works in Chinese often writes the template in Chinese, for any purpose."""

from __future__ import annotations

import json
from pathlib import Path

_TABLE: dict[str, dict[str, str]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))


def put(frame: str, language: str) -> str:
    """The frame in a language, where it is known there."""
    return _TABLE.get(frame, {}).get(language, frame)


def known() -> dict[str, dict[str, str]]:
    """Every frame that has translations, by its English text."""
    return _TABLE
