"""`stillwatch lists`: an index of public lists and canaries, for the extractor to look payloads up in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.errors import InvalidInput
from app.store.lists import build_index
from detectors.event import Listed


def build(train: Sequence[Path], test: Sequence[Path], canary: Sequence[Path], out: Path) -> int:
    """Write the index of the files' items to `out`; raises InvalidInput where a file cannot be read or written."""
    index = build_index({Listed.TRAIN: train, Listed.TEST: test, Listed.CANARY: canary})
    if not len(index):
        raise InvalidInput("lists", "no item of five words or more was found")
    try:
        index.save(out)
    except OSError as error:
        raise InvalidInput("--out", f"{out}: {error.strerror or error}") from None
    held = {name: int((index.bits & which != 0).sum()) for name, which in Listed.__members__.items()}
    counts = ", ".join(f"{count} {name.lower()}" for name, count in held.items())
    print(f"{out}: {len(index)} items ({counts})")  # noqa: T201
    return 0
