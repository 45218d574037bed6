"""Pooled: the members' rows merged into one, compared with random sets of as many ordinary clients."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import fuse
from detectors.calibrate import nats
from detectors.engine import Engine

SHIPPED = Path(__file__).parents[1] / "shipped" / "campaigns.npz"
SIZES: tuple[int, ...] = (4, 8, 16, 32, 64, 128)
"""The numbers of clients in the random sets; a campaign is compared with the nearest."""
SETS = 400
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Told:
    """What the members' rows say when they are taken as one client's."""

    size: int  # of the random sets it was compared with
    nats: float  # the families' evidence, added up
    evidence: tuple[tuple[str, float, float], ...]  # detector, its score, and the p-value among random sets


@dataclass(frozen=True, slots=True)
class Pooled:
    """The detectors' scores of random sets of ordinary clients, by the size of the set."""

    detectors: tuple[tuple[str, int], ...]
    scores: NDArray[np.float32]  # (SIZES, detectors, sets), descending

    def rescore(self, engine: Engine, rows: NDArray[np.void]) -> Told:
        """The members as one client; a detector that the calibration does not know says nothing."""
        merged = engine.merge(rows)
        now = float(merged["last"][0])
        place = int(np.argmin(np.abs(np.log(np.array(SIZES) / max(len(rows), 1)))))
        known = {name: (column, version) for column, (name, version) in enumerate(self.detectors)}
        families: dict[str, float] = {}
        evidence = []
        for one in engine.detectors:
            score = float(one.score(merged[one.name], now)[0])
            column, version = known.get(one.name, (-1, 0))
            p = 1.0
            if column >= 0 and version == one.version and score > 0.0:
                held = self.scores[place, column]
                p = (1.0 + float((held >= score).sum())) / (1.0 + len(held))
            families[one.family] = min(families.get(one.family, 1.0), p)
            evidence.append((one.name, score, p))
        total = float(nats(np.array([families.get(family, 1.0) for family in fuse.FAMILIES])).sum())
        return Told(SIZES[place], total, tuple(evidence))

    def save(self, path: Path) -> None:
        """Write a compressed .npz, the same bytes for the same content."""
        meta = json.dumps({"format": _FORMAT, "detectors": self.detectors, "sizes": SIZES}, sort_keys=True).encode()
        np.savez_compressed(path, meta=np.frombuffer(meta, np.uint8), scores=self.scores)


def load(path: Path = SHIPPED) -> Pooled:
    """The calibration in a file; raises ValueError where it is none, and OSError where there is no file."""
    with np.load(path, allow_pickle=False) as held:
        if "meta" not in held or "scores" not in held:
            raise ValueError(f"{path} is not a calibration of sets")
        meta: dict[str, Any] = json.loads(held["meta"].tobytes())
        scores = held["scores"]
    if meta.get("format") != _FORMAT or tuple(meta.get("sizes", ())) != SIZES:
        raise ValueError(f"{path} was written for another version")
    return Pooled(tuple((str(name), int(version)) for name, version in meta["detectors"]), scores)


def fit(engine: Engine, rows: NDArray[np.void], seed: int, sets: int = SETS) -> Pooled:
    """From ordinary clients' rows: the scores of random sets, drawn without replacement within a set."""
    rng = np.random.default_rng(seed)
    scores = np.zeros((len(SIZES), len(engine.detectors), sets), np.float32)
    for place, size in enumerate(SIZES):
        for turn in range(sets):
            chosen = rng.choice(len(rows), min(size, len(rows)), replace=False)
            merged = engine.merge(rows[chosen])
            for column, one in enumerate(engine.detectors):
                scores[place, column, turn] = one.score(merged[one.name], float(merged["last"][0]))[0]
    ordered = -np.sort(-scores, axis=2)
    return Pooled(tuple((one.name, one.version) for one in engine.detectors), ordered)
