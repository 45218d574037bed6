"""Rows: what members' own rows say, each by itself, as one number that a group's score can take up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors import calibrate
from detectors.engine import Engine

LEAST = 5  # counted requests from which a row says something


def ranks(engine: Engine, rows: NDArray[np.void]) -> dict[int, float]:
    """How rare each client's row is among ordinary clients, in nats; without those of too few requests.

    It is the joint score as the row stands now, so another reference changes it as it changes clients'
    scores, and not its meaning. Empty where the reference has no joint score.
    """
    rows = rows[rows["counted"] >= LEAST]
    if not len(rows) or engine.judge.forest is None:
        return {}
    judged = engine.judge.judge(rows, float(rows["last"].max()))
    nats = calibrate.joint_nats(engine.reference, np.maximum(rows["look"], 1), judged.rank)
    return dict(zip(rows["client"].tolist(), nats.tolist(), strict=True))
