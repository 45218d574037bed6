"""Pooling: the rows of linked clients as one client's row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors import activity, merging, profile

if TYPE_CHECKING:
    from detectors.engine import Engine

_SUMS = ("events", "in_tokens", "out_tokens", "counted")


def merge(engine: Engine, rows: NDArray[np.void], client: int = 0) -> NDArray[np.void]:
    """One row, shape (1,), as if all the rows' events were those of one client, without parts; see Engine.merge."""
    out = engine.empty(np.array([client], np.uint64))
    rows = rows[(rows["schema"] == engine.schema) & (rows["events"] > 0)]
    if not len(rows):
        return out
    for name in _SUMS:
        out[name][0] = merging.added(rows[name])
    out["window"][0], out["first"][0], out["last"][0] = rows["window"].max(), rows["first"].min(), rows["last"].max()
    out["activity"][0] = activity.merge(rows["activity"])
    out["profile"][0] = merging.merged(rows["profile"])
    for detector in engine.detectors:
        out[detector.name][0] = detector.merge(rows[detector.name])
    out["look"] = engine.reference.look_index(out["counted"])
    out["group"] = engine.reference.group_of(profile.features(out["profile"]))
    return out
