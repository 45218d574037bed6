"""Composed accounts on disk, keyed by everything that decides them, so that an evaluation does not compose again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from bench.detection.compose import Account
from detectors.event import EVENT

ROOT = Path(__file__).parents[2]
OUT = ROOT / "bench" / "out" / "detection"
MODULES = (
    "answers", "arrivals", "compose", "dataset", "frames", "grammar", "harvests", "jobs", "lexicon", "lists", "local",
    "loops", "paraphrase", "personas", "pipelines", "profile", "sources", "talk",
)  # fmt: skip
MORE = ("campaigns", "evasions", "fast", "framed", "further", "further_desks", "further_jobs", "further_twins",
        "lookalikes", "ranking", "refusals", "wordings", "wordings_harvests", "wordings_jobs")  # fmt: skip
PARTS = ("events", "mask", "index.jsonl")
_IMPORT = re.compile(r"^from detectors(?:\.(\w+))? import (\([^)]*\)|.+)$", re.MULTILINE)


def _features() -> set[Path]:
    """The feature code and all it imports from its package."""
    seen: set[Path] = set()
    queue = ["features"]
    while queue:
        path = ROOT / "detectors" / f"{queue.pop()}.py"
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        for module, names in _IMPORT.findall(path.read_text("utf-8")):
            queue += [module] if module else re.findall(r"\w+", names)
    return seen


def digest(data: Path | None, *what: object, more: tuple[str, ...] = ()) -> str:
    """A short name for what the code (with `more` of MORE), the data and the arguments would make."""
    out = hashlib.sha256(repr((np.__version__, what, [_CODE[name] for name in more])).encode() + _BASE)
    if data is not None:
        for path in sorted(data.glob("*/*.gz")):
            out.update(f"{path.relative_to(data)} {path.stat().st_size}".encode())
    return out.hexdigest()[:16]


def _code(paths: Iterable[Path]) -> bytes:
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).digest()


# As it is when this module is loaded: what changes on disk while a process runs must not name what it makes.
_HERE = Path(__file__).parent
_BASE = _code({*_features(), _HERE / "local.json", *(_HERE / f"{name}.py" for name in MODULES)})
_CODE = {name: _code([_HERE / f"{name}.py"]) for name in MORE}


def cached(name: str, key: str, make: Iterable[Account], folder: Path = OUT) -> Iterator[Account]:
    """The accounts of `make`, from disk where they are; else as they are made, and kept once all are."""
    home = folder / f"{name}-{key}"
    if (home / "index.jsonl").is_file():
        yield from _read(home)
        return
    part = folder / f".{name}-{key}-{os.getpid()}"
    part.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            events, mask, index = (stack.enter_context((part / name).open("wb")) for name in PARTS)
            for account in make:
                events.write(account.events.tobytes())
                mask.write(mask_of(account).tobytes())
                index.write(json.dumps(_about(account), ensure_ascii=False).encode() + b"\n")
                yield account
        for old in folder.glob(f"{name}-{'[0-9a-f]' * len(key)}"):  # made by other code
            shutil.rmtree(old, ignore_errors=True)
        part.replace(home)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def mask_of(account: Account) -> Any:
    """Which events were harvest, as booleans."""
    if account.harvested is not None:
        return account.harvested
    return np.full(len(account.events), bool(account.family))


def _about(account: Account) -> dict[str, Any]:
    plain = {one.name: getattr(account, one.name) for one in fields(account)}
    events = plain.pop("events")
    plain.pop("harvested")
    return plain | {"count": len(events)}


def _read(home: Path) -> Iterator[Account]:
    with ExitStack() as stack:
        events, mask, index = (stack.enter_context((home / name).open("rb")) for name in PARTS)
        for line in index:
            about = json.loads(line)
            count = about.pop("count")
            made = np.frombuffer(events.read(count * EVENT.itemsize), EVENT).copy()
            harvested = np.frombuffer(mask.read(count), bool).copy()
            yield Account(**about, events=made, harvested=harvested)
