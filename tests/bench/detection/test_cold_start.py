"""The first hour of a new installation, with the reference that ships: quiet for ordinary clients, and not blind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.detection import dataset, harvests
from bench.detection.dataset import Plan, Scale
from detectors import registry
from detectors.base import Level
from detectors.engine import Engine
from detectors.table import Table

HOUR = 1.0 / 24.0
SEEN = ("private reasoning", "log probabilities", "preference, n=8")


@pytest.fixture(scope="module")
def table() -> tuple[Table, dict[int, str]]:
    """An hour of made-up traffic, in order of time, as the worker would see it."""
    world = dataset.world(None, "test")
    plans = list(dataset.ordinary(world, "hour", 360, 80, HOUR))
    for variant in harvests.VARIANTS:
        if variant.name in SEEN:
            for number in range(3):
                plans += _busy(dataset.operator(world, f"hour/{variant.name}/{number}", variant, 1, _SCALE))
    accounts = [dataset.build(world, plan) for plan in plans]
    events = np.concatenate([one.events for one in accounts])
    events = events[np.argsort(events["at"], kind="stable")]
    held = Table(Engine(registry.shipped(), registry.load().reference))
    for block in np.array_split(events, 60):
        if len(block):
            held.step(block, float(block["at"][-1]))
    return held, {one.client: one.family for one in accounts}


_SCALE = Scale(0, 1, 0, 0, 80, HOUR)


def _busy(plans) -> list[Plan]:
    """Without cover, and at a pace that shows within the hour."""
    return [replace(plan, cover=0.0, profile=replace(plan.profile, a_day=20_000.0)) for plan in plans]


def test_hardly_an_ordinary_client_is_told_of(table) -> None:
    held, family = table
    levels = [int(held[client]["level"]) for client in held if not family[client]]
    assert len(levels) >= 300
    assert sum(level >= Level.WATCH for level in levels) <= 0.02 * len(levels)
    assert sum(level >= Level.REVIEW for level in levels) <= 1  # one judge: its marks are those of graded harvests


def test_the_clearest_harvests_show_within_the_hour(table) -> None:
    held, family = table
    levels = [int(held[client]["level"]) for client in held if family[client] and held[client]["look"] >= 2]
    assert len(levels) >= 4
    assert sum(level >= Level.WATCH for level in levels) >= len(levels) // 2


def test_harvests_stand_before_ordinary_clients_in_the_queue(table) -> None:
    held, family = table
    ranks = {client: held.engine.explain(held[client], 0.0).rank for client in held}
    bad = [rank for client, rank in ranks.items() if family[client]]
    good = [rank for client, rank in ranks.items() if not family[client]]
    assert np.mean(np.array(bad)[:, None] > np.array(good)[None, :]) > 0.75
