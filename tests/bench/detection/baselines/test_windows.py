"""Window tests tell a crowd from what is unlike it, and agree with exact arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from bench.detection.baselines import windows


def _unit(rng: np.random.Generator, count: int, center: float) -> np.ndarray:
    points = rng.normal(size=(count, 24))
    points[:, 0] += center
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def test_mean_maps_give_the_unbiased_squared_mmd() -> None:
    rng = np.random.default_rng(0)
    x, y = _unit(rng, 60, 0.0), _unit(rng, 60, 4.0)
    scale = 1.0
    directions = rng.standard_normal((24, 20_000)) / scale

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=2) / (2.0 * scale**2))

    def within(a: np.ndarray) -> float:
        return (kernel(a, a).sum() - len(a)) / (len(a) * (len(a) - 1))

    exact = within(x) + within(y) - 2.0 * kernel(x, y).mean()
    means = [windows._maps(one, directions).mean(axis=0) for one in (x, y)]
    assert float(windows._squared(means[0], means[1], 60)) == pytest.approx(exact, abs=0.01)


def test_prada_takes_normal_distances_for_benign_and_two_clumps_for_an_attack() -> None:
    rng = np.random.default_rng(1)
    benign = (_unit(rng, 100, 0.0) * 127).astype(np.int8)
    base = _unit(rng, 50, 0.0)
    walked = np.repeat(base, 2, axis=0) + rng.normal(scale=0.01, size=(100, 24))
    attack = (walked / np.linalg.norm(walked, axis=1, keepdims=True) * 127).astype(np.int8)
    calm, odd = (windows.neighbours(one)[:, windows.WINDOWS.index(100)] for one in (benign, attack))
    assert calm[0] < windows.PRADA < odd[0]
    assert calm[1] == 0.0
    assert odd[1] == pytest.approx(50 / 99, abs=0.02)


def test_windows_that_a_client_does_not_fill_are_unknown() -> None:
    few = (_unit(np.random.default_rng(2), 30, 0.0) * 127).astype(np.int8)
    found = windows.neighbours(few)
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1:]).all()
    assert windows._shapiro(np.zeros(0)) == 1.0
