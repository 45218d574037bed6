"""Poisoners do not teach the next reference, owners count for little, and a dull reference is doubted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectors import fitting, registry, robust
from detectors.base import Level
from detectors.engine import Engine
from detectors.event import Flag
from detectors.table import Table

CLIENTS, POISONERS = 600, 30


def crowd(traffic, clients: range, requests: int = 60) -> list[np.ndarray]:
    """Ordinary clients of two kinds; some have one habit of a harvester, none has two."""
    parts = []
    for client in clients:
        rng = np.random.default_rng(client)
        kind = client % 2
        fields = {
            "head4": np.where(rng.random(requests) < rng.random(), 3, rng.integers(10, 2**60, requests)),
            "out_chars": rng.integers(60, 3_000) if kind else 90,
            "payload_chars": 60 if kind else 4_000,
            "flags": 0 if kind else int(Flag.MULTI_TURN),
            "choices": np.where((rng.random(requests) < rng.random()) & (client % 50 < 2), 5, 1),
        }
        parts.append(traffic(client + 1, requests, gap=20.0, **fields))
    return parts


@pytest.fixture(scope="module")
def engine(traffic) -> Engine:
    """An engine that knows an earlier crowd."""
    blank = Engine(registry.shipped(), registry.load().reference)
    shots = fitting.observe(blank, np.concatenate(crowd(traffic, range(20_000, 20_000 + CLIENTS))))
    return Engine(registry.shipped(), fitting.fit(blank.detectors, shots, {}, groups=4, least=100))


@pytest.fixture(scope="module")
def clean(engine, traffic):
    return fitting.observe(engine, np.concatenate(crowd(traffic, range(CLIENTS))))


@pytest.fixture(scope="module")
def poisoned(engine, traffic, harvest):
    """One client in twenty is a harvester who waits for the fit."""
    bad = [harvest(50_000 + number, 60, gap=20.0) for number in range(POISONERS)]
    return fitting.observe(engine, np.concatenate([*crowd(traffic, range(CLIENTS)), *bad]))


def fit(engine: Engine, shots) -> Engine:
    return Engine(engine.detectors, fitting.fit(engine.detectors, shots, {}, groups=4, least=100))


@pytest.fixture(scope="module")
def fitted(engine, clean) -> Engine:
    return fit(engine, clean)


@pytest.fixture(scope="module")
def misled(engine, poisoned) -> Engine:
    return fit(engine, poisoned)


def found(engine: Engine, harvest) -> int:
    """How many of twenty fresh harvesters are reviewed."""
    table = Table(engine)
    table.step(np.concatenate([harvest(70_000 + number, 60) for number in range(20)]), 0.0)
    return int((table.rows()["level"] == Level.REVIEW).sum())


def test_five_percent_of_poisoners_cost_nothing_where_the_present_reference_sees_them(
    engine, fitted, poisoned, harvest
) -> None:
    assert found(fitted, harvest) == 20
    screened = robust.screen(engine, poisoned)
    assert POISONERS <= screened.left_out["would be reviewed now, without a verdict"] <= POISONERS + 2
    assert found(fit(engine, screened.snapshots), harvest) == 20


def test_without_the_screen_the_same_poisoners_would_hide_every_harvester(misled, harvest) -> None:
    assert found(misled, harvest) == 0


def test_a_reference_that_learned_from_poisoners_is_doubted(engine, fitted, misled) -> None:
    assert robust.doubts(fitted.reference, engine.reference) == []
    doubts = robust.doubts(misled.reference, engine.reference)
    assert any("ordinary clients scored on" in text for text in doubts)


def test_a_threshold_that_rises_far_is_doubted(engine) -> None:
    high = dataclasses.replace(engine.reference, review=engine.reference.review + np.float32(robust.RISE + 0.1))
    assert any("a review would begin" in text for text in robust.doubts(high, engine.reference))


def test_harvesters_that_a_person_named_are_left_out_and_ordinary_ones_kept(engine, poisoned) -> None:
    named, cleared = {3, 4}, set(range(50_000, 50_010))
    screened = robust.screen(engine, poisoned, harvesting=named | {50_001}, benign=cleared)
    kept = set(screened.snapshots[0].clients.tolist())
    assert not named & kept
    assert cleared <= kept
    assert screened.left_out["closed or labelled as harvesting"] == 2


def test_only_some_clients_of_one_owner_count(engine, clean) -> None:
    owners = dict.fromkeys(range(1, 401), "account big") | {401: "account small"}
    screened = robust.screen(engine, clean, owners=owners)
    kept = set(screened.snapshots[0].clients.tolist())
    most = max(robust.OWNER_LEAST, int(robust.OWNER_SHARE * CLIENTS))
    assert most - 3 <= len(kept & set(range(1, 401))) <= most
    assert 401 in kept
    again = robust.screen(engine, clean, owners=owners)
    assert again.snapshots[0].clients.tolist() == screened.snapshots[0].clients.tolist()


def test_a_quiet_crowd_loses_at_most_a_hundredth(engine, clean) -> None:
    screened = robust.screen(engine, clean)
    assert screened.clients >= 0.985 * CLIENTS
    assert screened.suspicious < robust.SUSPECT


def test_many_extraordinary_clients_are_told(engine, traffic, harvest) -> None:
    bad = [harvest(50_000 + number, 60) for number in range(100)]
    shots = fitting.observe(engine, np.concatenate([*crowd(traffic, range(400)), *bad]))
    assert robust.screen(engine, shots).suspicious > robust.SUSPECT
