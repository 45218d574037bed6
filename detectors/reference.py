"""Reference: what ordinary clients look like, by peer group and number of requests; plain arrays, no pickle."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from detectors import nearby
from detectors.forest import Forest, from_arrays

LOOKS: tuple[int, ...] = (25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800)
"""The numbers of counted requests at which a client is compared with its peers; later looks double on."""

RANKS: NDArray[np.int64] = np.unique(
    np.concatenate([np.arange(1, 33), np.round(np.geomspace(32, 20_000, 48)).astype(np.int64)])
)
"""The ranks from the top whose scores are kept: the first 32 exactly, then ever more thinly."""

GRID: NDArray[np.float64] = np.array([0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 100], np.float64)
"""The percentiles kept of each explained number."""

FUSED_GRID: NDArray[np.float64] = np.append(np.arange(1.0, 100.0), [99.5, 99.9])
"""The percentiles kept of the fused score at each look."""

FORMAT = 6
"""Another one where the same arrays mean something else: since 6 the joint tails are of log-odds without their lift."""
READABLE = (5, FORMAT)  # a reference of 5 has no landmarks, and its tails nothing taken off
LANDMARKS = ("landmarks", "lifts")  # what it lacks


@dataclass(frozen=True, slots=True)
class Reference:
    """The scores and numbers of ordinary clients. The last group index stands for all groups together."""

    detectors: tuple[tuple[str, int], ...]  # name and version, in the order of the arrays' first axis
    groups: tuple[str, ...]
    center: NDArray[np.float64]  # (features,)
    scale: NDArray[np.float64]  # (features,)
    centroids: NDArray[np.float64]  # (groups, features), standardised
    sizes: NDArray[np.int64]  # (detectors, then families; groups + 1; looks): clients behind a cell
    tails: NDArray[
        np.float32
    ]  # (detectors, then families; groups + 1; looks, RANKS): descending scores, -inf beyond the cell
    terms: tuple[str, ...]  # "detector.feature"
    percentiles: NDArray[np.float32]  # (terms, groups + 1, GRID)
    watch: NDArray[np.float32]  # (looks,): fused nats at which a client is watched, and reviewed
    review: NDArray[np.float32]
    fused: NDArray[np.float32]  # (looks, FUSED_GRID): ordinary clients' fused nats; NaN where none got there
    weights: NDArray[np.float64]  # (detectors,): of the re-ranker; empty where none was trained
    bias: float
    platt: tuple[float, float]
    about: dict[str, Any]
    forest: Forest | None = None  # the joint score; None: the families' evidence adds up in its place
    joint_sizes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(LOOKS), np.int64))  # (looks,)
    joint_tails: NDArray[np.float32] = field(  # (looks, RANKS): descending log-odds of all ordinary clients
        default_factory=lambda: np.full((len(LOOKS), len(RANKS)), -np.inf, np.float32)
    )
    kind_tails: NDArray[np.float32] = field(  # (families, looks, RANKS): the same by the trees of one family alone
        default_factory=lambda: np.full((0, len(LOOKS), len(RANKS)), -np.inf, np.float32)
    )
    landmarks: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))  # (landmarks, features), as above
    lifts: NDArray[np.float32] = field(  # (all trees, then families; looks, landmarks): log-odds, see nearby.py
        default_factory=lambda: np.zeros((1, len(LOOKS), 0), np.float32)
    )

    def group_of(self, features: NDArray[np.float64]) -> NDArray[np.uint8]:
        """The nearest peer group of each client; shape (len(features),)."""
        if not len(self.centroids):
            return np.zeros(len(features), np.uint8)
        place = (features - self.center) / self.scale
        distance = ((place[:, None, :] - self.centroids[None, :, :]) ** 2).sum(axis=2)
        return np.asarray(distance.argmin(axis=1), np.uint8)

    def lift_of(self, features: NDArray[np.float64], looks: NDArray[np.integer]) -> NDArray[np.float64]:
        """What to take from each client's log-odds at its look (1, 2, ...), and before the first.

        Shape (clients, 1 + families): of all trees together, then of each family's own.
        """
        if not len(self.landmarks):
            return np.zeros((len(features), 1))
        mark = nearby.nearest(self.landmarks, (features - self.center) / self.scale)
        look = np.clip(looks.astype(np.int64) - 1, 0, len(LOOKS) - 1)
        return np.asarray(self.lifts[:, look, mark].T, np.float64)

    def group_name(self, group: int) -> str:
        """The peer group in words."""
        return self.groups[group] if group < len(self.groups) else "all clients"

    def review_at(self, look: int) -> float:
        """The fused nats at which a review begins at look `look` (1, 2, ...), and before the first."""
        return float(self.review[min(max(look - 1, 0), len(self.review) - 1)])

    def resolvable(self, look: int) -> float:
        """The rarest that one family can be called at a look: 1 in so many clients; NaN before the first look."""
        if look < 1 or not len(self.sizes):
            return float("nan")
        return float(1.0 / (1.0 + self._clients()[min(look, self.deepest()) - 1]))

    def deepest(self, least: int = 200) -> int:
        """The last look (1, 2, ...) that at least so many ordinary clients reached; 1 where there is none."""
        enough = np.flatnonzero(self._clients() >= least)
        return int(enough[-1]) + 1 if len(enough) else 1

    def _clients(self) -> NDArray[np.int64]:
        """The clients behind each look."""
        return np.asarray(self.sizes[:, -1].max(axis=0, initial=0), np.int64)

    def look_index(self, counted: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """How many looks a client with so many counted requests has reached."""
        return np.asarray(np.searchsorted(LOOKS, counted, side="right"), np.uint8)

    def expected(self, term: str, group: int, value: float) -> tuple[float, float, float]:
        """The peer group's median and 99th percentile of a number, and the percentile of `value` in it.

        Of the peers that have just this value half count as below: what half of them have is no 100th percentile.
        """
        if term not in self.terms:
            return (float("nan"),) * 3
        known = self.percentiles[self.terms.index(term), group]
        if not np.isfinite(known).all():
            return (float("nan"),) * 3
        tied = GRID[known == np.float32(value)]  # the grid is kept in that precision
        place = float(tied[[0, -1]].mean()) if len(tied) else float(np.interp(value, known, GRID))
        return float(known[5]), float(known[9]), place

    def digest(self) -> str:
        """A hash of the numbers alone, the same for the same fit whenever and wherever it is made."""
        out = hashlib.sha256()
        names = ("center", "scale", "centroids", "sizes", "tails", "percentiles", "watch", "review", "weights")
        arrays = [getattr(self, name) for name in (*names, "joint_sizes", "joint_tails", "kind_tails", *LANDMARKS)]
        arrays += self.forest.arrays().values() if self.forest is not None else ()
        for array in arrays:
            out.update(np.ascontiguousarray(np.round(array, 4)).tobytes())
        return out.hexdigest()

    def save(self, path: str | Path | IO[bytes]) -> None:
        """Write a compressed .npz to a path or an open file, the same bytes for the same content."""
        meta = {
            "format": FORMAT, "detectors": self.detectors, "groups": self.groups, "terms": self.terms,
            "looks": LOOKS, "about": self.about, "bias": self.bias, "platt": self.platt,
            "forest": self.forest.names if self.forest is not None else (),
        }  # fmt: skip
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        if self.forest is not None:
            arrays |= {f"{_FOREST}{name}": array for name, array in self.forest.arrays().items()}
        text = json.dumps(meta, sort_keys=True).encode()
        np.savez_compressed(path, meta=np.frombuffer(text, np.uint8), **arrays)


_ARRAYS = ("center", "scale", "centroids", "sizes", "tails", "percentiles", "watch", "review", "fused", "weights",
           "joint_sizes", "joint_tails", "kind_tails", *LANDMARKS)  # fmt: skip
_FOREST = "forest_"


def load(path: str | Path) -> Reference:
    """The reference in a file; raises ValueError where it is none, or of another format."""
    with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as held:
        meta = json.loads(held["meta"].tobytes()) if "meta" in held else {}
        if meta.get("format", FORMAT) not in READABLE or tuple(meta.get("looks", LOOKS)) != LOOKS:
            raise ValueError("it was written for another version")
        if not meta or any(name not in held for name in _ARRAYS if name not in LANDMARKS):
            raise ValueError("it is not a reference")
        arrays = {name: held[name] for name in _ARRAYS if name in held}
        trees = {name.removeprefix(_FOREST): held[name] for name in held.files if name.startswith(_FOREST)}
    return Reference(
        detectors=tuple((str(name), int(version)) for name, version in meta["detectors"]),
        groups=tuple(meta["groups"]),
        terms=tuple(meta["terms"]),
        bias=float(meta["bias"]),
        platt=(float(meta["platt"][0]), float(meta["platt"][1])),
        about=meta["about"],
        forest=from_arrays(tuple(meta["forest"]), trees) if trees else None,
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
        fused=np.full((looks, len(FUSED_GRID)), np.nan, np.float32),
        weights=np.zeros(0),
        bias=0.0,
        platt=(1.0, 0.0),
        about={},
    )
