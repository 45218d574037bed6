"""Numbers of recorded programs for the joint score's training: what real clients measure, without a word of theirs.

`python -m bench.detection.recorded LOG...` reads exchange logs named `attack__NAME.jsonl.gz` and
`benign__NAME.jsonl.gz`, each one program's run, and writes `recorded.npz`: the numbers of `detectors.likeness` at
every look of every client, which program it was, and its label. No text, no hash of one and no time is kept.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.dialects.conversations import Conversations
from app.ingest.log import Problems, read_log
from detectors import fitting, likeness, reference, registry
from detectors.base import Detector
from detectors.engine import Engine
from detectors.event import EVENT
from detectors.features import stream

FILE = Path(__file__).parent / "recorded.npz"
HARVEST = "attack"
_SEED = 0


class Recorded(NamedTuple):
    """One row for each look of each recorded client."""

    numbers: NDArray[np.float64]  # (rows, likeness.names)
    program: NDArray[np.str_]
    harvest: NDArray[np.bool_]


def versions(detectors: Sequence[Detector]) -> NDArray[np.str_]:
    """What the numbers depend on: each detector with its version, and the names of what is measured."""
    return np.array([*(f"{one.name} {one.version}" for one in detectors), *likeness.names(detectors)], np.str_)


def read(detectors: Sequence[Detector], path: Path = FILE) -> Recorded | None:
    """The rows that were kept; None where there are none, or where they are another version's numbers."""
    if not path.is_file():
        return None
    with np.load(path) as held:
        if held["versions"].tolist() != versions(detectors).tolist():
            return None
        return Recorded(held["numbers"].astype(np.float64), held["program"], held["harvest"])


def measure(logs: Sequence[Path], detectors: Sequence[Detector]) -> Recorded:
    """The numbers of each log's clients; a log without a label in its name is an error that names it."""
    engine = Engine(detectors, reference.empty())
    numbers, program, harvest = [], [], []
    for log in sorted(logs):
        label, _, name = log.name.removesuffix(".gz").removesuffix(".jsonl").partition("__")
        if label not in (HARVEST, "benign") or not name:
            raise ValueError(f"{log}: the name must begin with attack__ or benign__")
        for look, shot in enumerate(fitting.observe(engine, _events(log)), 1):
            rows = shot.rows.copy()
            rows["look"] = look
            judged = engine.judge.judge(rows, 0.0)
            numbers.append(likeness.numbers(engine.detectors, rows, judged.scores))
            program += [name] * len(rows)
            harvest += [label == HARVEST] * len(rows)
    width = len(likeness.names(engine.detectors))
    found = np.concatenate(numbers) if numbers else np.zeros((0, width))
    return Recorded(found, np.array(program, np.str_), np.array(harvest, np.bool_))


def _events(log: Path) -> NDArray[np.void]:
    """A log's events in order of time, its clients apart from every other log's."""
    entries = sorted(read_log(log, Problems(), lambda _: None), key=lambda entry: entry.exchange.at)
    exchanges = Conversations().mark(entry.exchange for entry in entries)
    found = stream(exchanges, seed=_SEED) if entries else np.zeros(0, EVENT)
    found["client"] ^= np.uint64(zlib.crc32(log.name.encode())) << np.uint64(20)
    return found


def save(rows: Recorded, detectors: Sequence[Detector], path: Path = FILE) -> None:
    """Write the rows in one step."""
    part = path.with_name(f".{path.name}")
    with part.open("wb") as out:
        np.savez_compressed(
            out, numbers=rows.numbers.astype(np.float32), program=rows.program, harvest=rows.harvest,
            versions=versions(detectors),
        )  # fmt: skip
    part.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure logs and keep their numbers; 2 where a log has no label in its name or cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m bench.detection.recorded", description=__doc__)
    parser.add_argument("logs", type=Path, nargs="+", help="exchange logs, attack__NAME or benign__NAME")
    parser.add_argument("--out", type=Path, default=FILE)
    asked = parser.parse_args(arguments)
    detectors = registry.shipped()
    try:
        rows = measure(asked.logs, detectors)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    save(rows, detectors, asked.out)
    print(f"{len(np.unique(rows.program))} programs, {len(rows.program)} looks, written to {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
