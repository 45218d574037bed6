"""Clients like the reference's have not moved; others have, and the remedy is named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from detectors import drift, reference
from detectors.reference import FUSED_GRID, LOOKS


@pytest.fixture(scope="module")
def ref() -> reference.Reference:
    scores = np.maximum(np.random.default_rng(1).exponential(2.0, 5_000) - 1.0, 0.0)  # many are silent
    sizes = np.zeros((1, 3, len(LOOKS)), np.int64)
    sizes[0, :, 0] = 3_000, 1_000, 4_000
    known = np.tile(np.percentile(scores, FUSED_GRID), (len(LOOKS), 1)).astype(np.float32)
    return dataclasses.replace(reference.empty(), groups=("a", "b"), sizes=sizes, fused=known)


def tally(ref, clients: int, share: float = 0.75, factor: float = 1.0, seed: int = 2) -> drift.Drift:
    rng = np.random.default_rng(seed)
    held = drift.Tally(ref)
    group = (rng.random(clients) >= share).astype(np.uint8)
    scores = factor * np.maximum(rng.exponential(2.0, clients) - 1.0, 0.0)
    for part in np.array_split(np.arange(clients), 7):
        held.add(group[part], np.ones(len(part), np.uint8), scores[part])
    return held.measure()


def test_clients_like_the_references_have_not_moved(ref) -> None:
    for seed in range(5):
        found = tally(ref, 800, seed=seed)
        assert found.reasons == ()
        assert found.psi < 0.05
        assert found.ks < 0.08
        assert found.tail < 0.03


def test_with_few_clients_nothing_is_said(ref) -> None:
    found = tally(ref, drift.LEAST - 1, share=0.0)
    assert found.clients == drift.LEAST - 1
    assert np.isnan([found.psi, found.ks, found.tail]).all()
    assert found.reasons == ()


def test_other_kinds_of_use_are_told_with_the_remedy(ref) -> None:
    found = tally(ref, 800, share=0.2)
    assert found.psi > drift.PSI_LIMIT
    assert found.ks < drift.KS_LIMIT
    assert "kinds of use have shifted" in found.reasons[0]
    assert "stillwatch fit" in found.reasons[0]


def test_scores_that_moved_up_are_told_as_a_heavier_tail(ref) -> None:
    found = tally(ref, 2_000, factor=3.0)
    assert found.ks > drift.KS_LIMIT
    assert found.tail > drift.TAIL_LIMIT * 0.01
    assert any("beyond what 1 %" in reason for reason in found.reasons)


def test_scores_that_moved_down_are_told_too(ref) -> None:
    found = tally(ref, 2_000, factor=0.4)
    assert any("distributed otherwise" in reason for reason in found.reasons)


def test_old_clients_fade(ref, monkeypatch) -> None:
    monkeypatch.setattr(drift, "KEPT", 500)
    held = drift.Tally(ref)
    for _ in range(20):
        held.add(np.zeros(100, np.uint8), np.ones(100, np.uint8), np.zeros(100))
    assert held.scores.sum() <= 500
    for _ in range(20):
        held.add(np.ones(100, np.uint8), np.ones(100, np.uint8), np.zeros(100))
    assert held.groups[1] > 20 * held.groups[0]


def test_a_reference_that_knows_nobody_says_nothing() -> None:
    held = drift.Tally(reference.empty())
    held.add(np.zeros(300, np.uint8), np.ones(300, np.uint8), np.zeros(300))
    assert held.measure().reasons == ()
