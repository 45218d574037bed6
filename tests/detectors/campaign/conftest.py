"""Made-up operators and bystanders as events, without any text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from detectors.event import Flag, zeros
from detectors.exchange import Operation

NOW = 1_764_100_000.0
Events = Callable[..., np.ndarray]


def made(
    clients: list[int], requests: int, seed: int, wording: int, recipe: int, about: int, **more: object
) -> np.ndarray:
    """Each client's requests under one wording and one recipe, every item a new one, around one topic."""
    rng = np.random.default_rng([seed, 7])
    count = len(clients) * requests
    out = zeros(count)
    out["client"] = np.repeat(np.array(clients, np.uint64), requests)
    out["at"] = NOW + np.sort(rng.random(count)) * 3_600.0
    for name in ("payload", "body", "answer"):
        out[name] = rng.integers(1, 2**62, count)
    out["head12"] = wording * 10 + 1 if wording else rng.integers(1, 2**62, count)
    out["tail6"] = wording * 10 + 2 if wording else rng.integers(1, 2**62, count)
    out["params"], out["temperature"] = recipe, recipe % 97 / 50.0 + 0.1
    out["sketch"] = rng.integers(1, 2**32, (count, 8))
    out["network"] = out["client"] % 2**31 + 1
    out["agent"] = out["client"] % 3 + 1
    base = np.random.default_rng(about).normal(size=24)
    topic = 0.7 * base / np.linalg.norm(base) + 0.7 * rng.normal(size=(count, 24)) / np.sqrt(24)
    out["topic"] = np.rint(topic / np.linalg.norm(topic, axis=1, keepdims=True) * 127)
    out["payload_chars"], out["in_chars"], out["out_chars"], out["out_tokens"] = 200, 260, 3_000, 750
    out["operation"], out["status"] = Operation.CHAT, 200
    for name, value in more.items():
        out[name] = value
    return out


@pytest.fixture
def operator() -> Events:
    """One operator's accounts: `operator(clients, requests=12, seed=1)`."""

    def build(clients: list[int], requests: int = 12, seed: int = 1, wording: int = 501, **more: object) -> np.ndarray:
        return made(clients, requests, seed, wording, 9_000 + wording, wording, **more)

    return build


@pytest.fixture
def bystanders() -> Events:
    """So many unrelated chat clients: `bystanders(60)`."""

    def build(count: int = 60, requests: int = 12, seed: int = 2) -> np.ndarray:
        parts = [
            made([10_000 + k], requests, seed * 1_000 + k, 0, 1 + k % 4, 20_000 + k, flags=np.uint32(Flag.STREAM))
            for k in range(count)
        ]
        return np.concatenate(parts)

    return build
