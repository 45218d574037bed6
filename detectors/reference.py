"""Reference: what ordinary clients look like, by peer group and number of requests; plain arrays, no pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOOKS: tuple[int, ...] = (25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800)
"""The numbers of counted requests at which a client is compared with its peers; later looks double on."""

RANKS: NDArray[np.int64] = np.unique(
    np.concatenate([np.arange(1, 33), np.round(np.geomspace(32, 20_000, 48)).astype(np.int64)])
)
"""The ranks from the top whose scores are kept: the first 32 exactly, then ever more thinly."""

GRID: NDArray[np.float64] = np.array([0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 100], np.float64)
"""The percentiles kept of each explained number."""

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Reference:
    """The scores and numbers of ordinary clients. The last group index stands for all groups together."""

    detectors: tuple[tuple[str, int], ...]  # name and version, in the order of the arrays' first axis
    groups: tuple[str, ...]
    center: NDArray[np.float64]  # (features,)
    scale: NDArray[np.float64]  # (features,)
    centroids: NDArray[np.float64]  # (groups, features), standardised
    sizes: NDArray[np.int64]  # (detectors, groups + 1, looks): clients behind a cell
    tails: NDArray[np.float32]  # (detectors, groups + 1, looks, RANKS): descending scores, -inf beyond the cell
    terms: tuple[str, ...]  # "detector.feature"
    percentiles: NDArray[np.float32]  # (terms, groups + 1, GRID)
    watch: NDArray[np.float32]  # (looks,): fused nats at which a client is watched, and reviewed
    review: NDArray[np.float32]
    about: dict[str, Any]

    def group_of(self, features: NDArray[np.float64]) -> NDArray[np.uint8]:
        """The nearest peer group of each client; shape (len(features),)."""
        if not len(self.centroids):
            return np.zeros(len(features), np.uint8)
        place = (features - self.center) / self.scale
        distance = ((place[:, None, :] - self.centroids[None, :, :]) ** 2).sum(axis=2)
        return np.asarray(distance.argmin(axis=1), np.uint8)

    def group_name(self, group: int) -> str:
        """The peer group in words."""
        return self.groups[group] if group < len(self.groups) else "all clients"

    def look_index(self, counted: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """How many looks a client with so many counted requests has reached."""
        return np.asarray(np.searchsorted(LOOKS, counted, side="right"), np.uint8)

    def expected(self, term: str, group: int, value: float) -> tuple[float, float, float]:
        """The peer group's median and 99th percentile of a number, and the percentile of `value` in it."""
        if term not in self.terms:
            return (float("nan"),) * 3
        known = self.percentiles[self.terms.index(term), group]
        if not np.isfinite(known).all():
            return (float("nan"),) * 3
        below = float(np.interp(value, known, GRID))
        if value >= known[-1]:
            below = 100.0
        return float(known[5]), float(known[9]), below

    def save(self, path: str | Path) -> None:
        """Write a compressed .npz, the same bytes for the same content."""
        meta = {
            "format": FORMAT, "detectors": self.detectors, "groups": self.groups, "terms": self.terms,
            "looks": LOOKS, "about": self.about,
        }  # fmt: skip
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        text = json.dumps(meta, sort_keys=True).encode()
        np.savez_compressed(path, meta=np.frombuffer(text, np.uint8), **arrays)


_ARRAYS = ("center", "scale", "centroids", "sizes", "tails", "percentiles", "watch", "review")


def load(path: str | Path) -> Reference:
    """The reference in a file; raises ValueError where it is none, or of another format."""
    with np.load(path, allow_pickle=False) as held:
        if "meta" not in held or any(name not in held for name in _ARRAYS):
            raise ValueError(f"{path} is not a reference")
        meta = json.loads(held["meta"].tobytes())
        arrays = {name: held[name] for name in _ARRAYS}
    if meta.get("format") != FORMAT or tuple(meta["looks"]) != LOOKS:
        raise ValueError(f"{path} was written for another version")
    return Reference(
        detectors=tuple((str(name), int(version)) for name, version in meta["detectors"]),
        groups=tuple(meta["groups"]),
        terms=tuple(meta["terms"]),
        about=meta["about"],
        **arrays,
    )


def empty() -> Reference:
    """A reference that knows no ordinary client: nothing is ever called extraordinary against it."""
    looks = len(LOOKS)
    return Reference(
        detectors=(),
        groups=(),
        center=np.zeros(0),
        scale=np.ones(0),
        centroids=np.zeros((0, 0)),
        sizes=np.zeros((0, 1, looks), np.int64),
        tails=np.zeros((0, 1, looks, len(RANKS)), np.float32),
        terms=(),
        percentiles=np.zeros((0, 1, len(GRID)), np.float32),
        watch=np.full(looks, np.inf, np.float32),
        review=np.full(looks, np.inf, np.float32),
        about={},
    )
