"""Rows: what members' own rows say, each by itself, in two numbers that a group's score can take up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors import calibrate
from detectors.engine import Engine
from detectors.table import Table

LEAST = 5  # counted requests from which a row says something
BEYOND = 0.05  # a row leads where it goes further than so large a share of ordinary clients does at the first look


class Own(NamedTuple):
    """What one client's row says."""

    nats: float  # the joint score: how rare it is among ordinary clients
    lead: float  # its log-odds above those of BEYOND of the ordinary clients, whatever the number of its requests


def ranks(engine: Engine, rows: NDArray[np.void]) -> dict[int, Own]:
    """What each client's row says; without those of too few requests.

    The nats are the joint score as the row stands now, so another reference changes it as it changes clients'
    scores, and not its meaning. Before the first look they are drawn to the usual client's, and beyond the highest
    ordinary client they are as coarse as its place in the tail; the lead is neither: one row of few requests proves
    nothing by it, but the mean of many does. Empty where the reference has no joint score.
    """
    rows = rows[rows["counted"] >= LEAST]  # a copy
    if not len(rows) or engine.judge.forest is None:
        return {}
    rows["group"] = engine.judge.group(rows)  # the reference may be another one than at the look
    judged = engine.judge.judge(rows, float(rows["last"].max()))
    nats = calibrate.joint_nats(engine.reference, np.maximum(rows["look"], 1), judged.rank)
    odds = (engine.judge.odds(rows, judged.scores) - engine.judge.lift(rows))[:, 0]
    lead = odds - calibrate.joint_reached(engine.reference, BEYOND)
    told = zip(rows["client"].tolist(), nats.tolist(), lead.tolist(), strict=True)
    return {client: Own(rare, ahead) for client, rare, ahead in told}


def told(table: Table, clients: Iterable[int]) -> dict[int, Own]:
    """What the rows of some clients say where all rows are in memory; nothing of those without a row."""
    return ranks(table.engine, np.array([table[client] for client in clients if client in table], table.engine.row))
