"""Rate limits count, and the heuristics of honeypotllm add up as described."""

from __future__ import annotations

import numpy as np
import pytest

from bench.detection.baselines import limits
from detectors import event


def _events(at: np.ndarray) -> np.ndarray:
    events = event.zeros(len(at))
    events["at"] = at
    rng = np.random.default_rng(0)
    events["sketch"] = rng.integers(1, 2**32, (len(at), 8), dtype=np.uint32)
    events["head12"] = rng.integers(1, 2**60, len(at), dtype=np.uint64)
    return events


def test_the_most_requests_in_any_hour_and_day_so_far() -> None:
    events = _events(np.array([0.0, 10.0, 20.0, 7_200.0, 7_300.0, 200_000.0]))
    until = np.array([1, 3, 6])
    assert limits.hourly(events, until).tolist() == [1.0, 3.0, 3.0]
    assert limits.daily(events, until).tolist() == [1.0, 3.0, 5.0]


def test_a_patient_client_with_different_prompts_scores_nothing() -> None:
    assert limits.honeypot(_events(np.arange(50) * 120.0), np.array([50])).tolist() == [0.0]


def test_haste_adds_a_fifth_a_request_and_idle_hours_take_it_back() -> None:
    hasty = _events(np.arange(8) * 0.25)
    # four requests after the first four, each half of 0.20 for a pause of 0.25 s
    assert limits.honeypot(hasty, np.array([8]))[0] == pytest.approx(0.4, abs=1e-3)
    later = _events(np.concatenate([np.arange(8) * 0.25, [2.0 + 8 * 3600.0]]))
    scores = limits.honeypot(later, np.array([8, 9]))
    assert scores[1] == scores[0]  # the highest so far


def test_likeness_is_measured_against_the_last_prompt() -> None:
    events = _events(np.arange(5) * 120.0)
    events["sketch"][4] = events["sketch"][3]
    assert limits.honeypot(events, np.array([5]))[0] == pytest.approx(0.30, abs=1e-3)
