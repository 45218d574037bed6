"""Evaluation: accounts through the engine as the service would, and what came of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from bench.detection.compose import Account
from detectors.base import Explanation, Level
from detectors.engine import Engine
from detectors.table import Table


class Outcome(NamedTuple):
    """What the engine made of one client."""

    client: str
    kind: str  # persona or harvest family
    harvest: bool
    requests: int
    level: Level  # the highest reached
    score: float  # the highest told, or the last
    watched_at: int | None  # requests at which WATCH or more was first reached
    reviewed_at: int | None
    told: Explanation


def run(engine: Engine, accounts: Iterable[Account]) -> list[Outcome]:
    """Each account by itself; events in order, in blocks as they might arrive."""
    return [_one(engine, account) for account in accounts]


def _one(engine: Engine, account: Account) -> Outcome:
    table = Table(engine)
    level, score = Level.NONE, 0.0
    watched: int | None = None
    reviewed: int | None = None
    for start in range(0, len(account.events), 25):
        block = account.events[start : start + 25]
        for finding in table.step(block, float(block["at"][-1])):
            level = max(level, Level(int(finding["level"])))
            score = max(score, float(finding["score"]))
            if finding["level"] >= Level.WATCH:
                watched = watched or int(finding["requests"])
            if finding["level"] == Level.REVIEW:
                reviewed = reviewed or int(finding["requests"])
    row = table[account.client]
    told = engine.explain(row, float(row["last"]))
    kind = account.family or account.persona
    return Outcome(
        f"cl_{account.client:016x}", kind, bool(account.family), len(account.events), level, max(score, told.score),
        watched, reviewed, told,
    )  # fmt: skip


class Rate(NamedTuple):
    """One kind's clients: how many, how many watched and reviewed, the median requests to review."""

    kind: str
    harvest: bool
    clients: int
    watched: int  # WATCH or more
    reviewed: int
    median_to_review: float


def rates(outcomes: Sequence[Outcome]) -> list[Rate]:
    """By kind: ordinary ones first, the worst of them on top; then harvests, the best found on top."""
    kinds: dict[tuple[bool, str], list[Outcome]] = defaultdict(list)
    for one in outcomes:
        kinds[one.harvest, one.kind].append(one)
    out = []
    for (harvest, kind), some in kinds.items():
        reached = [one.reviewed_at for one in some if one.reviewed_at is not None]
        median = float(np.median(reached)) if reached else float("nan")
        out.append(Rate(kind, harvest, len(some), sum(one.level >= Level.WATCH for one in some), len(reached), median))
    return sorted(out, key=lambda r: (r.harvest, -r.reviewed / r.clients, -r.watched / r.clients, r.kind))
