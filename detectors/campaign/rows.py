"""Rows: what members' own rows say, each by itself, as one number that a group's score can take up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.engine import Engine

LEAST = 5  # counted requests from which a row says something


def ranks(engine: Engine, rows: NDArray[np.void]) -> dict[int, float]:
    """Log-odds of harvesting by client; without those of too few requests, and empty without a joint score."""
    rows = rows[rows["counted"] >= LEAST]
    if not len(rows) or engine.judge.forest is None:
        return {}
    now = float(rows["last"].max())
    scores = np.column_stack([one.score(rows[one.name], now) for one in engine.detectors]).astype(np.float32)
    odds = engine.judge.odds(rows, scores)
    return dict(zip(rows["client"].tolist(), odds.tolist(), strict=True))
